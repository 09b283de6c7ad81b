"""Files into the blobs: checked, once, and never in part."""

import asyncio
import hashlib
import os
from collections.abc import Coroutine
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from upstream.archives import sdist, sha256, wheel
from upstream.opener import FolderBlobs, Opener
from upstream.web import Reply, Site
from wheelyard.errors import (
    DigestMismatchError,
    InvalidArchiveError,
    InvalidNameError,
    NotUpstreamError,
    OfflineError,
    UpstreamError,
)
from wheelyard.model.artifact import Artifact, Origin
from wheelyard.model.source import FileEntry, Source, SourceKind

SDIST = sdist("foo", "1.0")
DIGEST = f"sha256:{sha256(SDIST)}"
PATH = "/files/foo-1.0.tar.gz"


def source(location: str, digest: str = "", size: int | None = None) -> Source:
    return Source(
        kind=SourceKind.SDIST,
        location=location,
        digest=digest,
        filename="foo-1.0.tar.gz",
        size=size,
    )


async def fetch(opened: Opener, wanted: Source, **changes: object) -> Source:
    async with opened(**changes) as upstream:
        return await upstream.fetch(wanted)


def run(work: Coroutine[Any, Any, Source]) -> Source:
    return asyncio.run(work)


def scratch_is_empty(opened: Opener) -> bool:
    return not list((opened.cache / "scratch").glob("*"))


def test_fetched_sdist_is_a_blob_under_its_digest(
    site: Site, opened: Opener, blobs: FolderBlobs
) -> None:
    fetched = run(fetch(opened, source(site.put(PATH, SDIST), DIGEST, len(SDIST))))
    assert fetched.digest == fetched.archive == DIGEST
    path = blobs.path(DIGEST)
    assert path
    assert path.read_bytes() == SDIST
    assert scratch_is_empty(opened)


def test_what_is_in_the_blobs_is_not_fetched_again(site: Site, opened: Opener) -> None:
    wanted = source(site.put(PATH, SDIST), DIGEST)
    run(fetch(opened, wanted))
    assert run(fetch(opened, wanted, offline=True)).archive == DIGEST
    assert site.count(PATH) == 1


@pytest.mark.parametrize("algorithm", ["", "md5", "sha512", "blake2b"])
def test_file_announced_without_sha256_is_checked_and_remembered(
    site: Site, opened: Opener, algorithm: str
) -> None:
    announced = f"{algorithm}:{hashlib.new(algorithm, SDIST).hexdigest()}" if algorithm else ""
    wanted = source(site.put(PATH, SDIST), announced)
    assert run(fetch(opened, wanted)).digest == DIGEST
    assert run(fetch(opened, wanted, offline=True)).digest == DIGEST
    assert site.count(PATH) == 1


@pytest.mark.parametrize(
    "announced", ["sha256:" + "0" * 64, "md5:" + "0" * 32, "sha512:" + "0" * 128]
)
def test_other_bytes_than_announced_are_refused(
    site: Site, opened: Opener, blobs: FolderBlobs, announced: str
) -> None:
    with pytest.raises(DigestMismatchError, match=r"foo-1\.0\.tar\.gz has"):
        run(fetch(opened, source(site.put(PATH, SDIST), announced)))
    assert blobs.digests() == []
    assert scratch_is_empty(opened)


def test_other_size_than_announced_is_refused(site: Site, opened: Opener) -> None:
    with pytest.raises(DigestMismatchError, match="bytes where 7 were announced"):
        run(fetch(opened, source(site.put(PATH, SDIST), size=7)))


def test_file_that_is_cut_short_is_fetched_again(site: Site, opened: Opener) -> None:
    site.script(PATH, Reply(SDIST, cut=20), Reply(SDIST))
    assert run(fetch(opened, source(site.url + PATH, DIGEST))).archive == DIGEST
    assert len(opened.delays) == 1


def test_file_over_its_limit_is_refused(site: Site, opened: Opener) -> None:
    with pytest.raises(UpstreamError, match="larger than 100 bytes"):
        run(fetch(opened, source(site.put(PATH, SDIST), DIGEST), file_bytes=100))
    assert scratch_is_empty(opened)


def test_file_that_was_removed_is_not_upstream(site: Site, opened: Opener) -> None:
    with pytest.raises(NotUpstreamError, match="is not there"):
        run(fetch(opened, source(site.url + "/files/gone.tar.gz")))


def test_offline_file_that_is_not_here_says_so(site: Site, opened: Opener) -> None:
    with pytest.raises(OfflineError, match="the network is off"):
        run(fetch(opened, source(site.put(PATH, SDIST), DIGEST), offline=True))


def test_local_sdist_stays_where_it_is(tmp_path: Path, opened: Opener) -> None:
    file = tmp_path / "foo-1.0.tar.gz"
    file.write_bytes(SDIST)
    assert run(fetch(opened, source(file.as_uri()), offline=True)).archive == DIGEST
    assert run(fetch(opened, source(str(file)))).archive == DIGEST
    assert file.read_bytes() == SDIST
    file.write_bytes(SDIST + b"\0")
    assert run(fetch(opened, source(str(file)))).archive != DIGEST
    with pytest.raises(NotUpstreamError):
        run(fetch(opened, source(str(tmp_path / "gone.tar.gz"))))


