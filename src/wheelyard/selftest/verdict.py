"""How a row says that something was not survived."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")
_LOOK_SECONDS = 0.15


class NotSurvivedError(Exception):
    """Something that must hold does not."""


def check(holds: object, what: str) -> None:
    """Raise NotSurvivedError where something does not hold; ``what`` says what is wrong then."""
    if not holds:
        raise NotSurvivedError(what)


async def until(
    look: Callable[[], Awaitable[T]], what: str, *, seconds: float, every: float = _LOOK_SECONDS
) -> T:
    """Look again and again until something is so, and return it. Raises NotSurvivedError after so many seconds."""
    loop = asyncio.get_running_loop()
    latest = loop.time() + seconds
    while not (found := await look()):
        if loop.time() > latest:
            raise NotSurvivedError(f"not within {seconds:.0f} s: {what}")
        await asyncio.sleep(every)
    return found
