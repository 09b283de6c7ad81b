"""A link passes on what comes, and lets nothing through while it is cut."""

import asyncio
import contextlib

import pytest

from wheelyard.selftest.link import Link

pytestmark = pytest.mark.anyio


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while piece := await reader.read(100):
            writer.write(piece)
    writer.close()


async def test_what_is_cut_waits_and_comes_when_it_is_healed() -> None:
    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    async with server, Link.opened(server.sockets[0].getsockname()[1]) as link:
        reader, writer = await asyncio.open_connection("127.0.0.1", link.port)
        writer.write(b"one")
        assert await reader.readexactly(3) == b"one"
        await link.cut()
        writer.write(b"two")
        coming = asyncio.ensure_future(reader.readexactly(3))
        done, _ = await asyncio.wait({coming}, timeout=0.2)
        assert not done
        await link.heal()
        assert await coming == b"two"
        writer.close()


async def test_only_who_is_meant_is_cut_and_may_be_forgotten() -> None:
    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    async with server, Link.opened(server.sockets[0].getsockname()[1]) as link:
        ends = {}
        for name in (b"builder-one", b"builder-two"):
            reader, writer = await asyncio.open_connection("127.0.0.1", link.port)
            writer.write(name)
            assert await reader.readexactly(len(name)) == name
            ends[name] = (reader, writer)
        await link.cut(b"builder-one")
        for _, writer in ends.values():
            writer.write(b"x")
        assert await ends[b"builder-two"][0].readexactly(1) == b"x"
        await link.heal(forgotten=True)
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await ends[b"builder-one"][0].readexactly(1)
        for _, writer in ends.values():
            writer.close()
