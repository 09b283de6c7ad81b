"""Plain requests are answered on a short way, with the same bytes as on the ordinary one."""

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
from starlette.types import Receive, Scope, Send

from index.shelf import RevisedArtifacts, Shelf
from wheelyard.errors import StoreError
from wheelyard.index.server import IndexServer
from wheelyard.index.serving import running

PATIENCE = 20
JSON = b"application/vnd.pypi.simple.v1+json"
PLAIN = [
    b"GET /simple/tiny/ HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /simple/tiny/ HTTP/1.1\r\nhost:x\r\naccept: " + JSON + b"\r\n\r\n",
    b"GET /simple/ HTTP/1.1\r\nHost: x\r\nAccept: " + JSON + b", text/html;q=0.1\r\n\r\n",
    b"GET /simple/ HTTP/1.1\r\nHost: x\r\nAccept: text/html\r\nAccept:\t" + JSON + b" \r\n\r\n",
    b"GET /simple/tiny/ HTTP/1.1\r\nHost: x\r\nIf-None-Match: *\r\nConnection: keep-alive\r\n\r\n",
    b"GET /simple/tiny/ HTTP/1.1\r\nHost: x\r\nCookie: a=b; c\r\nX:\r\nUser-Agent: pip/26 {}\r\n\r\n",
]
ODD = {
    "another method": b"HEAD /simple/tiny/ HTTP/1.1\r\nHost: x\r\n\r\n",
    "an older version": b"GET /simple/tiny/ HTTP/1.0\r\n\r\n",
    "the last one": b"GET /simple/tiny/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    "no host": b"GET /simple/tiny/ HTTP/1.1\r\n\r\n",
    "two hosts": b"GET /simple/tiny/ HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
    "a body": b"GET /simple/tiny/ HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nab",
    "an empty body": b"GET /simple/tiny/ HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n",
    "chunks": b"GET /simple/tiny/ HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a part": b"GET /simple/tiny/ HTTP/1.1\r\nHost: x\r\nRange: bytes=0-3\r\n\r\n",
    "a folded line": b"GET /simple/tiny/ HTTP/1.1\r\nHost: x\r\nAccept: a,\r\n "
    + JSON
    + b"\r\n\r\n",
    "lines without returns": b"GET /simple/tiny/ HTTP/1.1\nHost: x\n\n",
    "a space before a colon": b"GET /simple/tiny/ HTTP/1.1\r\nHost : x\r\n\r\n",
    "a zero": b"GET /simple/tiny/ HTTP/1.1\r\nHost: x\0\r\n\r\n",
    "a form that nobody has": b"GET /simple/tiny/ HTTP/1.1\r\nHost: x\r\nAccept: x/y\r\n\r\n",
    "a query": b"GET /simple/tiny/?format=text/html HTTP/1.1\r\nHost: x\r\n\r\n",
    "something quoted": b"GET /simple/%74iny/ HTTP/1.1\r\nHost: x\r\n\r\n",
    "another spelling": b"GET /simple/Tiny/ HTTP/1.1\r\nHost: x\r\n\r\n",
    "a whole address": b"GET http://x/simple/tiny/ HTTP/1.1\r\nHost: x\r\n\r\n",
    "nothing of it": b"GET /simple/other/ HTTP/1.1\r\nHost: x\r\n\r\n",
    "an upgrade": b"GET /simple/tiny/ HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\n"
    b"Upgrade: h2c\r\n\r\n",
    "two at once": b"GET /simple/tiny/ HTTP/1.1\r\nHost: x\r\n\r\n" * 2,
}


class Counted:
    """An index that counts what it is asked on the ordinary way."""

    def __init__(self, index: IndexServer) -> None:
        self.index = index
        self.asked = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.asked += 1
        await self.index(scope, receive, send)


@asynccontextmanager
async def served(
    shelf: Shelf, *, quick: bool = True, freshness: float = 60
) -> AsyncIterator[tuple[Counted, str]]:
    app = Counted(IndexServer(artifacts=shelf.artifacts, blobs=shelf.blobs, freshness=freshness))
    async with running(app, quick=app.index if quick else None) as address:
        async with httpx.AsyncClient(base_url=address) as client:
            assert (await client.get("/simple/tiny/?")).status_code == 200
            assert (await client.get("/simple/?")).status_code == 200
        app.asked = 0
        yield app, address


