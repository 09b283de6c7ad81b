"""Resolutions in which every file has a digest.

An index may list a file without one, and then a name and a place do not say which bytes are meant:
other ones may lie there tomorrow. So they are fetched before anything is decided by them.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

from wheelyard.errors import UpstreamError
from wheelyard.model.artifact import Artifact
from wheelyard.model.resolution import Pin, Query, Resolution
from wheelyard.model.source import FileEntry, Source
from wheelyard.ports import Resolver

_AT_ONCE = 8

Fetch = Callable[[Source], Awaitable[Source]]
FetchWheel = Callable[[FileEntry], Awaitable[Artifact]]


class PinningResolver:
    """Completes the answers of another resolver; each file is looked at once in a process."""

    def __init__(self, inner: Resolver, *, fetch: Fetch, fetch_wheel: FetchWheel) -> None:
        self._inner = inner
        self._fetch = fetch
        self._fetch_wheel = fetch_wheel
        self._known: dict[str, str] = {}
        self._slots = asyncio.Semaphore(_AT_ONCE)

    async def resolve(self, query: Query) -> Resolution:
        """Return the answer with digests. A file that cannot be had keeps none: its unit will say why."""
        resolution = await self._inner.resolve(query)
        if all(_is_pinned(pin, query) for pin in resolution.pins):
            return resolution
        pins = await asyncio.gather(*(self._pinned(pin, query) for pin in resolution.pins))
        return replace(resolution, pins=tuple(pins))

    async def _pinned(self, pin: Pin, query: Query) -> Pin:
        if _is_pinned(pin, query):
            return pin
        source, wheel = pin.source, pin.wheel
        if source is not None and not source.digest:
            source = replace(source, digest=await self._digest_of_source(source))
        if wheel is not None and not wheel.digest and not query.policy.sources_only:
            wheel = replace(wheel, digest=await self._digest_of_wheel(wheel))
        return replace(pin, source=source, wheel=wheel)

    async def _digest_of_source(self, source: Source) -> str:
        async def look() -> str:
            return (await self._fetch(source)).digest

        return await self._look(source.location, look)

    async def _digest_of_wheel(self, entry: FileEntry) -> str:
        async def look() -> str:
            return (await self._fetch_wheel(entry)).digest

        return await self._look(entry.url, look)

    async def _look(self, place: str, look: Callable[[], Awaitable[str]]) -> str:
        async with self._slots:
            if place not in self._known:
                try:
                    self._known[place] = await look()
                except UpstreamError:
                    return ""
        return self._known[place]


def _is_pinned(pin: Pin, query: Query) -> bool:
    source = pin.source is None or bool(pin.source.digest)
    # A wheel that may only be a seed is named by the bytes that were fetched.
    wheel = pin.wheel is None or bool(pin.wheel.digest) or query.policy.sources_only
    return source and wheel
