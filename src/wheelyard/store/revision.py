"""Which revision a database is of, and the way to the newest.

A database that is up to date costs one query; Alembic is imported only where there is something to
migrate.
"""

import fcntl
import sqlite3
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from wheelyard.errors import StoreError

REVISIONS = ("0001", "0002", "0003", "0004", "0005", "0006", "0007")
"""Every revision that this wheelyard knows, oldest first; a test compares them with the scripts."""

_TABLES = "SELECT name FROM sqlite_master WHERE type = 'table'"
_REVISION = "SELECT version_num FROM alembic_version"


def bring_up(connection: sqlite3.Connection, path: Path) -> None:
    """Migrate a SQLite database to the newest revision. Raises StoreError."""
    if _revision(connection, path) == REVISIONS[-1]:
        return
    with alone(path):
        # Another process may have been quicker while this one waited.
        if _revision(connection, path) == REVISIONS[-1]:
            return
        connection.execute("PRAGMA journal_mode = WAL")
        from wheelyard.store.migrations.run import upgrade

        upgrade(path, REVISIONS[-1])


def _revision(connection: sqlite3.Connection, path: Path) -> str | None:
    tables = {row[0] for row in connection.execute(_TABLES)}
    return found(str(path), tables, lambda: connection.execute(_REVISION).fetchone())


def found(database: str, tables: Collection[str], row: Callable[[], Any]) -> str | None:
    """Return the revision of a database that has these tables, or None for an empty one.

    ``row`` asks for the row of Alembic's own table. Raises StoreError.
    """
    if not tables:
        return None
    version = row() if "alembic_version" in tables else None
    if version is None:
        raise StoreError(
            f"{database!r} is a database of something else",
            hint="Name another state folder with --state, or another database.",
        )
    if version[0] not in REVISIONS:
        raise StoreError(
            f"the database {database!r} is of a newer wheelyard (revision {version[0]!r})",
            hint="Install that wheelyard or a newer one, or choose another state folder with --state.",
        )
    return str(version[0])


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """Keep other processes from migrating the same database at the same time.

    SQLite's own lock is not enough: changing the journal mode fails at once where it is taken.
    """
    with path.with_name(f"{path.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
