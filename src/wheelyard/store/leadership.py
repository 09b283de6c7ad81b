"""Which of several coordinators on one database dispatches.

A leader holds a lock that goes when its process does, however it ends: that of a file beside SQLite's
database, or one of PostgreSQL's on a connection that is kept for nothing else.
"""

import asyncio
import fcntl
import os
from pathlib import Path

from wheelyard.farm_ports import Leadership
from wheelyard.store.database import is_server
from wheelyard.store.faults import translated


def leadership_of(address: str | Path, beside: Path) -> Leadership:
    """Return the leadership of those who share a database; ``beside``: the file to lock where it has no server."""
    if is_server(address):
        from wheelyard.store.postgres_leadership import PostgresLeadership

        return PostgresLeadership(str(address))
    return FileLeadership(beside)


class FileLeadership:
    """The ``Leadership`` of those who share a state folder."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor = -1

    async def hold(self) -> bool:
        """Become, or stay, the leader; False where another one is."""
        if self._descriptor < 0:
            self._descriptor = await asyncio.to_thread(self._lock)
        return self._descriptor >= 0

    async def let_go(self) -> None:
        """Stop being it."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _lock(self) -> int:
        with translated(self._path):
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(descriptor)
                return -1
            except BaseException:
                os.close(descriptor)
                raise
            return descriptor
