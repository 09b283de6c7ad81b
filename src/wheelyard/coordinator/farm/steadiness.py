"""Loops that outlive an outage: without database or bus they wait, and go on when it is there again."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection
from typing import Any

from wheelyard.coordinator.farm.rules import FarmRules
from wheelyard.errors import BusError, StoreError, WheelyardError

_LOG = logging.getLogger(__name__)
_CANCEL_SECONDS = 1.0
OUTAGES = (BusError, StoreError)
"""What passes by itself: the engine restarts, somebody makes room on the disk."""


def family(error: BaseException) -> WheelyardError | None:
    """Return what a user could be told of an error or a group of them; None where a bug is among them.

    What does not pass by itself comes before what does.
    """
    if isinstance(error, WheelyardError):
        return error
    if not isinstance(error, BaseExceptionGroup):
        return None
    found = [family(one) for one in error.exceptions]
    known = [one for one in found if one is not None]
    if len(known) < len(found):
        return None
    return min(known, key=lambda one: isinstance(one, OUTAGES))


async def steadily(name: str, loop: Callable[[], Awaitable[None]], rules: FarmRules) -> None:
    """Run a loop for ever. What an outage interrupts begins anew, later each time, and is logged once."""
    pause, told = rules.retry, ""
    clock = asyncio.get_running_loop().time
    while True:
        began = clock()
        try:
            await loop()
        except (WheelyardError, BaseExceptionGroup) as error:
            known = family(error)
            if not isinstance(known, OUTAGES):
                raise
            if clock() - began > rules.longest_retry:
                pause, told = rules.retry, ""
            if known.message != told:
                _LOG.warning("%s waits: %s", name, known.message)
                told = known.message
        await asyncio.sleep(pause)
        pause = min(pause * 2, rules.longest_retry)


async def end(tasks: "Collection[asyncio.Task[Any]]") -> None:
    """Cancel tasks, again and again, until they have ended.

    Before Python 3.12 ``asyncio.wait_for``, which clients of buses wait with, passes over a cancellation that comes
    in the moment of the answer: a task that was told once would go on for ever.
    """
    left = set(tasks)
    while left:
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=_CANCEL_SECONDS)
