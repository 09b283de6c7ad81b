"""The way of a PostgreSQL database to the newest revision."""

from typing import Any

from wheelyard.store.postgres_connection import PostgresRow, connect
from wheelyard.store.postgres_faults import label
from wheelyard.store.revision import REVISIONS, found

_TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = current_schema()"
_REVISION = "SELECT version_num FROM alembic_version"
_LOCK = "SELECT pg_advisory_lock(hashtext('wheelyard'), hashtext('migration'))"
_FORGET = "DELETE FROM commits WHERE at < now() - interval '1 day'"


def bring_up(url: str) -> None:
    """Migrate a database to the newest revision. Raises StoreError and psycopg.Error."""
    with connect(url) as connection:
        if _revision(connection, url) != REVISIONS[-1]:
            # One process migrates; the lock goes with the connection, however that ends.
            connection.execute(_LOCK)
            if _revision(connection, url) != REVISIONS[-1]:
                from wheelyard.store.migrations.run import upgrade_server

                upgrade_server(url, REVISIONS[-1])
        connection.execute(_FORGET)


def _revision(connection: Any, url: str) -> str | None:
    tables = {row[0] for row in connection.execute(_TABLES)}

    def version() -> PostgresRow | None:
        row: PostgresRow | None = connection.execute(_REVISION).fetchone()
        return row

    return found(label(url), tables, version)
