"""Jinja as recipes use it: read by Jinja's own parser, carried out here step by step.

Jinja compiles a template to Python and runs it, which can neither be bounded nor cheaply repeated for
many variants. Here every step and every size is counted, so that a template that never ends is an
error with a line.
"""
