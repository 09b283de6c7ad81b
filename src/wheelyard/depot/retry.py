"""Asks a farm that is away again, later each time."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

from wheelyard.depot.http import AwayError

T = TypeVar("T")
_log = logging.getLogger(__name__)
_FIRST_SECONDS, _LONGEST_SECONDS = 0.25, 15.0


async def until_there(work: Callable[[], Awaitable[T]]) -> T:
    """Do something until the farm is there for it."""
    seconds = _FIRST_SECONDS
    while True:
        try:
            return await work()
        except AwayError as error:
            if seconds == _FIRST_SECONDS:
                _log.warning("%s; waits for it", error.message, extra={"action": "farm.away"})
            # Many builders that lost one farm must not all come back in the same moment.
            spread = 0.5 + random.random()  # noqa: S311 - no secret
            await asyncio.sleep(max(error.after, seconds * spread))
            seconds = min(_LONGEST_SECONDS, 2 * seconds)
