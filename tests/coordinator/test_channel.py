"""The way into the channel: what people bring, what commands built, all or none, once."""

import io
import zipfile
from pathlib import Path

import pytest

from index.channel import World, world
from store.things import offer
from wheelyard.coordinator.farm.actions import Action
from wheelyard.errors import (
    ConfigurationError,
    ConflictError,
    DigestMismatchError,
    InvalidArchiveError,
    StoreError,
)
from wheelyard.model.artifact import Artifact, Origin
from wheelyard.testing.conda_packages import conda_package

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def one(tmp_path: Path) -> World:
    return world(tmp_path)


async def archive(one: World, files: dict[str, bytes]) -> Artifact:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as opened:
        for name, data in files.items():
            opened.writestr(name, data)
    return Artifact(
        filename="feedstock-1.zip",
        digest=await one.blobs.add_bytes(content.getvalue()),
        size=len(content.getvalue()),
        release=offer().release,
        tags=frozenset(),
        origin=Origin.COMMAND,
        build_key="k1",
    )


def made(one: World, name: str = "liba", **more: object) -> bytes:
    return conda_package(one.folder / "x", name, **more).read_bytes()  # type: ignore[arg-type]


async def told(one: World) -> list[tuple[str, str, str]]:
    return [(line.action, line.subject, line.actor) for line in await one.events.read()]


async def test_what_a_command_left_enters_once(one: World) -> None:
    built = await archive(
        one,
        {
            "packages/noarch/liba-1.0-0.conda": made(one),
            "packages/linux-64/libb-1.0-0.tar.bz2": made(
                one, "libb", subdir="linux-64", suffix=".tar.bz2"
            ),
            "packages/noarch/repodata.json": b"{}",
            "packages/broken/libc-1.0-0.conda": b"its tests failed",
            "dist/source-1.0-0.tar.bz2": b"no package",
        },
    )
    for _ in range(2):
        taken = await one.door.take_archive(built, actor="campaigns")
        assert [package.place for package in taken] == [
            "noarch/liba-1.0-0.conda",
            "linux-64/libb-1.0-0.tar.bz2",
        ]
    kept = await one.packages()
    assert {(package.origin, package.build_key) for package in kept} == {(Origin.COMMAND, "k1")}
    assert [one.blobs.path(package.digest) is not None for package in kept] == [True, True]
    assert await told(one) == [
        (Action.PACKAGE_ADDED, "noarch/liba-1.0-0.conda", "campaigns"),
        (Action.PACKAGE_ADDED, "linux-64/libb-1.0-0.tar.bz2", "campaigns"),
    ]


async def test_an_archive_without_packages_changes_nothing(one: World) -> None:
    built = await archive(one, {"dist/tool": b"x"})
    assert await one.door.take_archive(built, actor="") == []
    assert (await one.channel.changes_since(-1)).revision == 0


@pytest.mark.parametrize("subdir", ["linux-64", "osx-arm64"])
async def test_a_package_in_the_wrong_folder_keeps_all_out(one: World, subdir: str) -> None:
    files = {
        "noarch/libb-1.0-0.conda": made(one, "libb"),
        f"{subdir}/liba-1.0-0.conda": made(one),
    }
    with pytest.raises(InvalidArchiveError, match="its subdir is 'noarch'"):
        await one.door.take_archive(await archive(one, files), actor="")
    assert await one.packages() == []


async def test_a_package_that_is_none_keeps_all_out(one: World) -> None:
    files = {"noarch/libb-1.0-0.conda": made(one, "libb"), "noarch/liba-1.0-0.conda": b"junk"}
    with pytest.raises(InvalidArchiveError):
        await one.door.take_archive(await archive(one, files), actor="")
    assert await one.packages() == []


async def test_a_name_that_stands_for_other_bytes_keeps_all_out(one: World) -> None:
    await one.add("liba")
    files = {
        "noarch/libb-1.0-0.conda": made(one, "libb"),
        "noarch/liba-1.0-0.conda": made(one, files={"other": b"x"}),
    }
    with pytest.raises(ConflictError, match=r"noarch/liba-1\.0-0\.conda already exists") as caught:
        await one.door.take_archive(await archive(one, files), actor="")
    assert "build number" in caught.value.hint
    assert [package.name for package in await one.packages()] == ["liba"]


async def test_one_name_with_two_contents_in_an_archive_is_refused(one: World) -> None:
    same = made(one)
    files = {"a/noarch/liba-1.0-0.conda": same, "b/noarch/liba-1.0-0.conda": same}
    assert len(await one.door.take_archive(await archive(one, files), actor="")) == 1
    files["b/noarch/liba-1.0-0.conda"] = made(one, files={"other": b"x"})
    with pytest.raises(InvalidArchiveError, match="twice, with different bytes"):
        await one.door.take_archive(await archive(one, files), actor="")


async def test_an_archive_that_is_gone_says_so(one: World) -> None:
    built = await archive(one, {"x": b""})
    await one.blobs.remove(built.digest)
    with pytest.raises(StoreError, match="not there any more"):
        await one.door.take_archive(built, actor="")


async def test_the_folder_of_a_file_says_what_it_is_for(one: World) -> None:
    path = conda_package(one.folder / "linux-64", "liba", subdir="noarch")
    with pytest.raises(InvalidArchiveError, match="its subdir is 'noarch'"):
        await one.door.take([path], actor="")
    other = conda_package(one.folder / "anywhere", "liba")
    await one.door.take([other], actor="")
    assert other.exists()


async def test_bytes_that_are_not_those_that_were_announced_are_refused(one: World) -> None:
    path = conda_package(one.folder, "liba")
    with pytest.raises(DigestMismatchError):
        await one.door.take([path], actor="", announced=f"sha256:{'0' * 64}")
    assert await one.packages() == []


async def test_a_name_in_several_subdirs_has_to_be_said_in_full(one: World) -> None:
    await one.add("liba")
    await one.add("liba", subdir="linux-64")
    with pytest.raises(ConfigurationError, match="is in linux-64 and in noarch"):
        await one.door.remove("liba-1.0-0.conda", "", actor="")
    assert await one.door.remove("linux-64/liba-1.0-0.conda", "bad", actor="ann")
    assert not await one.door.remove("win-64/liba-1.0-0.conda", "bad", actor="ann")
    assert not await one.door.remove("libz-1.0-0.conda", "bad", actor="ann")
    assert await one.door.remove("linux-64/liba-1.0-0.conda", None, actor="ann")
    assert (await told(one))[-2:] == [
        (Action.PACKAGE_REMOVED, "linux-64/liba-1.0-0.conda", "ann"),
        (Action.PACKAGE_RESTORED, "linux-64/liba-1.0-0.conda", "ann"),
    ]


async def test_nothing_is_left_of_what_was_looked_at(one: World) -> None:
    built = await archive(one, {"noarch/liba-1.0-0.conda": made(one)})
    await one.door.take_archive(built, actor="")
    assert [path.name for path in one.folder.iterdir() if path.name.startswith("channel-")] == []
