"""Hands ready jobs to this machine's slots, the most urgent first."""

import asyncio
from collections.abc import Callable

from wheelyard.plan.events import Start


class ReadyJobs:
    """Jobs that have all they need, in the order in which they should run.

    Urgency is asked for when a slot is free, not when the job became ready, so that what was learned
    in between counts.
    """

    def __init__(self, urgency: Callable[[Start], float]) -> None:
        self._urgency = urgency
        self._waiting: list[Start] = []
        self._changed = asyncio.Condition()

    async def add(self, start: Start) -> None:
        """Add a job."""
        async with self._changed:
            self._waiting.append(start)
            self._changed.notify()

    async def take(self) -> Start:
        """Wait for a job and return the most urgent."""
        async with self._changed:
            await self._changed.wait_for(lambda: bool(self._waiting))
            best = max(self._waiting, key=self._urgency)
            self._waiting.remove(best)
            return best
