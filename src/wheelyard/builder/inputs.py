"""Brings what jobs need to this machine, keeps it for the next ones, and lets go of the oldest."""

import asyncio
import contextlib
import os
import time
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from wheelyard.depot_ports import Depot
from wheelyard.model.job import Offer
from wheelyard.ports import Blobs

_AT_ONCE = 4
_SAME_SECONDS = 10.0


def inputs_of(offer: Offer) -> tuple[str, ...]:
    """Name the blobs that an offer needs, each once."""
    wheels = (
        *(*offer.requirements, *offer.host_requirements),
        *(*offer.test_requirements, *offer.test_tools),
    )
    return tuple(dict.fromkeys((offer.source.archive, *(wheel.digest for wheel in wheels))))


class Inputs:
    """The local blobs, as a cache of at most ``cache_bytes`` beside what is in use."""

    def __init__(
        self, *, depot: Depot, blobs: Blobs, cache_bytes: int, grace_seconds: float = 600
    ) -> None:
        self._depot = depot
        self._blobs = blobs
        self._cache_bytes = cache_bytes
        self._grace_seconds = grace_seconds
        self._turn = asyncio.Semaphore(_AT_ONCE)
        self._coming: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def bring(self, offer: Offer) -> None:
        """Fetch what is not here yet. Raises WheelyardError."""
        try:
            async with asyncio.TaskGroup() as group:
                for digest in inputs_of(offer):
                    group.create_task(self._bring_one(digest))
        except BaseExceptionGroup as failures:
            raise failures.exceptions[0] from failures

    async def _bring_one(self, digest: str) -> None:
        # Two jobs that need the same wheel wait for one download; whoever is cancelled lets go of it.
        async with self._coming[digest], self._turn:
            path = self._blobs.path(digest)
            if path is None:
                await self._depot.fetch(digest)
            else:
                with contextlib.suppress(OSError):
                    # What was used last goes last; nobody needs to know that to the second.
                    if time.time() - path.stat().st_mtime > _SAME_SECONDS:
                        await asyncio.to_thread(os.utime, path)
        if not self._coming[digest].locked():
            del self._coming[digest]

    async def evict(self, in_use: Iterable[str]) -> int:
        """Remove what was not used for longest, until the rest fits; return how many blobs that were."""
        doomed = await asyncio.to_thread(self._doomed, frozenset(in_use))
        for digest in doomed:
            await self._blobs.remove(digest)
        return len(doomed)

    def _doomed(self, in_use: frozenset[str]) -> list[str]:
        kept: list[tuple[float, int, str]] = []
        # What came just now may be a result that nobody has named yet.
        newest = time.time() - self._grace_seconds
        for digest in self._blobs.digests():
            path = self._blobs.path(digest)
            with contextlib.suppress(OSError):
                if path is not None and digest not in in_use:
                    facts = Path(path).stat()
                    if facts.st_ctime < newest:
                        kept.append((facts.st_mtime, facts.st_size, digest))
        beyond = sum(size for _, size, _ in kept) - self._cache_bytes
        doomed = []
        for _, size, digest in sorted(kept):
            if beyond <= 0:
                break
            doomed.append(digest)
            beyond -= size
        return doomed
