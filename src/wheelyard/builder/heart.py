"""Says that the builder is there, and what it runs, every few seconds and through everything.

Nothing here waits for an upload, a download, a disk or a thread that others use: presence is the
heartbeat of all leases, and a builder that is only busy must not look dead.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from wheelyard.builder.health import Vitals
from wheelyard.builder.machine import Machine
from wheelyard.bus_ports import BuilderBus, Delivery
from wheelyard.errors import BusError
from wheelyard.protocol.messages import Presence
from wheelyard.protocol.wire import encode

_log = logging.getLogger(__name__)
_SHORTEST_SECONDS = 0.1
"""Between two presences of a builder on which much happens; what the farm is told by results it knows before."""
_DELIVERIES_EVERY = 2


class Heart:
    """Announces presences, at once when something ``changed``; keeps deliveries from coming back meanwhile."""

    def __init__(self, bus: BuilderBus, *, seconds: float, changed: asyncio.Event) -> None:
        self._bus = bus
        self._seconds = seconds
        self._changed = changed
        self._away = False

    async def beat(self, presence: Callable[[], Presence]) -> None:
        """Announce for ever. Raises DeniedError where the builder was shut out."""
        while True:
            self._changed.clear()
            await self._announce(presence())
            await asyncio.sleep(min(_SHORTEST_SECONDS, self._seconds))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._seconds):
                    await self._changed.wait()

    async def keep_working(self, deliveries: Callable[[], Sequence[Delivery]]) -> None:
        """Say for ever of each delivery that it is worked on."""
        while True:
            await asyncio.sleep(self._seconds * _DELIVERIES_EVERY)
            await asyncio.gather(*(self._working(delivery) for delivery in deliveries()))

    async def farewell(self, presence: Presence) -> None:
        """Announce a last time; a farm that is away hears nothing of it."""
        await self._announce(presence)

    async def _announce(self, presence: Presence) -> None:
        try:
            async with asyncio.timeout(2 * self._seconds):
                await self._bus.announce(encode(presence))
        except (BusError, TimeoutError) as error:
            if not self._away:
                _log.warning("the farm is away: %s", error, extra={"action": "farm.away"})
            self._away = True
        else:
            if self._away:
                _log.warning("the farm is there again", extra={"action": "farm.back"})
            self._away = False

    async def _working(self, delivery: Delivery) -> None:
        try:
            async with asyncio.timeout(2 * self._seconds):
                await delivery.working()
        except (BusError, TimeoutError):
            return  # the next time; where it comes back, its fence tells that it is known


async def watch(
    machine: Machine, vitals: Vitals, *, seconds: float, changed: asyncio.Event
) -> None:
    """Look at the machine for ever, in a thread of its own: a disk that hangs must hold up nothing else."""
    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="vitals") as thread:
        well: bool | None = None
        while True:
            vitals.see(await loop.run_in_executor(thread, machine.look))
            why = vitals.health().reason or vitals.why_busy()
            if (not why) is not well:
                _say_change(why, first=well is None)
                well = not why
                changed.set()
            await asyncio.sleep(seconds)


def _say_change(why: str, *, first: bool) -> None:
    if why:
        _log.info("takes nothing now: %s", why, extra={"action": "builder.resting"})
    elif not first:
        _log.info("takes work again", extra={"action": "builder.ready"})
