"""Blobs by what the database says of them, for whoever wants them fewer.

What the database names stays. The rest (sources, upstream's wheels) can be fetched again, and stays as
long as somebody uses it now and then. A run may have looked one up and not opened it yet, so that
nothing goes while one goes on.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence

from wheelyard.blobs.folder import FolderBlobs
from wheelyard.ports import Holding, Reference

_UNNAMED = "sources and other downloads"


class BlobKeeper:
    """The blobs of a folder; ``references`` are those that the database names."""

    alone = True

    def __init__(
        self, blobs: FolderBlobs, references: Callable[[], Awaitable[Sequence[Reference]]]
    ) -> None:
        self._blobs = blobs
        self._references = references

    async def holdings(self) -> Sequence[Holding]:
        """Say how much there is of each kind."""
        kinds = {reference.digest: reference.kind for reference in await self._references()}
        found = await asyncio.to_thread(self._blobs.uses)
        counts: dict[str, list[int]] = {}
        for use in found:
            counts.setdefault(kinds.get(use.digest, _UNNAMED), []).append(use.size)
        return [
            Holding(kind=kind, count=len(sizes), size=sum(sizes))
            for kind, sizes in sorted(counts.items())
        ]

    async def sweep(self) -> int:
        """Remove what killed writers left behind."""
        return await self._blobs.sweep_temporary()

    async def evict(self, *, unused_seconds: float, preview: bool) -> Sequence[Holding]:
        """Remove blobs that nothing names and nobody read for so long."""
        found = await asyncio.to_thread(self._blobs.uses)
        # Asked for afterwards: what was stored in between is named by now, or was not found yet.
        named = {reference.digest for reference in await self._references()}
        limit = time.time() - unused_seconds
        old = [use for use in found if use.digest not in named and use.used < limit]
        if not preview:
            for use in old:
                await self._blobs.remove(use.digest)
        return (Holding(kind=_UNNAMED, count=len(old), size=sum(use.size for use in old)),)
