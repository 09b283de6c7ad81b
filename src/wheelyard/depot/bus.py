"""A builder's end of the bus, over HTTP long polls: for farms that run no other bus.

Presence goes its own way (a connection that nothing else uses), so that a long upload or a slow log
never stands before it.
"""

import asyncio
import base64
import binascii
import random
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

import msgspec

from wheelyard.bus_ports import LogPiece
from wheelyard.depot.http import AwayError, Farm, ForbiddenError, Query, RefusedError, fields_of
from wheelyard.errors import ProtocolError

WAIT_SECONDS = 25
_GRACE_SECONDS = 15.0
_NO_SUCH_ORDER = 404
_BYTES = {"Content-Type": "application/octet-stream"}


class _Order(msgspec.Struct, frozen=True):
    id: str
    content: str
    tries: int = 1


class HttpDelivery:
    """An order that this builder has."""

    sender = ""

    def __init__(self, farm: Farm, order: _Order, content: bytes) -> None:
        self.content = content
        self.tries = order.tries
        self._farm = farm
        self._path = f"/api/bus/orders/{quote(order.id, safe='')}"

    async def working(self) -> None:
        """Keep it for another while. Raises BusError."""
        await self._say(state="working")

    async def done(self) -> None:
        """Never see it again. Raises BusError."""
        await self._say(state="done")

    async def again(self, *, seconds: float = 0) -> None:
        """Have it delivered again after some seconds. Raises BusError."""
        await self._say(state="again", seconds=seconds)

    async def _say(self, **body: Any) -> None:
        content = msgspec.json.encode(body)
        query = Query(content=content, headers={"Content-Type": "application/json"})
        try:
            await self._farm.ask("POST", self._path, query)
        except RefusedError as error:
            if error.status != _NO_SUCH_ORDER:
                raise


class HttpBuilderBus:
    """Carries out ``farm_ports.BuilderBus``. ``session`` is this process's, told apart from an earlier one's."""

    def __init__(
        self, url: str, *, token: str, session: str, wait_seconds: int = WAIT_SECONDS
    ) -> None:
        self._calls = Farm(url, token=token)
        self._orders = Farm(url, token=token)
        self._presence = Farm(url, token=token)
        self._session = session
        self._wait_seconds = wait_seconds

    async def orders(self) -> AsyncIterator[HttpDelivery]:
        """Yield orders for ever; where the farm is away, when it is back. Raises DeniedError."""
        while True:
            for order in await self._poll():
                try:
                    content = base64.b64decode(order.content, validate=True)
                except binascii.Error:
                    content = b""  # whoever reads it says that it cannot be read
                yield HttpDelivery(self._calls, order, content)

    async def _poll(self) -> list[_Order]:
        query = Query(
            params={"wait": self._wait_seconds, "session": self._session},
            seconds=self._wait_seconds + _GRACE_SECONDS,
        )
        try:
            fields = fields_of(await self._orders.ask("GET", "/api/bus/orders", query))
            return msgspec.convert(fields.get("orders"), list[_Order])
        except (AwayError, ProtocolError, msgspec.ValidationError) as error:
            after = error.after if isinstance(error, AwayError) else 0.0
            await asyncio.sleep(max(after, 1.0 + random.random()))  # noqa: S311 - no secret
            return []

    async def say(self, content: bytes, *, name: str) -> None:
        """Hand a word over for good. Raises BusError, and ProtocolError where the farm cannot read it."""
        query = Query(params={"name": name}, headers=_BYTES, content=content)
        await self._calls.ask("POST", "/api/bus/words", query)

    async def announce(self, content: bytes) -> None:
        """Tell that this builder is there. Raises BusError."""
        query = Query(headers=_BYTES, content=content)
        await self._presence.ask("POST", "/api/bus/presence", query)

    async def write_log(self, piece: LogPiece) -> None:
        """Add to the log of an attempt. Raises BusError; what the farm does not take is left out."""
        params: dict[str, str | int] = {"attempt": piece.attempt, "start": piece.start}
        params["end"] = int(piece.end)
        query = Query(params=params, headers=_BYTES, content=piece.content)
        try:
            await self._calls.ask("POST", "/api/bus/logs", query)
        except (RefusedError, ForbiddenError):
            return  # the whole log is uploaded at the end

    async def close(self) -> None:
        """Drop the connections."""
        for farm in (self._calls, self._orders, self._presence):
            await farm.close()
