"""Somebody who waits for a request's end and counts how often it is told."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Self


class Waiter:
    """Takes messages over HTTP. ``address`` is what a request is given to notify it."""

    def __init__(self) -> None:
        self.address = ""
        self.told = 0

    @classmethod
    @asynccontextmanager
    async def listening(cls) -> AsyncIterator[Self]:
        """Listen on the loopback while the block runs."""
        waiter = cls()
        server = await asyncio.start_server(waiter._take, "127.0.0.1", 0)
        waiter.address = f"json://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        try:
            yield waiter
        finally:
            server.close()

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            for line in head.decode("latin-1").split("\r\n"):
                name, _, value = line.partition(":")
                if name.lower() == "content-length":
                    await reader.readexactly(int(value))
            self.told += 1
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            return
        finally:
            writer.close()
