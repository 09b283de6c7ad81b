"""Indexes, repositories and folders that releases come from, and resolving against them."""
