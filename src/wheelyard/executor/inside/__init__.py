"""What runs inside the sandbox, in the interpreter that a job is for.

Only the standard library, and only what Python 3.6 and PyPy understand: this package is loaded under
a private name (see ``start.py``) by interpreters that know nothing of wheelyard.
"""
