"""Migrations: who is in one, who is ready, and the rules that edit recipes."""
