"""How the tests of a farm wait: for a moment, for a condition, for the end of a task or of a scenario."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress


async def ended(task: "asyncio.Task[None]") -> None:
    """End a task and wait until nothing of it is left."""
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def turn() -> None:
    """Let everything else go on for a moment."""
    await asyncio.sleep(0.002)


async def until_quiet(condition: Callable[[], bool]) -> None:
    """Wait for a condition without keeping the processor busy."""
    while not condition():
        await asyncio.sleep(0.002)


def scenario(work: Callable[[], Awaitable[None]]) -> None:
    """Run a scenario to its end; one that hangs fails."""

    async def limited() -> None:
        async with asyncio.timeout(20):
            await work()

    asyncio.run(limited())
