"""The tables of the site: what it asks of all projects at once, kept as jobs change."""

from sqlalchemy import BigInteger, Boolean, Column, Index, Table, Text, text

from wheelyard.store.schema_base import METADATA

# How the newest version of a project stands for a target (``jobs.cells``), for those who look at all of them.
CELLS = Table(
    "cells",
    METADATA,
    Column("project", Text, primary_key=True),
    Column("target", Text, primary_key=True),
    Column("version", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("changed", BigInteger),
    Column("built_version", Text, nullable=False),
    Column("built_key", Text, nullable=False),
    Column("regressed", Boolean, nullable=False),
    Index("cells_by_target", "target", "project"),
    Index("cells_by_state", "state", "project"),
    Index("cells_tallied", "target", "state"),
    Index(
        "cells_regressed",
        "project",
        sqlite_where=text("regressed"),
        postgresql_where=text("regressed"),
    ),
)

KNOWN_PROJECTS = Table("known_projects", METADATA, Column("project", Text, primary_key=True))

# Whose jobs a project has.
ASKERS = Table(
    "askers",
    METADATA,
    Column("owner", Text, primary_key=True),
    Column("project", Text, primary_key=True),
)
