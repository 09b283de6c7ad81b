"""Which revision a database is of, and the way to the newest.

A database that is up to date costs one query; Alembic is imported only where there is something to
migrate.
"""

import fcntl
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from wheelyard.errors import StoreError

REVISIONS = ("0001",)
"""Every revision that this wheelyard knows, oldest first; a test compares them with the scripts."""

_TABLES = "SELECT name FROM sqlite_master WHERE type = 'table'"
_REVISION = "SELECT version_num FROM alembic_version"


def bring_up(connection: sqlite3.Connection, path: Path) -> None:
    """Migrate a database to the newest revision. Raises StoreError."""
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
    """Return the revision, or None for an empty database."""
    tables = {row[0] for row in connection.execute(_TABLES)}
    if not tables:
        return None
    row = connection.execute(_REVISION).fetchone() if "alembic_version" in tables else None
    if row is None:
        raise StoreError(
            f"{str(path)!r} is a database of something else",
            hint="Choose another state folder with --state.",
        )
    if row[0] not in REVISIONS:
        raise StoreError(
            f"the database {str(path)!r} is of a newer wheelyard (revision {row[0]!r})",
            hint="Install that wheelyard or a newer one, or choose another state folder with --state.",
        )
    return str(row[0])


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """Keep other processes from migrating the same database at the same time.

    SQLite's own lock is not enough: changing the journal mode fails at once where it is taken.
    """
    with path.with_name(f"{path.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
