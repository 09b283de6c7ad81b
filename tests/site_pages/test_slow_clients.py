"""Clients that are slow, or leave in the middle: nothing of theirs stays behind."""

import asyncio
import os
import resource
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from site_pages.things import fail
from web.place import Place, open_place
from wheelyard.index.patience import PatientProtocol

pytestmark = pytest.mark.anyio
KEY = "k1" * 8
PATIENCE = 10
MEGABYTE = 1 << 20


@asynccontextmanager
async def connected(
    place: Place, request: bytes
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """Send bytes as they are; what is read is for the block to say."""
    parts = urlsplit(str(place.client.base_url))
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port, limit=4096)
    try:
        writer.write(request)
        yield reader, writer
    finally:
        writer.close()


def get(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: farm\r\nAccept: */*\r\n\r\n".encode()


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not true():
            await asyncio.sleep(0.01)


@asynccontextmanager
async def nothing_left(place: Place) -> AsyncIterator[None]:
    """Hold that no task, file or listener is there after the block that was not before."""
    listeners = place.app.site.changes.listeners
    tasks, files = asyncio.all_tasks(), open_files()
    yield
    await until(lambda: not asyncio.all_tasks() - tasks)
    await until(lambda: open_files() <= files)
    assert len(listeners) == 0


async def told(place: Place, reader: asyncio.StreamReader) -> None:
    """Change something until a page hears of it."""
    heard = asyncio.ensure_future(reader.readuntil(b"event: changed"))
    async with asyncio.timeout(PATIENCE):
        while not heard.done():
            await place.ports.events.write("token.made", "t1")
            await asyncio.wait([heard], timeout=0.2)
    assert await heard


@pytest.mark.parametrize("path", ["/live?of=jobs", f"/jobs/{KEY}/log/events", f"/jobs/{KEY}/log"])
async def test_who_leaves_in_the_middle_leaves_nothing_behind(farm: Place, path: str) -> None:
    await farm.leased(KEY)
    async with nothing_left(farm):
        for _ in range(5):
            async with connected(farm, get(path)) as (reader, _):
                assert b" 200 " in await reader.readline()


async def test_an_open_page_is_a_listener_until_it_is_closed(farm: Place) -> None:
    listeners = farm.app.site.changes.listeners
    async with connected(farm, get("/live?of=tokens")) as (reader, _):
        await until(lambda: len(listeners) == 1)
        await told(farm, reader)
    await until(lambda: len(listeners) == 0)


async def test_the_end_of_the_farm_ends_streams_at_once(tmp_path: Path) -> None:
    async with (
        open_place(tmp_path, kind="memory", public=True) as place,
        connected(place, get("/live?of=jobs")) as (reader, _),
    ):
        await until(lambda: len(place.app.site.changes.listeners) == 1)
        await place.app.end()
        async with asyncio.timeout(PATIENCE):
            await reader.readuntil(b"\r\n0\r\n\r\n")


async def test_a_head_that_trickles_is_hung_up_on(
    farm: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PatientProtocol, "head_seconds", 0.3)
    async with connected(farm, b"GET / HTTP/1.1\r\n") as (reader, writer):
        gone = asyncio.ensure_future(reader.read())
        for _ in range(200):
            if gone.done():
                break
            writer.write(b"X-A: b\r\n")
            await asyncio.wait([gone], timeout=0.05)
        assert gone.done()
        assert await gone == b""
    monkeypatch.undo()
    assert (await farm.client.get("/")).status_code == 200


async def test_the_head_of_a_second_request_may_not_trickle_either(
    farm: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PatientProtocol, "head_seconds", 0.3)
    async with connected(farm, get("/healthz")) as (reader, writer):
        assert b" 200 " in await reader.readline()
        writer.write(b"GET / HTTP/1.1\r\n")
        async with asyncio.timeout(PATIENCE):
            assert (await reader.read()).endswith(b"}")


async def test_who_reads_no_more_of_a_long_log_costs_little(farm: Place) -> None:
    lease = await farm.leased(KEY)
    log = os.urandom(MEGABYTE).hex().encode() * 8
    await fail(farm, lease, log=log)
    size = len(log)
    del log
    # Its own connection is kept open, and no part of what is counted.
    await farm.client.get(f"/jobs/{KEY}")
    async with nothing_left(farm):
        before = resident()
        async with connected(farm, get(f"/jobs/{KEY}/log")) as (reader, _):
            assert b" 200 " in await reader.readline()
            begun, read = time.monotonic(), 0
            # Others are served while it waits.
            for _ in range(5):
                assert (await farm.client.get(f"/jobs/{KEY}")).status_code == 200
            assert time.monotonic() - begun < PATIENCE
            assert resident() - before < size // 2
            read += len(await reader.read(4096))
            assert read < size


def resident() -> int:
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return pages * resource.getpagesize()


async def test_who_does_not_read_changes_keeps_nobody_from_them(farm: Place) -> None:
    listeners = farm.app.site.changes.listeners
    async with (
        connected(farm, get("/live?of=tokens")),
        connected(farm, get("/live?of=tokens")) as (
            reader,
            _,
        ),
    ):
        await until(lambda: len(listeners) == 2)
        await told(farm, reader)
