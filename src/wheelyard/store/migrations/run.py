"""Carry out migrations; importing this module imports Alembic and SQLAlchemy."""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, create_engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

BUSY_SECONDS = 30.0


def upgrade(path: Path, revision: str) -> None:
    """Bring a SQLite database to a revision, as one transaction: after a crash it is as it was.

    Raises sqlite3.Error.
    """
    _upgrade(
        "sqlite://",
        lambda: sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None),
        revision,
        begin="BEGIN IMMEDIATE",
    )


def upgrade_server(url: str, revision: str) -> None:
    """Bring a PostgreSQL database to a revision, as one transaction. Raises psycopg.Error."""
    import psycopg

    _upgrade("postgresql+psycopg://", lambda: psycopg.connect(url), revision)


def _upgrade(dialect: str, connect: Callable[[], Any], revision: str, *, begin: str = "") -> None:
    engine = create_engine(dialect, creator=connect, poolclass=NullPool)
    try:
        with engine.begin() as connection:
            if begin:
                connection.exec_driver_sql(begin)
            command.upgrade(config(connection), revision)
            if begin:
                connection.exec_driver_sql("COMMIT")
    except DBAPIError as error:
        if error.orig is not None:
            # Callers know the driver's own errors, and that a full disk is one.
            raise error.orig from error
        raise


def config(connection: Connection) -> Config:
    """Tell Alembic where its scripts lie and which connection is theirs."""
    settings = Config()
    settings.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    settings.attributes["connection"] = connection
    return settings
