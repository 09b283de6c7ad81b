"""Reading from a consumer of JetStream by asking for the next messages, over lost connections.

One request is out at a time, and only while the reader waits: of a work queue, from which one message is
asked for at a time, a reader that is slow or gone holds nothing that another could have.
"""

import asyncio
import json
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass

import nats.errors
from nats.aio.msg import Msg

from wheelyard.bus.nats_link import Connection, Link
from wheelyard.errors import BusError

_REQUEST_SECONDS = 30
_HEARTBEAT_SECONDS = 2
_SILENCE_SECONDS = 2.5 * _HEARTBEAT_SECONDS
_FIRST_SECONDS = 2.0
_FIRST_PAUSE = 0.02
_LONGEST_PAUSE = 1.0
_BEAT, _NONE, _TIMEOUT = "100", "404", "408"


class GoneError(Exception):
    """The consumer is not there, or does not answer: look for it again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A consumer to read from, ``batch`` messages a request."""

    stream: str
    consumer: str
    batch: int = 1


async def pull(
    link: Link, find: Callable[[Connection], Awaitable[Source]]
) -> AsyncGenerator[Msg, None]:
    """Yield messages until the link is closed; ``find`` says, on each connection, where from."""
    pause = _FIRST_PAUSE
    while True:
        try:
            connection = await link.wait()
        except BusError:
            return
        try:
            async with connection.lasting():
                source = await find(connection)
            async with aclosing(_Session(connection, source).messages()) as messages:
                async for message in messages:
                    pause = _FIRST_PAUSE
                    yield message
        except (GoneError, nats.errors.Error, OSError, TimeoutError):
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)


class _Session:
    """Reading on one connection."""

    def __init__(self, connection: Connection, source: Source) -> None:
        self._client = connection.client
        self._connection = connection
        self._source = source
        self._arrived: asyncio.Queue[Msg | None] = asyncio.Queue()
        self._inbox = self._client.new_inbox()
        self._subject = f"$JS.API.CONSUMER.MSG.NEXT.{source.stream}.{source.consumer}"
        self._first = json.dumps({"batch": source.batch, "no_wait": True}).encode()
        waits = {
            "expires": _REQUEST_SECONDS * 10**9,
            "idle_heartbeat": _HEARTBEAT_SECONDS * 10**9,
        }
        self._later = json.dumps({"batch": source.batch, **waits}).encode()
        self._requests = 0
        self._place = ""

    async def messages(self) -> AsyncGenerator[Msg, None]:
        """Yield messages while the connection lasts. Raises GoneError, and what nats-py raises."""
        subscription = await self._client.subscribe(f"{self._inbox}.*", cb=self._take)
        self._connection.endings.add(self._stop)
        try:
            while not self._connection.lost.is_set():
                await self._ask()
                left = self._source.batch
                while left > 0:
                    message = await self._next()
                    if message.subject.startswith(self._inbox):
                        left = left if self._goes_on(message) else 0
                        continue
                    left -= 1
                    yield message
        finally:
            self._connection.endings.discard(self._stop)
            if not self._client.is_closed:
                await subscription.unsubscribe()

    async def _take(self, message: Msg) -> None:
        self._arrived.put_nowait(message)

    def _stop(self) -> None:
        self._arrived.put_nowait(None)

    async def _next(self) -> Msg:
        # Without a beat the request is lost, though the connection may not be.
        async with asyncio.timeout(_SILENCE_SECONDS if self._requests > 1 else _FIRST_SECONDS):
            arrived = await self._arrived.get()
        if arrived is None:
            raise GoneError("the connection is lost")
        return arrived

    async def _ask(self) -> None:
        self._requests += 1
        # The first is answered at once, unless the consumer is not there: from another account nobody says that.
        request = self._first if self._requests == 1 else self._later
        self._place = f"{self._inbox}.{self._requests}"
        await self._client.publish(self._subject, request, reply=self._place)

    def _goes_on(self, message: Msg) -> bool:
        """Return whether the request is still answered. Raises GoneError where the consumer is not there."""
        status = (message.headers or {}).get("Status", "")
        if status == _BEAT or message.subject != self._place:
            return True
        if status in {_NONE, _TIMEOUT}:
            return False
        raise GoneError(f"the server answered {status}")
