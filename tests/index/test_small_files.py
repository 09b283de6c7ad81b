"""Files about files are read once, and memory has a bound."""

import asyncio

import httpx

from index.shelf import Shelf
from wheelyard.index.server import IndexServer
from wheelyard.index.serving import running
from wheelyard.index.small_files import SmallFiles


def test_what_was_read_is_at_hand_and_the_oldest_is_forgotten(shelf: Shelf) -> None:
    async def run() -> None:
        digests = [await shelf.blobs.add_bytes(bytes([n]) * 100) for n in range(3)]
        files = SmallFiles(shelf.blobs, most=250)
        first = [await files.read(digest) for digest in digests[:2]]
        await files.read(digests[0])
        await files.read(digests[2])
        for digest in digests:
            await shelf.blobs.remove(digest)
        assert await files.read(digests[0]) == first[0]
        assert await files.read(digests[2]) == bytes([2]) * 100
        assert set(files._kept) == {digests[0], digests[2]}

    asyncio.run(run())


def test_metadata_comes_with_the_same_answer_from_memory(shelf: Shelf) -> None:
    async def run() -> None:
        tiny = await shelf.publish("tiny", "1.0")
        server = IndexServer(artifacts=shelf.artifacts, blobs=shelf.blobs, freshness=60)
        async with running(server) as address, httpx.AsyncClient(base_url=address) as asked:
            await asked.get("/simple/tiny/")
            path = f"/files/{tiny.digest[7:]}/{tiny.filename}.metadata"
            answers = [await asked.get(path) for _ in range(2)]
            assert len({answer.content for answer in answers}) == 1
            first, second = ({**answer.headers, "date": ""} for answer in answers)
            assert first == second
            known = {"If-None-Match": first["etag"]}
            again = await asked.get(path, headers=known)
            assert (again.status_code, again.content) == (304, b"")
            part = await asked.get(path, headers={"Range": "bytes=0-3"})
            assert (part.status_code, part.content) == (206, answers[0].content[:4])
            assert (await asked.get(path.replace("tiny-", "tin-"))).status_code == 404
            assert (await asked.head(path)).headers["etag"] == first["etag"]

    asyncio.run(run())


def test_large_files_are_not_kept(shelf: Shelf) -> None:
    async def run() -> None:
        digest = await shelf.blobs.add_bytes(b"x" * (300 << 10))
        files = SmallFiles(shelf.blobs)
        assert len(await files.read(digest)) == 300 << 10
        assert not files._kept

    asyncio.run(run())
