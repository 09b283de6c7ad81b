"""Files about files are read once, and memory has a bound."""

import asyncio

from index.shelf import Shelf
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


def test_large_files_are_not_kept(shelf: Shelf) -> None:
    async def run() -> None:
        digest = await shelf.blobs.add_bytes(b"x" * (300 << 10))
        files = SmallFiles(shelf.blobs)
        assert len(await files.read(digest)) == 300 << 10
        assert not files._kept

    asyncio.run(run())
