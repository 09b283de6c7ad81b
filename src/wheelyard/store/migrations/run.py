"""Carry out migrations; importing this module imports Alembic and SQLAlchemy."""

import sqlite3
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, create_engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

BUSY_SECONDS = 30.0


def upgrade(path: Path, revision: str) -> None:
    """Bring a database to a revision, as one transaction: after a crash it is as it was.

    Raises sqlite3.Error.
    """
    engine = create_engine(
        "sqlite://",
        creator=lambda: sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None),
        poolclass=NullPool,
    )
    try:
        with engine.connect() as connection:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            command.upgrade(config(connection), revision)
            connection.exec_driver_sql("COMMIT")
    except DBAPIError as error:
        if isinstance(error.orig, sqlite3.Error):
            # Callers know SQLite's own errors, and that a full disk is one.
            raise error.orig from error
        raise


def config(connection: Connection) -> Config:
    """Tell Alembic where its scripts lie and which connection is theirs."""
    settings = Config()
    settings.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    settings.attributes["connection"] = connection
    return settings
