"""One at a time for each job, however many results of it arrive at once."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from wheelyard.model.job import BuildKey


class KeyLocks:
    """Locks that exist only while somebody holds or wants them."""

    def __init__(self) -> None:
        self._locks: dict[BuildKey, tuple[asyncio.Lock, int]] = {}

    @asynccontextmanager
    async def hold(self, key: BuildKey) -> AsyncIterator[None]:
        """Be alone with a job."""
        lock, users = self._locks.get(key, (asyncio.Lock(), 0))
        self._locks[key] = (lock, users + 1)
        try:
            async with lock:
                yield
        finally:
            lock, users = self._locks[key]
            if users == 1:
                del self._locks[key]
            else:
                self._locks[key] = (lock, users - 1)
