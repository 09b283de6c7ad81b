"""A connection between two processes that can be cut, and healed.

While it is cut no byte goes either way and nobody is told, as where a cable was pulled. Where many share one port,
whoever is cut is known by a text in the first bytes that it sends.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Self

_PIECE_BYTES = 64 << 10
_SNIFFED_BYTES = 4096


class Link:
    """Listens on a port of its own and passes on what comes. ``port`` is where; ``target`` may change."""

    def __init__(self, target: int) -> None:
        self.target = target
        self.port = 0
        self._cut: set[bytes] = set()
        self._changed = asyncio.Condition()
        self._tasks: set[asyncio.Task[None]] = set()
        self._open: dict[asyncio.StreamWriter, bytes] = {}

    @classmethod
    @asynccontextmanager
    async def opened(cls, target: int) -> AsyncIterator[Self]:
        """Open one that leads to a port of this machine, while the block runs."""
        link = cls(target)
        server = await asyncio.start_server(link._take, "127.0.0.1", 0)
        link.port = server.sockets[0].getsockname()[1]
        try:
            yield link
        finally:
            server.close()
            for task in list(link._tasks):
                task.cancel()
            if link._tasks:
                await asyncio.wait(link._tasks)

    async def cut(self, who: bytes = b"") -> None:
        """Let nothing through; ``who``: only of those whose first bytes hold this."""
        async with self._changed:
            self._cut.add(who)

    async def heal(self, *, forgotten: bool = False) -> None:
        """Let everything through again; ``forgotten``: what was open is dropped, as a router does after a while."""
        async with self._changed:
            if forgotten:
                for writer, first in list(self._open.items()):
                    if any(who in first for who in self._cut):
                        writer.transport.abort()
            self._cut.clear()
            self._changed.notify_all()

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            await self._carry(reader, writer)
        except (OSError, asyncio.CancelledError):
            writer.transport.abort()
        finally:
            self._open.pop(writer, None)
            # What was written still arrives.
            writer.close()
            self._tasks.discard(task)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._may_pass(b"")
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.target)
        self._open[writer] = b""
        try:
            ways = [
                asyncio.ensure_future(self._pump(reader, far_writer, writer)),
                asyncio.ensure_future(self._pump(far_reader, writer, writer)),
            ]
            try:
                await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for way in ways:
                    way.cancel()
                await asyncio.wait(ways)
        finally:
            far_writer.close()

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, near: asyncio.StreamWriter
    ) -> None:
        with contextlib.suppress(OSError):
            while piece := await reader.read(_PIECE_BYTES):
                known = self._open.get(near, b"")
                if writer is not near and len(known) < _SNIFFED_BYTES:
                    self._open[near] = known + piece[:_SNIFFED_BYTES]
                await self._may_pass(self._open.get(near, b""))
                writer.write(piece)
                await writer.drain()

    async def _may_pass(self, first: bytes) -> None:
        async with self._changed:
            await self._changed.wait_for(lambda: not any(who in first for who in self._cut))
