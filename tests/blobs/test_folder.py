"""Blobs in a folder: whole or absent, whoever writes, whatever happens on the way."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from store.processes import SOURCES, confined
from wheelyard.blobs.folder import FolderBlobs
from wheelyard.errors import StoreError

pytestmark = pytest.mark.anyio

SAME = bytes(range(256)) * 20_000

KILLED = """
import asyncio, sys
from pathlib import Path
from wheelyard.blobs.folder import FolderBlobs
async def main():
    blobs = FolderBlobs(Path(sys.argv[1]))
    for number in range(10**9):
        print(await blobs.add_bytes(b"%d" % number * 100_000), flush=True)
asyncio.run(main())
"""


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


async def test_a_blob_lies_where_its_digest_says(folder: FolderBlobs, tmp_path: Path) -> None:
    digest = (await folder.add_bytes(b"wheel")).removeprefix("sha256:")
    assert files(tmp_path) == [tmp_path / "blobs" / "sha256" / digest[:2] / digest[2:]]


async def test_writers_of_the_same_content_do_not_disturb_each_other(
    folder: FolderBlobs, tmp_path: Path
) -> None:
    path = tmp_path / "same"
    path.write_bytes(SAME)
    others = [FolderBlobs(tmp_path / "blobs") for _ in range(4)]
    writes = [blobs.add_bytes(SAME) for blobs in others] + [b.add_file(path) for b in others]
    assert len(set(await asyncio.gather(*writes))) == 1
    assert len(files(tmp_path / "blobs")) == 1
    assert await folder.scrub() == []


async def test_a_killed_writer_leaves_nothing_that_is_visible(
    folder: FolderBlobs, tmp_path: Path
) -> None:
    words = [sys.executable, "-c", KILLED, str(tmp_path / "blobs")]
    environment = {"PYTHONPATH": str(SOURCES)}
    for _ in range(3):
        writer = await asyncio.create_subprocess_exec(
            *words, env=environment, stdout=subprocess.PIPE
        )
        assert writer.stdout is not None
        told = [(await writer.stdout.readline()).decode().strip() for _ in range(5)]
        writer.kill()
        await writer.communicate()
        assert await folder.scrub() == []
        assert set(told) <= set(folder.digests())
    await folder.sweep_temporary(older_than=0)
    assert len(files(tmp_path / "blobs")) == len(folder.digests())


async def test_what_is_being_written_is_not_swept(folder: FolderBlobs, tmp_path: Path) -> None:
    left = tmp_path / "blobs" / "temporary" / "left"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"half")
    # As a file that was linked: its content is old, its name is not.
    os.utime(left, (0, 0))
    assert await folder.sweep_temporary() == 0
    assert await folder.sweep_temporary(older_than=0) == 1
    assert await folder.sweep_temporary(older_than=0) == 0
    assert not left.exists()


async def test_half_a_file_is_not_a_blob(folder: FolderBlobs, tmp_path: Path) -> None:
    await folder.add_bytes(b"wheel")
    (tmp_path / "blobs" / "temporary" / ("0" * 64)).write_bytes(b"half")
    (tmp_path / "blobs" / "sha256" / "ab").mkdir()
    (tmp_path / "blobs" / "sha256" / "ab" / "notes.txt").write_bytes(b"not ours")
    assert len(folder.digests()) == 1


async def test_a_scrub_lists_what_is_no_longer_what_it_was(folder: FolderBlobs) -> None:
    good, flipped, short = [await folder.add_bytes(content) for content in (b"1", b"22", b"333")]
    for digest, content in ((flipped, b"23"), (short, b"33")):
        path = folder.path(digest)
        assert path is not None
        path.chmod(0o644)
        path.write_bytes(content)
    assert await folder.scrub() == sorted([flipped, short])
    for digest in (flipped, short):
        await folder.remove(digest)
    assert await folder.add_bytes(b"22") == flipped
    assert await folder.scrub() == []
    assert sorted(folder.digests()) == sorted([good, flipped])


async def test_a_file_of_our_own_is_linked_and_one_of_others_is_copied(tmp_path: Path) -> None:
    blobs = FolderBlobs(tmp_path / "state" / "blobs", own=tmp_path / "state")
    (tmp_path / "state").mkdir()
    own, other = tmp_path / "state" / "own.whl", tmp_path / "other.whl"
    own.write_bytes(b"own")
    other.write_bytes(b"other")
    link, copy = blobs.path(await blobs.add_file(own)), blobs.path(await blobs.add_file(other))
    assert link is not None
    assert copy is not None
    assert link.samefile(own)
    assert not copy.samefile(other)
    assert os.access(other, os.W_OK)
    assert len(files(tmp_path / "state" / "blobs")) == 2
    assert blobs.path(await blobs.add_file(own)) == link


async def test_a_symbolic_link_to_another_place_is_copied(tmp_path: Path) -> None:
    blobs = FolderBlobs(tmp_path / "state" / "blobs", own=tmp_path / "state")
    (tmp_path / "state").mkdir()
    (tmp_path / "other.whl").write_bytes(b"other")
    (tmp_path / "state" / "own.whl").symlink_to(tmp_path / "other.whl")
    path = blobs.path(await blobs.add_file(tmp_path / "state" / "own.whl"))
    assert path is not None
    assert not path.is_symlink()
    assert not path.samefile(tmp_path / "other.whl")


async def test_a_file_that_is_not_there_is_said(folder: FolderBlobs, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="No such file"):
        await folder.add_file(tmp_path / "missing.whl")
    assert files(tmp_path) == []


async def test_blobs_without_a_flush_are_kept_too(tmp_path: Path) -> None:
    blobs = FolderBlobs(tmp_path, flush=False)
    assert await blobs.read(await blobs.add_bytes(b"wheel")) == b"wheel"


def test_a_full_disk_is_said_and_leaves_nothing_behind(tmp_path: Path) -> None:
    fill = """
blobs = FolderBlobs(path)
kept = await blobs.add_bytes(b"kept")
try:
    await blobs.add_bytes(bytes(8 << 20))
except OutOfSpaceError as error:
    say(error.message, "|", error.hint)
assert list(blobs.digests()) == [kept]
assert list((path / "temporary").iterdir()) == []
"""
    said = confined(fill, tmp_path, "--size", "1000000", "--tmpfs", str(tmp_path))
    assert said.startswith("no space is left for blobs")


def test_a_folder_that_is_not_writable_is_said(tmp_path: Path) -> None:
    said = confined("await FolderBlobs(path).add_bytes(b'wheel')", tmp_path)
    assert said.startswith("StoreError")
    assert "Read-only" in said
