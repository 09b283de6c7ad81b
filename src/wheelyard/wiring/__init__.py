"""Joins services and edges: one function per process.

Nothing here decides anything; it says which adapter stands behind which port.
"""
