"""Lets go of evidence that is older than people want to keep it: logs, and wheels that were superseded.

The database forgets first. A blob goes when nothing names it any more, so that one that two attempts share
stays as long as one of them needs it, and a kill in between leaves only what a later collection finds.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from wheelyard.ports import Blobs, Clock, Holding, Past, Reference

LOGS = "old logs"
EVIDENCE = "superseded wheels"


class Evidence(Protocol):
    """What is kept of the past, in the database."""

    async def superseded(self, before: datetime, *, forget: bool) -> Sequence[Past]:
        """Return wheels older than a moment that neither count nor are in an index or a snapshot."""
        ...

    async def logs(self, before: datetime, *, forget: bool) -> Sequence[Past]:
        """Return the logs of attempts that ended before a moment."""
        ...


class Retention:
    """Forgets what is old."""

    def __init__(
        self,
        *,
        evidence: Evidence,
        blobs: Blobs,
        references: Callable[[], Awaitable[Sequence[Reference]]],
        clock: Clock,
    ) -> None:
        self._evidence = evidence
        self._blobs = blobs
        self._references = references
        self._clock = clock

    async def forget(
        self, *, logs_seconds: float | None, evidence_seconds: float | None, preview: bool
    ) -> Sequence[Holding]:
        """Forget logs and wheels older than so much, and say what that is; None: none of them."""
        found = []
        for kind, seconds, past in (
            (LOGS, logs_seconds, self._evidence.logs),
            (EVIDENCE, evidence_seconds, self._evidence.superseded),
        ):
            if seconds is not None:
                before = self._clock.now() - timedelta(seconds=seconds)
                gone = await past(before, forget=not preview)
                found.append(await self._drop(kind, gone, preview=preview))
        return found

    async def _drop(self, kind: str, gone: Sequence[Past], *, preview: bool) -> Holding:
        digests = {past.digest: past.size for past in gone}
        if not preview:
            needed = {reference.digest for reference in await self._references()}
            digests = {digest: size for digest, size in digests.items() if digest not in needed}
        size = sum([await self._size(digest) for digest in digests])
        if not preview:
            for digest in digests:
                await self._blobs.remove(digest)
        return Holding(kind=kind, count=len(gone), size=size)

    async def _size(self, digest: str) -> int:
        path = self._blobs.path(digest)
        return 0 if path is None else (await asyncio.to_thread(path.stat)).st_size
