"""Conversations with an index over a real socket."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import httpx

from index.shelf import Shelf
from wheelyard.index.server import IndexServer
from wheelyard.index.serving import running

JSON = "application/vnd.pypi.simple.v1+json"
HTML = "application/vnd.pypi.simple.v1+html"
Body = Callable[[httpx.AsyncClient], Awaitable[None]]


@asynccontextmanager
async def client(shelf: Shelf, *, freshness: float = 0) -> AsyncIterator[httpx.AsyncClient]:
    app = IndexServer(artifacts=shelf.artifacts, blobs=shelf.blobs, freshness=freshness)
    async with running(app) as address, httpx.AsyncClient(base_url=address) as opened:
        yield opened


def ask(shelf: Shelf, body: Body, *, freshness: float = 0) -> None:
    """Run a conversation with a server over the shelf."""

    async def run() -> None:
        async with client(shelf, freshness=freshness) as opened:
            await body(opened)

    asyncio.run(run())


async def ask_raw(address: str, target: bytes) -> tuple[int, bytes]:
    """Ask for a target that a well-behaved client would not send."""
    url = httpx.URL(address)
    reader, writer = await asyncio.open_connection(url.host, url.port)
    writer.write(b"GET " + target + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return int(answer.split(b" ", 2)[1]), answer
