"""What is new of jobs, for whoever waits for their ends.

Telling is cheap and forgets nothing that matters: the database is the truth, and who was told looks
there. Where the end is at hand already it comes along.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from wheelyard.coordinator.others import Known
from wheelyard.model.job import BuildKey


class Follower:
    """Waits for news of one job."""

    def __init__(self) -> None:
        self._changed = asyncio.Event()
        self._end: Known | None = None

    def tell(self, end: Known | None) -> None:
        """Say that something happened; ``end`` is how the job ended, where that is known."""
        self._end = end or self._end
        self._changed.set()

    async def wait(self) -> Known | None:
        """Wait for news and return the job's end where it came along."""
        await self._changed.wait()
        self._changed.clear()
        end, self._end = self._end, None
        return end


class News:
    """Who waits for which job. Several may wait for one."""

    def __init__(self) -> None:
        self._followers: dict[BuildKey, list[Follower]] = {}
        self._reopened: set[BuildKey] = set()

    @contextmanager
    def follow(self, key: BuildKey) -> Iterator[Follower]:
        """Hear of a job from now on."""
        follower = Follower()
        self._followers.setdefault(key, []).append(follower)
        try:
            yield follower
        finally:
            rest = [one for one in self._followers[key] if one is not follower]
            if rest:
                self._followers[key] = rest
            else:
                del self._followers[key]

    def tell(self, key: BuildKey, end: Known | None = None) -> None:
        """Let everybody who waits for a job look at it."""
        for follower in self._followers.get(key, ()):
            follower.tell(end)

    def reopen(self, key: BuildKey) -> None:
        """Tell that an end is none any more: whoever took it for one has to think again."""
        self._reopened.add(key)
        self.tell(key)

    def take_reopened(self) -> frozenset[BuildKey]:
        """Return the jobs whose ends were taken back since this was last asked."""
        taken, self._reopened = frozenset(self._reopened), set()
        return taken

    def remind(self, count: int) -> None:
        """Let those who wait for some jobs look, others each time: somebody else may have changed them."""
        for key in list(self._followers)[:count]:
            followers = self._followers.pop(key)
            self._followers[key] = followers
            self.tell(key)
