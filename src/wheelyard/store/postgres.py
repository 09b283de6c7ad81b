"""One PostgreSQL database, through a few connections in threads of their own.

A transaction sees one state of the database, the one at its beginning (``REPEATABLE READ``). Where
another one changed a row in between that it wants to change, PostgreSQL refuses it and it runs again.
So a job that two processes read as free is leased by one of them.

A server that goes away is waited for. Whether a transaction that was cut off at its end counts is not
guessed: each leaves a mark, in the row of its connection in ``commits``, that says so afterwards.
"""

import asyncio
import random
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Self, TypeVar

import psycopg
from psycopg import errors

from wheelyard.store.database import PATIENCE_SECONDS, Connection
from wheelyard.store.gathering import Gathering
from wheelyard.store.postgres_connection import Session, connect
from wheelyard.store.postgres_faults import comes_back, fault, label
from wheelyard.store.postgres_revision import bring_up

T = TypeVar("T")

CONNECTIONS = 4
_PAUSE_SECONDS = 0.05
_LONGEST_PAUSE_SECONDS = 1.0
_OVERLAPPED = (
    errors.SerializationFailure,
    errors.DeadlockDetected,
    # Two made a row with the same name: when it runs again, the loser finds that of the winner.
    errors.UniqueViolation,
)


class _Unknown(Exception):  # noqa: N818 - it is an answer, which never leaves this module
    """The connection broke while a transaction was being committed."""

    def __init__(self, session: Session, result: Any) -> None:
        self.session = session.name
        self.number = session.number
        self.result = result


class PostgresDatabase:
    """Some connections and their threads. Open it with ``await PostgresDatabase.open(url)``."""

    def __init__(self, url: str, *, patience: float, connections: int) -> None:
        self._url = url
        self._patience = patience
        self._threads = ThreadPoolExecutor(connections, thread_name_prefix="wheelyard-store")
        self._own = threading.local()
        self._sessions: set[Session] = set()
        self._gathering = Gathering(self.write)

    @classmethod
    async def open(
        cls, url: str, *, patience: float = PATIENCE_SECONDS, connections: int = CONNECTIONS
    ) -> Self:
        """Open a database and bring its schema up to date. Raises StoreError."""
        database = cls(url, patience=patience, connections=connections)
        loop = asyncio.get_running_loop()
        try:
            await loop.run_in_executor(database._threads, database._prepare)
        except BaseException:
            database._threads.shutdown(wait=False)
            raise
        return database

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Run ``work`` over one consistent state. Raises StoreError."""
        return await self._run(work, writes=False)

    async def first(self, statement: str, names: Mapping[str, Any]) -> Any:
        """Return the first row that one statement finds, or None. Raises StoreError."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._first, statement, names)

    async def write(self, work: Callable[[Connection], T]) -> T:
        """Run ``work`` as one transaction, again where it met another one. Raises StoreError."""
        return await self._run(work, writes=True)

    async def write_together(self, work: Callable[[Connection], T], *, locks: str = "") -> T:
        """Run ``work`` in one transaction with others that come at the same time. Raises StoreError."""
        return await self._gathering.add(work, locks=locks)

    async def close(self) -> None:
        """Close the connections after what was begun."""
        await asyncio.to_thread(self._threads.shutdown)
        for session in self._sessions:
            session.close()

    async def _run(self, work: Callable[[Connection], T], *, writes: bool) -> T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._transaction, work, writes)

    def _prepare(self) -> None:
        self._patiently(lambda: bring_up(self._url))

    def _transaction(self, work: Callable[[Connection], T], writes: bool) -> T:
        unknown: _Unknown | None = None

        def attempt() -> T:
            nonlocal unknown
            session = self._session()
            if unknown is not None and session.committed(unknown.session, unknown.number):
                result: T = unknown.result
                return result
            unknown = None
            try:
                return _once(session, work, writes=writes)
            except _Unknown as cut_off:
                unknown = cut_off
                raise errors.ConnectionFailure(str(cut_off.__context__)) from cut_off

        return self._patiently(attempt)

    def _first(self, statement: str, names: Mapping[str, Any]) -> Any:
        # One statement sees one state by itself: a transaction would be two more messages to the server.
        return self._patiently(lambda: self._session().execute(statement, names).fetchone())

    def _patiently(self, attempt: Callable[[], T]) -> T:
        """Try until it works, fails for good, or nobody wants to wait any longer."""
        deadline = time.monotonic() + self._patience
        pause = _PAUSE_SECONDS
        while True:
            try:
                return attempt()
            except psycopg.Error as error:
                if not (isinstance(error, _OVERLAPPED) or comes_back(error)):
                    raise fault(error, label(self._url)) from error
                if time.monotonic() + pause > deadline:
                    raise fault(error, label(self._url)) from error
                # What met somebody else should not meet the same one again at the same moment.
                share = random.random() if isinstance(error, _OVERLAPPED) else 1.0  # noqa: S311 - no secret
                time.sleep(pause * share)
                pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)

    def _session(self) -> Session:
        """Return this thread's connection, a new one where it broke."""
        session: Session | None = getattr(self._own, "session", None)
        if session is None or session.broken:
            if session is not None:
                self._sessions.discard(session)
                session.close()
            connection = connect(self._url)
            if session is not None and session.given_up:
                session = session.renewed(connection)
            else:
                session = Session(connection, name=secrets.token_hex(8))
            self._own.session = session
            self._sessions.add(session)
        return session


def _once(session: Session, work: Callable[[Connection], T], *, writes: bool) -> T:
    session.begin(writes=writes)
    try:
        result = work(session)
        session.see_to_rest()
    except BaseException:
        session.roll_back()
        raise
    try:
        session.commit(marked=writes)
    except psycopg.Error:
        if writes and session.broken:
            raise _Unknown(session, result) from None
        session.roll_back()
        raise
    return result
