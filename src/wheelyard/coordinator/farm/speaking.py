"""What the coordinator says to builders: orders onto their queues, each under a name of its own.

The bus drops what comes twice under one name, so that saying something once more needs another name.
"""

import itertools

from wheelyard.bus_ports import Bus
from wheelyard.model.builder import Mode
from wheelyard.model.job import BuildKey
from wheelyard.protocol.messages import Assignment, SetMode, Settled, Stop, Upload
from wheelyard.protocol.wire import encode


class Speaker:
    """Gives orders. Every method raises BusError where the bus is away."""

    def __init__(self, bus: Bus, *, session: str) -> None:
        self._bus = bus
        self._session = session
        self._numbers = itertools.count()

    async def assign(self, builder: str, assignment: Assignment) -> None:
        """Have a job run."""
        offer = assignment.offer
        name = f"assign-{offer.key}-{offer.fence}"
        await self._bus.order(builder, encode(assignment), name=name)

    async def stop(self, builder: str, key: BuildKey, fence: int, reason: str) -> None:
        """Have a build killed that nobody waits for."""
        await self._say(builder, Stop(key=key, fence=fence, reason=reason))

    async def settle(
        self, builder: str, key: BuildKey, fence: int, *, accepted: bool, reason: str = ""
    ) -> None:
        """Tell that a result was taken in, or came too late."""
        await self._say(builder, Settled(key=key, fence=fence, accepted=accepted, reason=reason))

    async def ask_to_upload(self, builder: str, key: BuildKey, fence: int, reason: str) -> None:
        """Have a result delivered anew, without anything enclosed."""
        await self._say(builder, Upload(key=key, fence=fence, reason=reason))

    async def tell_mode(self, builder: str, mode: Mode, reason: str) -> None:
        """Tell a builder its mode."""
        await self._say(builder, SetMode(mode=mode, reason=reason))

    async def _say(self, builder: str, order: Stop | Settled | Upload | SetMode) -> None:
        name = f"{self._session}-{next(self._numbers)}"
        await self._bus.order(builder, encode(order), name=name)
