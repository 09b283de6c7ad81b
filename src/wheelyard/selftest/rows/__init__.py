"""The faults, in rows as they are numbered in the documentation."""
