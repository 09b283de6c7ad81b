"""One SQLite database.

Each process has one connection and one thread that owns it: nothing blocks the loop, and what one
process asks for happens in order. A writer begins with ``BEGIN IMMEDIATE``, so that two processes
can never both read a job as free and then both take it.

Reads that are asked for in one turn of the loop go to the thread together: a plan of thousands of
releases asks small questions by the dozen, and a change of threads takes longer than each of them.
"""

import asyncio
import contextlib
import re
import sqlite3
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Self, TypeVar

from wheelyard.store.database import PATIENCE_SECONDS, Connection
from wheelyard.store.faults import translated
from wheelyard.store.gathering import Gathering
from wheelyard.store.revision import bring_up
from wheelyard.store.sqlite_checkpoints import LONGEST_LOG_PAGES, PAUSE_SECONDS, Checkpoints

T = TypeVar("T")

_ROW_LOCK = re.compile(r"\s+FOR (UPDATE|SHARE)( OF \w+)?( SKIP LOCKED)?\s*$")


_Work = Callable[[Connection], Any]


@dataclass(frozen=True, slots=True)
class _Read:
    work: _Work
    answer: asyncio.Future[Any]


class SqliteDatabase:
    """A connection and its thread. Open it with ``await SqliteDatabase.open(path)``."""

    def __init__(
        self,
        path: Path,
        connection: sqlite3.Connection,
        thread: ThreadPoolExecutor,
        checkpoints: Checkpoints,
    ) -> None:
        self._path = path
        self._connection = connection
        self._thread = thread
        self._checkpoints = checkpoints
        self._reads: list[_Read] = []
        self._gathering = Gathering(self.write)

    @classmethod
    async def open(
        cls,
        path: Path,
        *,
        busy_seconds: float = PATIENCE_SECONDS,
        checkpoint_seconds: float = PAUSE_SECONDS,
    ) -> Self:
        """Open or create a database and bring its schema up to date. Raises StoreError."""
        thread = ThreadPoolExecutor(1, thread_name_prefix="wheelyard-store")
        try:
            connection = await asyncio.get_running_loop().run_in_executor(
                thread, _connect, path, busy_seconds
            )
        except BaseException:
            thread.shutdown(wait=False)
            raise
        return cls(path, connection, thread, Checkpoints(path, pause=checkpoint_seconds))

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Run ``work`` over one consistent state. Raises StoreError."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[T] = loop.create_future()
        if not self._reads:
            loop.call_soon(self._send_reads)
        self._reads.append(_Read(work, answer))
        return await answer

    async def first(self, statement: str, names: Mapping[str, Any]) -> Any:
        """Return the first row that one statement finds, or None. Raises StoreError."""
        return await self.read(lambda connection: connection.execute(statement, names).fetchone())

    async def write(self, work: Callable[[Connection], T]) -> T:
        """Run ``work`` as one transaction that no other writer overlaps. Raises StoreError."""
        self._send_reads()
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(
                self._thread, self._transaction, "BEGIN IMMEDIATE", work
            )
        finally:
            # Whoever is cancelled here has it written all the same.
            self._checkpoints.wrote()

    async def write_together(self, work: Callable[[Connection], T], *, locks: str = "") -> T:
        """Run ``work`` in one transaction with others that come at the same time. Raises StoreError."""
        return await self._gathering.add(work, locks=locks)

    async def close(self) -> None:
        """Close the connection after what was begun."""
        self._send_reads()
        await self._checkpoints.close()
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._thread, self._connection.close)
        self._thread.shutdown()

    def _send_reads(self) -> None:
        """Hand the reads that were asked for to the thread."""
        taken, self._reads = self._reads, []
        if not taken:
            return
        try:
            self._thread.submit(self._read_all, asyncio.get_running_loop(), taken)
        except RuntimeError as error:
            # It was closed in the meantime.
            _tell([(read.answer, None, error) for read in taken])

    def _read_all(self, loop: asyncio.AbstractEventLoop, reads: list[_Read]) -> None:
        answered = [(read.answer, *self._answer(read.work)) for read in reads]
        # A loop that is closed has nobody left who waits.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(_tell, answered)

    def _answer(self, work: _Work) -> tuple[object, BaseException | None]:
        try:
            return self._transaction("BEGIN", work), None
        except BaseException as error:  # noqa: BLE001 - it is raised where the answer is awaited
            return None, error

    def _transaction(self, begin: str, work: Callable[[Connection], T]) -> T:
        with translated(self._path):
            self._connection.execute(begin)
            try:
                result = work(_Transaction(self._connection))
                self._connection.execute("COMMIT")
            except BaseException:
                # SQLite itself rolls back after some errors, such as a full disk.
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise
            return result


def _tell(answered: list[tuple[asyncio.Future[Any], object, BaseException | None]]) -> None:
    """Pass answers on to those who still wait."""
    for future, result, error in answered:
        if future.done():
            continue
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(result)


class _Transaction:
    """A ``Connection`` of SQLite, which locks the whole database and no rows."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def execute(self, statement: str, names: Mapping[str, Any] | None = None, /) -> sqlite3.Cursor:
        """Carry out a statement."""
        return self._connection.execute(_without_row_lock(statement), names or {})

    def execute_all(self, statement: str, rows: Iterable[Mapping[str, Any]], /) -> None:
        """Carry out a statement once for each row."""
        self._connection.executemany(statement, rows)

    def later(
        self,
        statement: str,
        names: Mapping[str, Any],
        /,
        *,
        otherwise: Callable[[], None] | None = None,
    ) -> None:
        """Carry out a statement, and ``otherwise`` where it changed no row."""
        changed = self.execute(statement, names).rowcount
        if changed == 0 and otherwise is not None:
            otherwise()

    def queue_up(self, _: str, /) -> None:
        """Do nothing: writers are one after the other already."""


@lru_cache(maxsize=512)
def _without_row_lock(statement: str) -> str:
    return _ROW_LOCK.sub("", statement)


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
            connection.execute(f"PRAGMA wal_autocheckpoint = {LONGEST_LOG_PAGES}")
        except BaseException:
            connection.close()
            raise
        return connection
