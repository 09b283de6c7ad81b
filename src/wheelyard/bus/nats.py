"""The bus over NATS JetStream: the coordinator's end and a builder's.

What the server said it has is in its files, and is delivered until somebody is done with it. Readers live
through lost connections and restarts of the server; writers wait a few seconds and raise BusError.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import aclosing, suppress
from typing import Self

from nats.js import api

from wheelyard.bus.nats_delivery import NatsDelivery
from wheelyard.bus.nats_link import Connection, Link
from wheelyard.bus.nats_logs import IDLE_SECONDS, LogReader, pack
from wheelyard.bus.nats_options import NatsLimits, NatsOptions
from wheelyard.bus.nats_pull import Source, pull
from wheelyard.bus.nats_streams import prepare, prepare_orders, remove_orders
from wheelyard.bus.pieces import cut
from wheelyard.bus.subjects import (
    COORDINATOR,
    ORDERS,
    PRESENCE,
    PRESENCE_BUCKET,
    WORDS,
    log_subject,
    order_subject,
    presence_subject,
    sender_of,
    token,
    word_subject,
)
from wheelyard.bus_ports import Announcement, LogPiece
from wheelyard.errors import BusError
from wheelyard.protocol.messages import LARGEST_BYTES, LARGEST_ORDER_BYTES
from wheelyard.protocol.wire import check_size

_BATCH = 32


class NatsBus:
    """The coordinator's end. Open it with ``await NatsBus.open(options)``. Several may share a server."""

    def __init__(self, limits: NatsLimits) -> None:
        self._limits = limits
        self._known: set[str] = set()
        self._link: Link

    @classmethod
    async def open(cls, options: NatsOptions, *, limits: NatsLimits | None = None) -> Self:
        """Connect and make what has to be on the server. Raises BusError."""
        bus = cls(limits or NatsLimits())
        bus._link = await Link.open(options, bus._prepare)
        return bus

    async def order(self, builder: str, content: bytes, *, name: str) -> None:
        """Put an order into a builder's queue."""
        check_size(content, largest=LARGEST_ORDER_BYTES)
        async with self._link.calling(f"giving an order to builder {builder!r}") as connection:
            await self._know(connection, builder)
            await _hand_over(
                connection, order_subject(builder), content, name=_digest(builder, name)
            )

    async def words(self) -> AsyncIterator[NatsDelivery]:
        """Yield results and returned jobs of all builders."""
        source = Source(stream=WORDS, consumer=COORDINATOR)

        async def find(_: Connection) -> Source:
            return source

        async with aclosing(pull(self._link, find)) as messages:
            async for message in messages:
                yield NatsDelivery(self._link, message)

    async def presences(self) -> AsyncIterator[Announcement]:
        """Yield the newest presence of each builder that is there, then each new one."""
        async with aclosing(pull(self._link, _find_presences)) as messages:
            async for message in messages:
                if not message.data:
                    # A key that was deleted with NATS's own tools.
                    continue
                builder = sender_of(message.subject)
                if builder not in self._known:
                    with suppress(BusError):
                        await self._make_known(builder)
                yield Announcement(builder=builder, content=message.data)

    async def forget(self, builder: str) -> None:
        """Drop the queue and the presence of a builder."""
        async with self._link.calling(f"forgetting builder {builder!r}") as connection:
            self._known.discard(builder)
            await remove_orders(connection, builder)

    def follow_log(
        self, attempt: str, *, start: int = 0, builder: str = ""
    ) -> AsyncIterator[LogPiece]:
        """Yield the pieces of an attempt's log from an offset on, until its end."""
        return LogReader(self._link, attempt, start=start, builder=builder).pieces()

    async def close(self) -> None:
        """Hang up; readers end."""
        await self._link.close()

    async def _prepare(self, connection: Connection) -> None:
        self._known.clear()
        await prepare(connection, self._limits)

    async def _make_known(self, builder: str) -> None:
        async with self._link.calling(f"making the queue of builder {builder!r}") as connection:
            await self._know(connection, builder)

    async def _know(self, connection: Connection, builder: str) -> None:
        """Make sure that a builder has a queue to read from."""
        # Asked with a connection in hand: with a new one, what was known of the server counts no more.
        if builder not in self._known:
            await prepare_orders(connection, builder, self._limits)
            self._known.add(builder)


class NatsBuilderBus:
    """One builder's end. ``close`` gives back what was read here and not done with."""

    def __init__(self, link: Link, name: str) -> None:
        self._link = link
        self._name = name
        self._held: list[NatsDelivery] = []

    @classmethod
    async def open(cls, options: NatsOptions, *, name: str) -> Self:
        """Connect as a builder. Raises BusError."""
        return cls(await Link.open(options), name)

    @property
    def refused(self) -> asyncio.Event:
        """Set each time that the server does not let this builder in again: it may be shut out for good."""
        return self._link.refused

    async def orders(self) -> AsyncIterator[NatsDelivery]:
        """Yield orders; those that were not done with come again when they were silent for a while."""
        source = Source(stream=ORDERS, consumer=token(self._name))

        async def find(_: Connection) -> Source:
            return source

        async with aclosing(pull(self._link, find)) as messages:
            async for message in messages:
                delivery = NatsDelivery(self._link, message)
                self._held = [*(held for held in self._held if held.open), delivery]
                yield delivery

    async def say(self, content: bytes, *, name: str) -> None:
        """Hand a result over; the same ``name`` of this builder's counts once."""
        check_size(content, largest=LARGEST_BYTES)
        # A name counts in the whole stream. With the password in it, nobody else can use it up.
        secret = self._link.options.password
        unique = _digest(self._name, secret, name)
        await _publish(self._link, word_subject(self._name), content, name=unique)

    async def announce(self, content: bytes) -> None:
        """Tell that this builder is there."""
        check_size(content, largest=LARGEST_BYTES)
        await _publish(self._link, presence_subject(self._name), content)

    async def write_log(self, piece: LogPiece) -> None:
        """Add to the log of an attempt."""
        subject = log_subject(self._name, piece.attempt)
        for part in cut(piece):
            await _publish(self._link, subject, pack(part))

    async def close(self) -> None:
        """Give back what was read and not done with, and hang up; readers end."""
        with suppress(BusError):
            for delivery in self._held:
                await delivery.again()
        self._held.clear()
        await self._link.close()


async def _publish(link: Link, subject: str, content: bytes, *, name: str = "") -> None:
    """Hand something over to the server; return when it has it."""
    async with link.calling(f"publishing to {subject!r}") as connection:
        await _hand_over(connection, subject, content, name=name)


async def _hand_over(connection: Connection, subject: str, content: bytes, *, name: str) -> None:
    headers: dict[str, object] | None = {api.Header.MSG_ID.value: name} if name else None
    await connection.streams.publish(subject, content, headers=headers)


async def _find_presences(connection: Connection) -> Source:
    made = await connection.streams.add_consumer(
        PRESENCE,
        api.ConsumerConfig(
            filter_subject=f"$KV.{PRESENCE_BUCKET}.>",
            deliver_policy=api.DeliverPolicy.LAST_PER_SUBJECT,
            ack_policy=api.AckPolicy.NONE,
            inactive_threshold=IDLE_SECONDS,
            mem_storage=True,
        ),
    )
    return Source(stream=PRESENCE, consumer=made.name, batch=_BATCH)


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()
