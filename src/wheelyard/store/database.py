"""One SQLite database, reached from async code.

Each process has one connection and one thread that owns it: nothing blocks the loop, and what one
process asks for happens in order. A writer begins with ``BEGIN IMMEDIATE``, so that two processes
can never both read a job as free and then both take it.

Statements are SQL that PostgreSQL understands too, with ``:name`` parameters. They go to the driver
as they are: SQLAlchemy knows the schema (``store.schema``) and carries out migrations, but importing
it costs several times what everything else here does, so it is imported only for those.
"""

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Self, TypeVar

from wheelyard.store.faults import translated
from wheelyard.store.revision import bring_up

T = TypeVar("T")

BUSY_SECONDS = 30.0


class Database:
    """A connection and its thread. Open it with ``await Database.open(path)``."""

    def __init__(
        self, path: Path, connection: sqlite3.Connection, thread: ThreadPoolExecutor
    ) -> None:
        self._path = path
        self._connection = connection
        self._thread = thread

    @classmethod
    async def open(cls, path: Path, *, busy_seconds: float = BUSY_SECONDS) -> Self:
        """Open or create a database and bring its schema up to date. Raises StoreError."""
        thread = ThreadPoolExecutor(1, thread_name_prefix="wheelyard-store")
        try:
            connection = await asyncio.get_running_loop().run_in_executor(
                thread, _connect, path, busy_seconds
            )
        except BaseException:
            thread.shutdown(wait=False)
            raise
        return cls(path, connection, thread)

    async def read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run ``work`` over one consistent state. Raises StoreError."""
        return await self._run("BEGIN", work)

    async def write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run ``work`` as one transaction that no other writer overlaps. Raises StoreError."""
        return await self._run("BEGIN IMMEDIATE", work)

    async def close(self) -> None:
        """Close the connection after what was begun."""
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._thread, self._connection.close)
        self._thread.shutdown()

    async def _run(self, begin: str, work: Callable[[sqlite3.Connection], T]) -> T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, self._transaction, begin, work)

    def _transaction(self, begin: str, work: Callable[[sqlite3.Connection], T]) -> T:
        with translated(self._path):
            self._connection.execute(begin)
            try:
                result = work(self._connection)
                self._connection.execute("COMMIT")
            except BaseException:
                # SQLite itself rolls back after some errors, such as a full disk.
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise
            return result


def _connect(path: Path, busy_seconds: float) -> sqlite3.Connection:
    with translated(path):
        connection = sqlite3.connect(path, timeout=busy_seconds, isolation_level=None)
        try:
            connection.row_factory = sqlite3.Row
            connection.execute("PRAGMA foreign_keys = ON")
            bring_up(connection, path)
            # In WAL mode a commit that was cut off by kill -9 is whole or absent even without a flush;
            # only a loss of power can take the newest ones back.
            connection.execute("PRAGMA synchronous = NORMAL")
        except BaseException:
            connection.close()
            raise
        return connection
