"""Interpreters, platforms and targets: parse, order, and which artifact serves which target."""
