"""Pins: the versions that an ecosystem builds against, and the migrations that change them.

A pin file is conda-forge's ``conda_build_config.yaml``; a pin migration is one file of its
``migrations`` folder. Both are read with positions, so that a fault is named by its line and an edit
touches nothing else.
"""
