"""The leadership of coordinators that share a PostgreSQL database."""

import asyncio
import contextlib

import psycopg

from wheelyard.store.postgres_connection import PostgresRow, connect
from wheelyard.store.postgres_faults import comes_back, fault, label

_TRY = "SELECT pg_try_advisory_lock(hashtext('wheelyard'), hashtext('leadership'))"
_STILL = "SELECT 1"
_LET_GO = "SELECT pg_advisory_unlock(hashtext('wheelyard'), hashtext('leadership'))"


class PostgresLeadership:
    """The ``Leadership`` of those who share a database: a lock on a connection that has no other use.

    Who cannot reach the database is not the leader, and its lock goes with the connection.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: psycopg.Connection[PostgresRow] | None = None

    async def hold(self) -> bool:
        """Become, or stay, the leader; False where another one is, or where the database is away."""
        return await asyncio.to_thread(self._hold)

    async def let_go(self) -> None:
        """Stop being it."""
        await asyncio.to_thread(self._let_go)

    def _hold(self) -> bool:
        try:
            if self._connection is not None:
                self._connection.execute(_STILL)
                return True
            return self._try()
        except psycopg.Error as error:
            self._drop()
            if comes_back(error):
                return False
            raise fault(error, label(self._url)) from error

    def _try(self) -> bool:
        connection = connect(self._url)
        row = connection.execute(_TRY).fetchone()
        if row is None or not row[0]:
            connection.close()
            return False
        self._connection = connection
        return True

    def _let_go(self) -> None:
        # The server notices the end of a connection a moment later, and others may ask before that.
        with contextlib.suppress(psycopg.Error):
            if self._connection is not None:
                self._connection.execute(_LET_GO)
        self._drop()

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()
