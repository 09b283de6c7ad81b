"""Wakes one loop when there is something to do; a ring while it works counts for its next round."""

import asyncio


class Bell:
    """Rung by many, heard by one."""

    def __init__(self) -> None:
        self._rung = asyncio.Event()

    def ring(self) -> None:
        """Let the loop go round once more."""
        self._rung.set()

    async def wait(self, seconds: float | None = None) -> None:
        """Wait for a ring, or until so many seconds are over."""
        try:
            async with asyncio.timeout(seconds):
                await self._rung.wait()
        except TimeoutError:
            pass
        self._rung.clear()
