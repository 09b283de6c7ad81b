"""The bus of one process: the coordinator's end, and from it the end of each builder.

Nothing of it outlives the process. That is enough where coordinator and builders are one process; where
builders reach it over HTTP, they say again what was not settled.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from wheelyard.bus.memory_logs import LogLimits, MemoryLogs
from wheelyard.bus.memory_queue import MemoryDelivery, MemoryQueue
from wheelyard.bus.pulse import Pulse
from wheelyard.bus.subjects import token
from wheelyard.bus_ports import Announcement, LogPiece
from wheelyard.errors import BusError
from wheelyard.protocol.messages import LARGEST_BYTES, LARGEST_ORDER_BYTES
from wheelyard.protocol.wire import check_size

SILENCE_SECONDS = 30.0
PRESENCE_SECONDS = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Announced:
    content: bytes
    number: int
    until: float


class MemoryBus:
    """The coordinator's end. Use it in one event loop.

    A delivery comes back after ``silence`` seconds without a word about it; a builder that announced
    nothing for ``presence`` seconds is not there. ``log_folder`` is this bus's own; what is in it goes.
    """

    def __init__(
        self,
        *,
        silence: float = SILENCE_SECONDS,
        presence: float = PRESENCE_SECONDS,
        log_folder: Path | None = None,
        log_limits: LogLimits | None = None,
    ) -> None:
        self._silence = silence
        self._presence = presence
        self._words = MemoryQueue(silence=silence)
        self._orders: dict[str, MemoryQueue] = {}
        self._announced: dict[str, _Announced] = {}
        self._announcements = 0
        self._pulse = Pulse()
        self.closed = False
        self.logs = MemoryLogs(folder=log_folder, limits=log_limits or LogLimits())

    def builder(self, name: str) -> "MemoryBuilderBus":
        """Return a builder's end. All ends of one builder share its queue. Raises BusError."""
        token(name)
        return MemoryBuilderBus(self, name)

    async def order(self, builder: str, content: bytes, *, name: str) -> None:
        """Put an order into a builder's queue."""
        self.check_open()
        token(builder)
        check_size(content, largest=LARGEST_ORDER_BYTES)
        self.orders_of(builder).put(content, name=name, sender="")

    def words(self) -> AsyncIterator[MemoryDelivery]:
        """Yield results and returned jobs of all builders."""
        return self._words.deliveries(lambda: self.closed)

    async def presences(self) -> AsyncIterator[Announcement]:
        """Yield the newest presence of each builder that is there, then each new one."""
        seen = 0
        while not self.closed:
            self._forget_silent()
            news = ((a.number, name) for name, a in self._announced.items() if a.number > seen)
            seen, builder = min(news, default=(seen, ""))
            if builder:
                yield Announcement(builder=builder, content=self._announced[builder].content)
            else:
                await self._pulse.wait()

    async def forget(self, builder: str) -> None:
        """Drop the queue and the presence of a builder."""
        self.check_open()
        self._announced.pop(builder, None)
        queue = self._orders.pop(builder, None)
        if queue is not None:
            queue.close()

    def follow_log(
        self, attempt: str, *, start: int = 0, builder: str = ""
    ) -> AsyncIterator[LogPiece]:
        """Yield the pieces of an attempt's log from an offset on, until its end."""
        return self.logs.follow(attempt, start=start, builder=builder)

    async def close(self) -> None:
        """End all readers and forget everything."""
        self.closed = True
        self._words.close()
        for queue in self._orders.values():
            queue.close()
        self._pulse.beat()
        await self.logs.close()

    # What follows is for the builders' ends.

    def check_open(self) -> None:
        """Raise BusError where the bus is closed."""
        if self.closed:
            raise BusError(
                "the bus is closed", hint="The coordinator is ending; try again when it is back."
            )

    def orders_of(self, builder: str) -> MemoryQueue:
        """Return a builder's queue."""
        return self._orders.setdefault(builder, MemoryQueue(silence=self._silence))

    def put_word(self, builder: str, content: bytes, *, name: str) -> None:
        """Keep what a builder said. A name counts among that builder's own only."""
        self.check_open()
        check_size(content, largest=LARGEST_BYTES)
        self._words.put(content, name=f"{builder}\0{name}", sender=builder)

    def announce(self, builder: str, content: bytes) -> None:
        """Replace what a builder announced."""
        self.check_open()
        check_size(content, largest=LARGEST_BYTES)
        self._announcements += 1
        until = asyncio.get_running_loop().time() + self._presence
        self._announced[builder] = _Announced(
            content=content, number=self._announcements, until=until
        )
        self._pulse.beat()

    def _forget_silent(self) -> None:
        now = asyncio.get_running_loop().time()
        for builder in [name for name, a in self._announced.items() if a.until <= now]:
            del self._announced[builder]


class MemoryBuilderBus:
    """One builder's end of a MemoryBus; ``close`` gives back what was read here and not done with."""

    def __init__(self, bus: MemoryBus, name: str) -> None:
        self._bus = bus
        self._name = name
        self._held: list[MemoryDelivery] = []
        self._closed = False

    async def orders(self) -> AsyncIterator[MemoryDelivery]:
        """Yield orders, those that were not done with first."""
        while not (self._closed or self._bus.closed):
            # A builder that was forgotten and enrolled again has another queue.
            queue = self._bus.orders_of(self._name)
            async for delivery in queue.deliveries(lambda: self._closed):
                self._held = [*(held for held in self._held if held.open), delivery]
                yield delivery

    async def say(self, content: bytes, *, name: str) -> None:
        """Hand a result over; the same ``name`` of this builder's counts once."""
        self._bus.put_word(self._name, content, name=name)

    async def announce(self, content: bytes) -> None:
        """Tell that this builder is there."""
        self._bus.announce(self._name, content)

    async def write_log(self, piece: LogPiece) -> None:
        """Add to the log of an attempt."""
        self._bus.check_open()
        await self._bus.logs.write(self._name, piece)

    async def close(self) -> None:
        """Give back what was read and not done with, and end the readers."""
        self._closed = True
        self._bus.orders_of(self._name).wake()
        for delivery in self._held:
            await delivery.again()
        self._held.clear()