class ListingBlobs(FolderBlobs):
    """Blobs that say which files were brought to them."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.brought: list[str] = []

    async def add_file(self, path: Path, *, digest: str = "") -> str:
        added = await super().add_file(path, digest=digest)
        self.brought.append(added)
        return added


def test_local_sdist_that_did_not_change_is_read_once(tmp_path: Path) -> None:
    file = tmp_path / "foo-1.0.tar.gz"
    file.write_bytes(SDIST)
    blobs = ListingBlobs(tmp_path / "blobs")
    opened = Opener(tmp_path, blobs)
    opened.time = file.stat().st_ctime + 60

    for _ in range(2):
        assert run(fetch(opened, source(str(file)))).archive == DIGEST
    assert blobs.brought == [DIGEST]

    other = tmp_path / "other"
    other.write_bytes(SDIST[:-1] + b"!")
    os.utime(other, ns=(file.stat().st_atime_ns, file.stat().st_mtime_ns))
    other.replace(file)
    assert run(fetch(opened, source(str(file)))).archive != DIGEST


def test_local_sdist_that_is_gone_from_the_blobs_is_read_again(tmp_path: Path) -> None:
    file = tmp_path / "foo-1.0.tar.gz"
    file.write_bytes(SDIST)
    blobs = ListingBlobs(tmp_path / "blobs")
    opened = Opener(tmp_path, blobs)
    opened.time = file.stat().st_ctime + 60

    run(fetch(opened, source(str(file))))
    asyncio.run(blobs.remove(DIGEST))
    run(fetch(opened, source(str(file))))

    assert blobs.brought == [DIGEST, DIGEST]


def test_local_sdist_that_changed_just_now_is_not_taken_for_the_same(tmp_path: Path) -> None:
    """Until its file system counts on, it could change again and look as before."""
    file = tmp_path / "foo-1.0.tar.gz"
    file.write_bytes(SDIST)
    blobs = ListingBlobs(tmp_path / "blobs")
    opened = Opener(tmp_path, blobs)
    opened.time = file.stat().st_ctime + 1

    for _ in range(2):
        run(fetch(opened, source(str(file))))

    assert blobs.brought == [DIGEST, DIGEST]


def test_callers_at_the_same_time_share_one_download(site: Site, opened: Opener) -> None:
    wanted = source(site.put(PATH, SDIST), DIGEST)

    async def many() -> Source:
        async with opened() as upstream:
            found = await asyncio.gather(*(upstream.fetch(wanted) for _ in range(10)))
        return found[0]

    run(many())
    assert site.count(PATH) == 1


def wheel_entry(site: Site, name: str, content: bytes) -> FileEntry:
    url = site.put(f"/files/{name}", content)
    return FileEntry(filename=name, url=url, digest=f"sha256:{sha256(content)}")


async def fetch_wheel(opened: Opener, entry: FileEntry) -> Artifact:
    async with opened() as upstream:
        return await upstream.fetch_wheel(entry)


def test_fetched_wheel_says_what_its_metadata_says(
    site: Site, opened: Opener, blobs: FolderBlobs
) -> None:
    content = wheel(
        "foo", "1.0", "Requires-Python: >=3.8", "Requires-Dist: bar>1", "Requires-Dist: x"
    )
    entry = wheel_entry(site, "foo-1.0-cp37.cp38-abi3-manylinux1_x86_64.whl", content)
    artifact = asyncio.run(fetch_wheel(opened, replace(entry, yanked="bad")))
    assert artifact.origin is Origin.UPSTREAM
    assert str(artifact.release) == "foo==1.0"
    assert artifact.requires_python == ">=3.8"
    assert artifact.requires_dist == ("bar>1", "x")
    assert (artifact.size, artifact.yanked) == (len(content), "bad")
    assert {str(tag) for tag in artifact.tags} == {
        "cp37-abi3-manylinux1_x86_64",
        "cp38-abi3-manylinux1_x86_64",
    }
    assert b"Requires-Dist: bar>1" in asyncio.run(blobs.read(artifact.metadata_digest))


def test_a_wheel_is_opened_once_for_its_metadata(
    site: Site, opened: Opener, blobs: FolderBlobs
) -> None:
    entry = wheel_entry(site, "foo-1.0-py3-none-any.whl", wheel("foo", "1.0", "Requires-Dist: bar"))
    first = asyncio.run(fetch_wheel(opened, entry))
    kept = blobs.path(first.digest)
    assert kept is not None
    kept.chmod(0o600)
    kept.write_bytes(b"\0" * first.size)

    assert asyncio.run(fetch_wheel(opened, entry)) == first


def test_wheel_that_is_not_what_its_name_says_is_refused(site: Site, opened: Opener) -> None:
    entry = wheel_entry(site, "foo-2.0-py3-none-any.whl", wheel("foo", "1.0"))
    with pytest.raises(UpstreamError, match=r"is that of foo==1\.0, not of foo==2\.0"):
        asyncio.run(fetch_wheel(opened, entry))
    entry = wheel_entry(site, "foo-3.0-py3-none-any.whl", b"PK\x03\x04 no zip")
    with pytest.raises(InvalidArchiveError, match="not an archive"):
        asyncio.run(fetch_wheel(opened, entry))
    with pytest.raises(InvalidNameError, match="not the name of a wheel"):
        asyncio.run(fetch_wheel(opened, replace(entry, filename="foo.whl")))


def test_what_a_killed_process_left_is_cleared_away(site: Site, opened: Opener) -> None:
    old, new = opened.cache / "scratch" / "1-old", opened.cache / "scratch" / "2-new"
    for folder in (old, new):
        folder.mkdir(parents=True)
    os.utime(old, (1, 1))
    run(fetch(opened, source(site.put(PATH, SDIST), DIGEST)))
    assert new.exists()
    assert not old.exists()
