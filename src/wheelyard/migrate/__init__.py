"""Migrations: which recipes want a change, the change itself, and how far it has come.

Everything here is pure: a feedstock is a value, a migrator says of it whether it wants a change and
gives another value, and the world (files, indexes, forges) is somebody else's.
"""
