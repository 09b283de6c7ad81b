"""A queue in this process whose messages come back when nobody is heard to work on them.

Messages are taken in the order in which they were put; one that comes back takes its old place.
"""

import asyncio
import heapq
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from wheelyard.bus.pulse import Pulse

REPEAT_SECONDS = 120.0
"""For how long a name counts once; JetStream's own default."""


@dataclass(slots=True, kw_only=True)
class _Message:
    """A message that is not done with. ``timer`` runs while a reader has it, or while it waits to come back."""

    number: int
    content: bytes
    sender: str
    tries: int = 0
    timer: asyncio.TimerHandle | None = None


class MemoryDelivery:
    """A message that a reader has."""

    def __init__(self, queue: "MemoryQueue", message: _Message) -> None:
        self.content = message.content
        self.sender = message.sender
        self.tries = message.tries
        self._queue = queue
        self._message = message

    @property
    def open(self) -> bool:
        """Whether it is this reader's still."""
        return self._queue.held(self._message, self.tries)

    async def working(self) -> None:
        """Keep it for another while."""
        self._queue.keep(self._message, self.tries)

    async def done(self) -> None:
        """Never see it again, even where it was given to somebody else by now."""
        self._queue.drop(self._message)

    async def again(self, *, seconds: float = 0) -> None:
        """Have it delivered again after some seconds."""
        self._queue.give_back(self._message, self.tries, seconds=seconds)


class MemoryQueue:
    """Messages that are each some reader's, until they are done with or silent for ``silence`` seconds."""

    def __init__(self, *, silence: float) -> None:
        self._silence = silence
        self._open: dict[int, _Message] = {}
        self._ready: list[int] = []
        self._names: OrderedDict[str, float] = OrderedDict()
        self._count = 0
        self._pulse = Pulse()
        self._closed = False

    def put(self, content: bytes, *, name: str, sender: str) -> bool:
        """Add a message; False where its name was there within the last two minutes."""
        now = asyncio.get_running_loop().time()
        while self._names and next(iter(self._names.values())) <= now - REPEAT_SECONDS:
            self._names.popitem(last=False)
        if name in self._names:
            return False
        self._names[name] = now
        self._count += 1
        self._open[self._count] = _Message(number=self._count, content=content, sender=sender)
        self._make_ready(self._count)
        return True

    async def deliveries(self, ended: Callable[[], bool]) -> AsyncIterator[MemoryDelivery]:
        """Yield messages, each to one reader at a time, until the queue is closed or its reader has ended.

        Whoever ends a reader says so with ``wake``.
        """
        while not (self._closed or ended()):
            message = self._take()
            if message is None:
                await self._pulse.wait()
            else:
                yield MemoryDelivery(self, message)

    def wake(self) -> None:
        """Let readers look whether they have ended."""
        self._pulse.beat()

    def keep(self, message: _Message, tries: int) -> None:
        """Start a reader's time anew, where the message still is that reader's."""
        if self.held(message, tries):
            self._set_timer(message, self._silence)

    def give_back(self, message: _Message, tries: int, *, seconds: float) -> None:
        """Let a message be taken again after some seconds, where it still is that reader's."""
        if not self.held(message, tries):
            return
        if seconds > 0:
            self._set_timer(message, seconds)
        else:
            self._come_back(message)

    def drop(self, message: _Message) -> None:
        """Be done with a message."""
        self._stop_timer(message)
        self._open.pop(message.number, None)

    def held(self, message: _Message, tries: int) -> bool:
        """Whether a message still is the reader's who had it as the ``tries``-th."""
        return message.number in self._open and message.timer is not None and message.tries == tries

    def close(self) -> None:
        """End all readers and forget everything."""
        self._closed = True
        for message in self._open.values():
            self._stop_timer(message)
        self._open.clear()
        self._pulse.beat()

    def _take(self) -> _Message | None:
        while self._ready:
            message = self._open.get(heapq.heappop(self._ready))
            if message is not None:
                message.tries += 1
                self._set_timer(message, self._silence)
                return message
        return None

    def _come_back(self, message: _Message) -> None:
        self._stop_timer(message)
        self._make_ready(message.number)

    def _make_ready(self, number: int) -> None:
        heapq.heappush(self._ready, number)
        self._pulse.beat()

    def _set_timer(self, message: _Message, seconds: float) -> None:
        self._stop_timer(message)
        loop = asyncio.get_running_loop()
        message.timer = loop.call_later(seconds, self._come_back, message)

    @staticmethod
    def _stop_timer(message: _Message) -> None:
        if message.timer is not None:
            message.timer.cancel()
            message.timer = None
