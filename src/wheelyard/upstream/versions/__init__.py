"""Asking the places where new versions show: indexes, registries, forges, directories."""
