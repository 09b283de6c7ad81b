"""Pieces of logs on JetStream: their form, and reading them over lost connections."""

import struct
from collections.abc import AsyncIterator

from nats.aio.msg import Msg
from nats.js import api

from wheelyard.bus.nats_link import Connection, Link
from wheelyard.bus.nats_pull import Source, pull
from wheelyard.bus.pieces import beyond
from wheelyard.bus.subjects import LOGS, log_subject
from wheelyard.bus_ports import LogPiece

_HEAD = struct.Struct(">Q?")
"""Where the piece starts, and whether it is the last."""

_BATCH = 64
IDLE_SECONDS = 120.0
"""A consumer that nobody asked for so long goes by itself."""


def pack(piece: LogPiece) -> bytes:
    """Write a piece; its attempt is in the subject."""
    return _HEAD.pack(piece.start, piece.end) + piece.content


def unpack(content: bytes, attempt: str) -> LogPiece | None:
    """Read a piece; None where it is none."""
    if len(content) < _HEAD.size:
        return None
    start, end = _HEAD.unpack_from(content)
    return LogPiece(attempt=attempt, start=start, content=content[_HEAD.size :], end=end)


class LogReader:
    """Follows one attempt's log from an offset on."""

    def __init__(self, link: Link, attempt: str, *, start: int, builder: str) -> None:
        self._link = link
        self._attempt = attempt
        self._subject = log_subject(builder, attempt)
        self._position = start
        self._last = 0

    async def pieces(self) -> AsyncIterator[LogPiece]:
        """Yield pieces without gap and repeat, to the end."""
        async for message in pull(self._link, self._find):
            piece = self._new_in(message)
            if piece is not None:
                yield piece
                if piece.end:
                    return

    def _new_in(self, message: Msg) -> LogPiece | None:
        self._last = message.metadata.sequence.stream
        piece = unpack(message.data, self._attempt)
        new = None if piece is None else beyond(piece, self._position)
        if new is not None:
            self._position = max(self._position, new.start + len(new.content))
        return new

    async def _find(self, connection: Connection) -> Source:
        """Make a consumer for this connection, behind what was read."""
        info = await connection.streams.stream_info(LOGS)
        # A server that lost its files counts anew.
        after = self._last if info.state.last_seq >= self._last else 0
        made = await connection.streams.add_consumer(
            LOGS,
            api.ConsumerConfig(
                filter_subject=self._subject,
                deliver_policy=api.DeliverPolicy.BY_START_SEQUENCE,
                opt_start_seq=after + 1,
                ack_policy=api.AckPolicy.NONE,
                inactive_threshold=IDLE_SECONDS,
                mem_storage=True,
            ),
        )
        return Source(stream=LOGS, consumer=made.name, batch=_BATCH)
