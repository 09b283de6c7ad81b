"""A wheel of another machine is what its bytes are, whatever its builder says."""

import asyncio
import hashlib
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from packaging.tags import Tag

from wheelyard.blobs.folder import FolderBlobs
from wheelyard.errors import DigestMismatchError, InvalidArchiveError, InvalidNameError
from wheelyard.executor.delivered import Delivered
from wheelyard.model.artifact import Artifact, Origin
from wheelyard.model.command import Command
from wheelyard.model.job import BuildKey, Offer
from wheelyard.model.release import Release
from wheelyard.model.source import Source, SourceKind
from wheelyard.targets.target import Target

Write = Callable[..., Path]
DEMO = Release.parse("demo==1.0")
OFFER = Offer(
    key=BuildKey("k"),
    release=DEMO,
    source=Source(kind=SourceKind.SDIST, location="demo-1.0.tar.gz", digest="sha256:s"),
    target=Target.parse("cp312-manylinux_2_28_x86_64"),
    requirements=(),
)


def said(wheel: Path, **lies: object) -> Artifact:
    """Return what a builder says of a wheel."""
    honest = Artifact(
        filename=wheel.name,
        digest=f"sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}",
        size=wheel.stat().st_size,
        release=DEMO,
        tags=frozenset({Tag("py3", "none", "any")}),
        origin=Origin.BUILT,
    )
    return replace(honest, **lies)  # type: ignore[arg-type]


def look(folder: Path, wheel: Path, artifact: Artifact, *, uploaded: bool = True) -> Artifact:
    async def work() -> Artifact:
        blobs = FolderBlobs(folder / "blobs", flush=False)
        if uploaded:
            await blobs.add_file(wheel)
        found = await Delivered(blobs=blobs, scratch=folder).inspect(artifact, OFFER)
        assert (await blobs.read(found.metadata_digest)).startswith(b"Metadata-Version")
        return found

    return asyncio.run(work())


def test_only_name_and_digest_are_taken_over(tmp_path: Path, write_wheel: Write) -> None:
    wheel = write_wheel(
        metadata="Metadata-Version: 2.1\nName: demo\nVersion: 1.0\nRequires-Python: >=3.8\n"
        "Requires-Dist: six\n"
    )
    lies = said(
        wheel,
        size=1,
        release=Release.parse("pip==99"),
        tags=frozenset({Tag("cp39", "cp39", "win32")}),
        origin=Origin.UPSTREAM,
        requires_python="<3",
        requires_dist=("evil",),
        metadata_digest="sha256:" + "0" * 64,
        build_key="another",
    )
    found = look(tmp_path, wheel, lies)

    assert (found.filename, found.digest) == (lies.filename, lies.digest)
    assert found.size == wheel.stat().st_size
    assert (found.release, found.origin, found.build_key) == (DEMO, Origin.BUILT, "k")
    assert (found.requires_python, found.requires_dist) == (">=3.8", ("six",))
    assert {str(tag) for tag in found.tags} == {"py3-none-any"}


@pytest.mark.parametrize(
    "name",
    [
        "../../index.html",
        "/etc/passwd",
        "demo-1.0-py3-none-any.whl\0.txt",
        "../demo-1.0-py3-none-any.whl",
        f"demo-1.0-{'x' * 300}-none-any.whl",
    ],
)
def test_a_name_that_is_none_is_refused(tmp_path: Path, write_wheel: Write, name: str) -> None:
    wheel = write_wheel()
    with pytest.raises(InvalidNameError):
        look(tmp_path, wheel, said(wheel, filename=name))
    assert not (tmp_path.parent / "index.html").exists()


@pytest.mark.parametrize(
    "name",
    ["other-1.0-py3-none-any.whl", "demo-2.0-py3-none-any.whl", "demo-1.0-cp39-cp39-win32.whl"],
)
def test_a_wheel_under_a_name_that_is_not_its_own_is_refused(
    tmp_path: Path, write_wheel: Write, name: str
) -> None:
    wheel = write_wheel()
    with pytest.raises(InvalidArchiveError):
        look(tmp_path, wheel, said(wheel, filename=name))


def test_bytes_that_did_not_come_are_an_error(tmp_path: Path, write_wheel: Write) -> None:
    wheel = write_wheel()
    with pytest.raises(DigestMismatchError, match="did not come"):
        look(tmp_path, wheel, said(wheel), uploaded=False)
    with pytest.raises(DigestMismatchError):
        look(tmp_path, wheel, said(wheel, digest="../../secret"), uploaded=False)


def test_what_is_no_archive_is_refused(tmp_path: Path, write_wheel: Write) -> None:
    wheel = write_wheel()
    wheel.write_bytes(wheel.read_bytes()[:-100])
    with pytest.raises(InvalidArchiveError):
        look(tmp_path, wheel, said(wheel))


COMMAND = replace(
    OFFER,
    target=Target.parse("py3-linux_x86_64"),
    command=Command(arguments=("make",), artifacts=("dist/*",), filename="demo-1.zip"),
)


def zipped(folder: Path, entry: str) -> Path:
    path = folder / "demo-1.zip"
    with zipfile.ZipFile(path, "w") as archive:
        info = zipfile.ZipInfo(entry)
        info.external_attr = 0o100644 << 16
        archive.writestr(info, "x")
    return path


def look_at_archive(folder: Path, archive: Path) -> Artifact:
    async def work() -> Artifact:
        blobs = FolderBlobs(folder / "blobs", flush=False)
        await blobs.add_file(archive)
        told = said(archive, size=1, tags=frozenset({Tag("py3", "none", "any")}))
        return await Delivered(blobs=blobs, scratch=folder).inspect(told, COMMAND)

    return asyncio.run(work())


def test_an_archive_of_a_command_is_looked_at_as_one(tmp_path: Path) -> None:
    archive = zipped(tmp_path, "dist/x")
    found = look_at_archive(tmp_path, archive)
    assert (found.origin, found.tags, found.metadata_digest) == (Origin.COMMAND, frozenset(), "")
    assert found.size == archive.stat().st_size


def test_an_archive_with_what_the_command_cannot_give_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidArchiveError, match="none of the patterns"):
        look_at_archive(tmp_path, zipped(tmp_path, "other/x"))
