"""Compiler commands for the build machine become those for the target: pure, and almost without imports."""
