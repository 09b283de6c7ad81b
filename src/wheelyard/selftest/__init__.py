"""Injects faults into a farm of real processes on this machine, and looks whether anything was lost."""
