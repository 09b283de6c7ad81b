"""Joins services and edges: one function per process."""
