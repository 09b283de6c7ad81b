"""What is counted over the whole farm, found now and then and kept in between.

Counting takes as long as the farm is large, and a page must not: what was found last is shown, and as long
as somebody looks it is found anew beside the pages.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar

from wheelyard.errors import StoreError
from wheelyard.ports import Clock
from wheelyard.site_ports import Cost, Ended, JobLine, SiteStore, Storage, Tally, Waiting

T = TypeVar("T")
_log = logging.getLogger(__name__)
HOURS = 48
_LISTED = 25
_FRESH_SECONDS = 10.0
_STALE_SECONDS = 60.0
_LOOKED_AT_SECONDS = 600.0
_ROUND_SECONDS = 1.0
_PART = 20
"""Finding a value takes at most one part in so many of the time."""


class Kept(Generic[T]):
    """One such value."""

    def __init__(self, find: Callable[[], Awaitable[T]]) -> None:
        self._find = find
        self._value: tuple[T, float] | None = None
        self._asked = float("-inf")
        self._took = 0.0
        self._turn = asyncio.Lock()

    async def get(self) -> T:
        """Return what was found last; it is found now where that is too long ago. Raises StoreError."""
        self._asked = asyncio.get_running_loop().time()
        return await self._younger_than(max(_STALE_SECONDS, 2 * _PART * self._took))

    async def renew(self) -> None:
        """Find it anew where somebody looked at it lately. Raises StoreError."""
        if asyncio.get_running_loop().time() - self._asked < _LOOKED_AT_SECONDS:
            await self._younger_than(max(_FRESH_SECONDS, _PART * self._took))

    def forget(self) -> None:
        """Let it be found anew for whoever looks next."""
        self._value = None

    async def _younger_than(self, seconds: float) -> T:
        now = asyncio.get_running_loop().time()
        kept = self._value
        if kept is not None and now - kept[1] < seconds:
            return kept[0]
        async with self._turn:
            if self._value is not None and self._value is not kept:
                return self._value[0]
            begun = asyncio.get_running_loop().time()
            found = await self._find()
            ended = asyncio.get_running_loop().time()
            self._value, self._took = (found, ended), ended - begun
            return found


class Figures:
    """All of them. ``run`` beside the pages keeps them fresh."""

    def __init__(self, *, site: SiteStore, clock: Clock) -> None:
        self._clock = clock
        self.ended: Kept[Sequence[Ended]] = Kept(lambda: site.ended(self.first_hour()))
        self.tallies: Kept[Sequence[Tally]] = Kept(site.tallies)
        self.waiting: Kept[Sequence[Waiting]] = Kept(lambda: site.waiting(clock.now()))
        self.costs: Kept[Sequence[Cost]] = Kept(lambda: site.costs(limit=_LISTED))
        self.flaky: Kept[Sequence[JobLine]] = Kept(lambda: site.flaky(limit=_LISTED))
        self.storage: Kept[Sequence[Storage]] = Kept(site.storage)
        self._all = (
            *(self.ended, self.tallies, self.waiting),
            *(self.costs, self.flaky, self.storage),
        )

    async def run(self) -> None:
        """Find everything once, and then again and again what is looked at, for ever."""
        await self._each(Kept.get)
        while True:
            await asyncio.sleep(_ROUND_SECONDS)
            await self._each(Kept.renew)

    async def _each(self, do: Callable[[Kept[Any]], Awaitable[object]]) -> None:
        for one in self._all:
            try:
                await do(one)
            except StoreError as error:
                _log.warning("what is counted waits: %s", error.message)

    def forget(self) -> None:
        """Let everything be found anew."""
        for one in self._all:
            one.forget()

    def first_hour(self) -> datetime:
        """Return the full hour with which what is drawn begins."""
        now = self._clock.now().replace(minute=0, second=0, microsecond=0)
        return now - timedelta(hours=HOURS - 1)

    async def by_hour(self) -> Sequence[tuple[datetime, Mapping[str, int]]]:
        """Return what ended in each of the last hours, by outcome, the oldest first."""
        first = self.first_hour()
        hours: dict[datetime, dict[str, int]] = {
            first + timedelta(hours=number): {} for number in range(HOURS)
        }
        for one in await self.ended.get():
            if one.hour in hours:
                hours[one.hour][one.outcome] = hours[one.hour].get(one.outcome, 0) + one.count
        return list(hours.items())
