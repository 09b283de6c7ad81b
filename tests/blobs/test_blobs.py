"""What all Blobs promise, in memory and in a folder."""

import hashlib
import stat
from pathlib import Path

import pytest

from wheelyard.blobs.folder import FolderBlobs
from wheelyard.errors import DigestMismatchError, StoreError
from wheelyard.ports import Blobs
from wheelyard.testing.blobs import MemoryBlobs

pytestmark = pytest.mark.anyio

AnyBlobs = MemoryBlobs | FolderBlobs
NOTHING = f"sha256:{hashlib.sha256(b'').hexdigest()}"
WRONG = f"sha256:{'0' * 64}"


async def test_it_is_what_the_port_asks_for(blobs: AnyBlobs) -> None:
    port: Blobs = blobs
    assert list(port.digests()) == []


@pytest.mark.parametrize("content", [b"", b"wheel", bytes(range(256)) * 9000])
async def test_bytes_come_back_under_their_digest(blobs: AnyBlobs, content: bytes) -> None:
    digest = await blobs.add_bytes(content)
    assert digest == f"sha256:{hashlib.sha256(content).hexdigest()}"
    assert await blobs.read(digest) == content
    path = blobs.path(digest)
    assert path is not None
    assert path.read_bytes() == content
    assert stat.S_IMODE(path.stat().st_mode) == 0o444


async def test_a_file_comes_back_under_its_digest(blobs: AnyBlobs, tmp_path: Path) -> None:
    path = tmp_path / "six.whl"
    path.write_bytes(b"wheel" * 500_000)
    digest = await blobs.add_file(path)
    assert digest == await blobs.add_bytes(b"wheel" * 500_000)
    assert await blobs.add_file(path, digest=digest) == digest


async def test_a_file_that_changes_later_does_not_change_what_is_stored(
    blobs: AnyBlobs, tmp_path: Path
) -> None:
    path = tmp_path / "six.whl"
    path.write_bytes(b"old")
    digest = await blobs.add_file(path)
    with path.open("r+b") as file:
        file.write(b"new")
    assert await blobs.read(digest) == b"old"


@pytest.mark.parametrize("known", [True, False])
async def test_a_file_that_is_not_what_was_announced_is_not_stored(
    blobs: AnyBlobs, tmp_path: Path, known: bool
) -> None:
    path = tmp_path / "six.whl"
    path.write_bytes(b"flipped")
    announced = await blobs.add_bytes(b"wheel") if known else WRONG
    before = list(blobs.digests())
    with pytest.raises(DigestMismatchError, match=r"six\.whl.*not 'sha256:") as raised:
        await blobs.add_file(path, digest=announced)
    assert "again" in raised.value.hint
    assert list(blobs.digests()) == before


async def test_what_is_not_there_is_none_or_said(blobs: AnyBlobs) -> None:
    assert blobs.path(WRONG) is None
    with pytest.raises(StoreError, match="is not there"):
        await blobs.read(WRONG)
    await blobs.remove(WRONG)


async def test_what_is_stored_is_listed_in_order_until_it_is_removed(blobs: AnyBlobs) -> None:
    digests = sorted([await blobs.add_bytes(b"one"), await blobs.add_bytes(b"two"), NOTHING])
    await blobs.add_bytes(b"")
    assert list(blobs.digests()) == digests
    await blobs.remove(digests[1])
    assert list(blobs.digests()) == [digests[0], digests[2]]
    with pytest.raises(StoreError):
        await blobs.read(digests[1])


@pytest.mark.parametrize(
    "digest", ["", "sha256:", "sha256:../../etc/passwd", f"md5:{'0' * 64}", WRONG + "\n", "A" * 64]
)
async def test_a_name_that_is_no_digest_is_refused(blobs: AnyBlobs, digest: str) -> None:
    with pytest.raises(StoreError, match="does not name a blob"):
        blobs.path(digest)
    with pytest.raises(StoreError, match="does not name a blob"):
        await blobs.read(digest)
