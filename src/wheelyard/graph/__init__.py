"""Packages and typed edges: order, cycles, levels, why."""
