"""Tells long answers that the server is about to end."""

import asyncio
from contextlib import suppress


class Ending:
    """Set once."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    @property
    def begun(self) -> bool:
        """Whether the server is ending."""
        return self._event.is_set()

    def begin(self) -> None:
        """Let all who wait know."""
        self._event.set()

    async def wait(self, seconds: float) -> None:
        """Wait for the end, but not longer than so many seconds."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._event.wait()