@asynccontextmanager
async def connected(
    address: str,
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    url = httpx.URL(address)
    reader, writer = await asyncio.open_connection(url.host, url.port)
    try:
        async with asyncio.timeout(PATIENCE):
            yield reader, writer
    finally:
        writer.close()


async def conversation(address: str, *parts: bytes) -> bytes:
    """Say the parts, then a request that ends it; return all that was answered, but for the date."""
    async with connected(address) as (reader, writer):
        for part in parts:
            writer.write(part)
            await writer.drain()
            await turns(5)
        writer.write(b"GET /last HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        try:
            answer = await reader.read()
        except ConnectionResetError:
            answer = b"hung up"
    return re.sub(rb"date: [^\r]*", b"date: D", answer)


async def turns(number: int = 200) -> None:
    """Let client and server, which share a loop, go on until both wait for something."""
    for _ in range(number):
        await asyncio.sleep(0)


def heads(answer: bytes) -> int:
    return len(re.findall(rb"HTTP/1\.1 \d", answer))


async def first_answer(address: str, request: bytes) -> bytes:
    async with connected(address) as (reader, writer):
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", head)
        unchanged = head.startswith(b"HTTP/1.1 304")
        body = await reader.readexactly(int(length[1])) if length and not unchanged else b""
        return re.sub(rb"date: [^\r]*", b"date: D", head + body)


def test_a_plain_request_has_the_same_answer_on_both_ways(shelf: Shelf) -> None:
    async def run() -> None:
        await shelf.publish("tiny", "1.0")
        async with served(shelf) as (quick, there), served(shelf, quick=False) as (slow, here):
            for request in PLAIN:
                assert await first_answer(there, request) == await first_answer(here, request)
            assert (quick.asked, slow.asked) == (0, len(PLAIN))

    asyncio.run(run())


def test_whatever_is_not_plain_is_answered_as_ever(shelf: Shelf) -> None:
    async def run() -> None:
        await shelf.publish("tiny", "1.0")
        async with served(shelf) as (_, there), served(shelf, quick=False) as (_, here):
            for name, request in ODD.items():
                found = await conversation(there, request)
                assert (name, found) == (name, await conversation(here, request))

    asyncio.run(run())


def test_a_part_that_looks_like_a_request_is_a_part(shelf: Shelf) -> None:
    async def run() -> None:
        await shelf.publish("tiny", "1.0")
        for first in (
            b"GET /simple/tiny/ HTTP/1.1\r\nX: ",
            b"GET /simple/tiny/ HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(PLAIN[0]),
        ):
            async with served(shelf) as (_, there), served(shelf, quick=False) as (_, here):
                found = await conversation(there, first, PLAIN[0])
                assert found == await conversation(here, first, PLAIN[0])
                assert heads(found) == 2

    asyncio.run(run())


def test_many_requests_on_one_connection_are_answered_in_order(shelf: Shelf) -> None:
    async def run() -> None:
        await shelf.publish("tiny", "1.0")
        async with served(shelf) as (app, address), httpx.AsyncClient(base_url=address) as client:
            for path, status in (
                ("/simple/tiny/", 200),
                ("/simple/no/", 404),
                ("/simple/tiny/", 200),
                ("/simple/TINY/", 301),
                ("/simple/", 200),
            ):
                assert (await client.get(path)).status_code == status
            assert app.asked == 2

    asyncio.run(run())


class SlowArtifacts(RevisedArtifacts):
    """A store whose answers are held back until somebody lets them go."""

    def __init__(self) -> None:
        super().__init__()
        self.looks = 0
        self.go = asyncio.Event()
        self.go.set()
        self.broken = False

    async def revision(self) -> int:
        self.looks += 1
        before = self.changes
        await self.go.wait()
        if self.broken:
            raise StoreError("The database is away")
        return before


async def looked(artifacts: SlowArtifacts, times: int) -> None:
    async with asyncio.timeout(PATIENCE):
        while artifacts.looks < times:
            await asyncio.sleep(0.005)


@asynccontextmanager
async def stale(
    tmp_path: Path, *, freshness: float = 3600
) -> AsyncIterator[tuple[Shelf, SlowArtifacts, Counted, str]]:
    """Give an index that has a page of which it cannot be sure before it has looked again."""
    artifacts = SlowArtifacts()
    shelf = Shelf(tmp_path / "blobs", artifacts)
    await shelf.publish("tiny", "1.0")
    async with served(shelf, freshness=freshness) as (app, address):
        app.index.invalidate()
        artifacts.looks = 0
        artifacts.go.clear()
        yield shelf, artifacts, app, address


async def asked_at_once(address: str, requests: Sequence[bytes]) -> list[bytes]:
    return await asyncio.gather(*(first_answer(address, request) for request in requests))


def test_who_asks_at_the_same_time_waits_for_one_look(tmp_path: Path) -> None:
    async def run() -> None:
        async with stale(tmp_path) as (_, artifacts, app, address):
            asking = asyncio.ensure_future(asked_at_once(address, PLAIN * 5))
            await looked(artifacts, 1)
            await turns()
            artifacts.go.set()
            assert all(b" 200 OK" in one or b" 304 " in one for one in await asking)
            assert (artifacts.looks, app.asked) == (1, 0)

    asyncio.run(run())


def test_a_look_from_before_a_change_is_not_enough_after_it(tmp_path: Path) -> None:
    async def run() -> None:
        async with stale(tmp_path) as (shelf, artifacts, app, address):
            before = asyncio.ensure_future(first_answer(address, PLAIN[1]))
            await looked(artifacts, 1)
            await shelf.publish("tiny", "2.0")
            app.index.invalidate()
            after = asyncio.ensure_future(first_answer(address, PLAIN[1]))
            await looked(artifacts, 2)
            artifacts.go.set()
            assert b"tiny-2.0" in await after
            await before
            assert b"tiny-2.0" in await first_answer(address, PLAIN[1])

    asyncio.run(run())


def test_a_look_that_ends_after_a_change_says_nothing_of_it(tmp_path: Path) -> None:
    async def run() -> None:
        async with stale(tmp_path) as (shelf, artifacts, app, address):
            before = asyncio.ensure_future(first_answer(address, PLAIN[1]))
            await looked(artifacts, 1)
            await shelf.publish("tiny", "2.0")
            app.index.invalidate()
            artifacts.go.set()
            await before
            assert b"tiny-2.0" in await first_answer(address, PLAIN[1])

    asyncio.run(run())


def test_a_store_that_is_away_is_a_503_for_all_who_wait(tmp_path: Path) -> None:
    async def run() -> None:
        async with stale(tmp_path) as (_, artifacts, _, address):
            asking = asyncio.ensure_future(asked_at_once(address, PLAIN[:2]))
            await looked(artifacts, 1)
            artifacts.broken = True
            artifacts.go.set()
            for answer in await asking:
                assert answer.startswith(b"HTTP/1.1 503")
                assert b"The database is away" in answer
            artifacts.broken = False
            assert b" 200 OK" in await first_answer(address, PLAIN[0])

    asyncio.run(run())


def test_who_leaves_while_the_store_is_asked_takes_nobodys_answer_along(tmp_path: Path) -> None:
    async def run() -> None:
        async with stale(tmp_path) as (_, artifacts, _, address):
            async with connected(address) as (_, writer):
                writer.write(PLAIN[0])
                await looked(artifacts, 1)
            asking = asyncio.ensure_future(first_answer(address, PLAIN[0]))
            await turns()
            artifacts.go.set()
            assert b" 200 OK" in await asking

    asyncio.run(run())


def test_what_comes_while_the_store_is_asked_is_answered_after_it(tmp_path: Path) -> None:
    async def run() -> None:
        async with stale(tmp_path) as (_, artifacts, _, address):
            said = asyncio.ensure_future(conversation(address, PLAIN[0], PLAIN[1]))
            await looked(artifacts, 1)
            await turns()
            artifacts.go.set()
            answer = await said
            assert heads(answer) == 3
            assert answer.index(b"text/html") < answer.index(JSON) < answer.index(b" 404 ")

    asyncio.run(run())


async def refused(address: str) -> None:
    """Wait until a server takes no more connections, which is the first thing that it does in its end."""
    url = httpx.URL(address)
    async with asyncio.timeout(PATIENCE):
        while True:
            try:
                _, writer = await asyncio.open_connection(url.host, url.port)
            except OSError:
                return
            writer.close()
            await turns(1)


def test_a_server_that_ends_answers_what_it_was_asked(tmp_path: Path) -> None:
    async def run() -> None:
        async with connected_to_an_end(tmp_path) as (reader, artifacts):
            artifacts.go.set()
            assert b" 200 OK" in await reader.readline()

    asyncio.run(run())


@asynccontextmanager
async def connected_to_an_end(
    tmp_path: Path,
) -> AsyncIterator[tuple[asyncio.StreamReader, SlowArtifacts]]:
    """Give a connection whose request is open when its server begins to end."""
    ended, begun = asyncio.Event(), asyncio.Event()
    kept: list[tuple[SlowArtifacts, str]] = []

    async def serve() -> None:
        async with stale(tmp_path) as (_, artifacts, _, address):
            kept.append((artifacts, address))
            begun.set()
            await ended.wait()

    serving = asyncio.ensure_future(serve())
    await begun.wait()
    artifacts, address = kept[0]
    async with connected(address) as (reader, writer):
        writer.write(PLAIN[0])
        await looked(artifacts, 1)
        ended.set()
        await refused(address)
        yield reader, artifacts
        await serving
