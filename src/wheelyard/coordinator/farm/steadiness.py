"""Loops that outlive an outage: without database or bus they wait, and go on when it is there again."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from wheelyard.coordinator.farm.rules import FarmRules
from wheelyard.errors import BusError, StoreError

_LOG = logging.getLogger(__name__)
OUTAGES = (BusError, StoreError)
"""What passes by itself: the engine restarts, somebody makes room on the disk."""


async def steadily(name: str, loop: Callable[[], Awaitable[None]], rules: FarmRules) -> None:
    """Run a loop for ever. What an outage interrupts begins anew, later each time, and is logged once."""
    pause = rules.retry
    told = ""
    while True:
        began = asyncio.get_running_loop().time()
        try:
            await loop()
            pause, told = rules.retry, ""
        except OUTAGES as error:
            if asyncio.get_running_loop().time() - began > rules.longest_retry:
                pause, told = rules.retry, ""
            if error.message != told:
                _LOG.warning("%s waits: %s", name, error.message)
                told = error.message
        await asyncio.sleep(pause)
        pause = min(pause * 2, rules.longest_retry)
