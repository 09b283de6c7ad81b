"""How long to wait before something is tried again: longer each time, never the same for two."""

import asyncio
import random

_FIRST_SECONDS, _LONGEST_SECONDS = 0.25, 15.0


class Patience:
    """The waits between tries of one thing."""

    def __init__(self, *, first: float = _FIRST_SECONDS, longest: float = _LONGEST_SECONDS) -> None:
        self._next = first
        self._longest = longest

    async def wait(self, *, at_least: float = 0.0) -> None:
        """Wait, and wait twice as long the next time."""
        # Many builders that lost one coordinator must not all come back in the same moment.
        spread = 0.5 + random.random()  # noqa: S311 - no secret
        await asyncio.sleep(max(at_least, self._next * spread))
        self._next = min(self._longest, self._next * 2)
