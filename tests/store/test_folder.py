"""The state folder: made where there is none, and refused where it cannot be used."""

import socket
import stat
from pathlib import Path

import pytest

from store.processes import confined
from store.things import offer
from wheelyard.errors import ConfigurationError, ExitCode, StoreError, WheelyardError
from wheelyard.store.folder import FOLDERS, MARKER, StateFolder

pytestmark = pytest.mark.anyio


async def opened(path: Path) -> StateFolder:
    folder = await StateFolder.open(path)
    await folder.close()
    return folder


def names(path: Path) -> list[str]:
    return sorted(entry.name for entry in path.iterdir())


async def test_a_folder_is_made_with_all_its_places_for_its_user_alone(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "state"
    folder = await opened(path)
    assert {entry.name for entry in path.iterdir()} >= {*FOLDERS, MARKER, "state.sqlite"}
    for place in (path, *map(folder.place, FOLDERS)):
        assert stat.S_IMODE(place.stat().st_mode) == 0o700


async def test_a_folder_is_found_again(tmp_path: Path) -> None:
    async with await StateFolder.open(tmp_path) as folder:
        await folder.memory.keep("kind", "key", b"value")
    async with await StateFolder.open(tmp_path) as folder:
        assert await folder.memory.recall("kind", "key") == b"value"


async def test_a_relative_path_means_the_folder_of_that_moment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = await opened(Path("state"))
    assert folder.path == tmp_path / "state"


async def test_only_the_places_of_a_folder_have_names(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no part"):
        (await opened(tmp_path)).place("elsewhere")


async def test_a_file_is_no_folder(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.touch()
    with pytest.raises(StoreError, match="is not a folder") as raised:
        await StateFolder.open(path)
    assert str(path) in raised.value.message
    assert "--state" in raised.value.hint
    assert raised.value.exit_code is ExitCode.STATE


async def test_a_folder_under_a_file_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="cannot be used"):
        await StateFolder.open(tmp_path / "file" / "state")


async def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(StoreError, match=r"holds 'thesis.tex'"):
        await StateFolder.open(tmp_path)
    assert names(tmp_path) == ["thesis.tex"]


async def test_a_fresh_file_system_is_a_folder_like_any_other(tmp_path: Path) -> None:
    (tmp_path / "lost+found").mkdir()
    await opened(tmp_path)


async def test_a_folder_of_a_newer_wheelyard_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / MARKER).write_text("2\n")
    with pytest.raises(StoreError, match="newer wheelyard") as raised:
        await StateFolder.open(tmp_path)
    assert "Install" in raised.value.hint
    assert names(tmp_path) == [MARKER]


@pytest.mark.parametrize("text", [b"", b"one", b"\xff\xfe"])
async def test_a_marker_that_cannot_be_read_is_said(tmp_path: Path, text: bytes) -> None:
    (tmp_path / MARKER).write_bytes(text)
    with pytest.raises(StoreError, match="does not name a format"):
        await StateFolder.open(tmp_path)


async def test_a_creation_that_was_cut_off_is_gone_on_with(tmp_path: Path) -> None:
    await opened(tmp_path)
    (tmp_path / MARKER).unlink()
    (tmp_path / f".{MARKER}-12345678").touch()
    await opened(tmp_path)


async def test_a_builder_is_called_by_its_host_and_run(tmp_path: Path) -> None:
    async with await StateFolder.open(tmp_path) as one, await StateFolder.open(tmp_path) as other:
        first, second = await one.builder(), await other.builder()
        assert first == await one.builder()
        assert first != second
        assert first.startswith(f"{socket.gethostname()}-")


async def test_a_lease_of_another_host_without_a_lock_here_is_left_to_its_time(
    tmp_path: Path,
) -> None:
    async with await StateFolder.open(tmp_path) as folder:
        assert await folder.jobs.lease(offer("k1"), "elsewhere-12345678", seconds=60)
        here = f"{socket.gethostname()}-12345678"
        assert await folder.jobs.lease(offer("k2"), here, seconds=60)
        assert await folder.dead_owners() == [here]
        assert await folder.recover() == 1


def test_a_full_disk_is_said(tmp_path: Path) -> None:
    fill = """
(path / "filler").write_bytes(bytes(1 << 20))
try:
    with (path / "filler").open("ab") as file:
        while True:
            file.write(bytes(512))
            file.flush()
except OSError:
    pass
await StateFolder.open(path / "state")
"""
    said = confined(fill, tmp_path, "--size", "2000000", "--tmpfs", str(tmp_path))
    assert said.startswith("OutOfSpaceError")
    assert "Make room" in said


def test_a_disk_that_fills_later_loses_nothing_and_is_said(tmp_path: Path) -> None:
    fill = """
async with await StateFolder.open(path / "state") as folder:
    try:
        for number in range(10**6):
            await folder.memory.keep("number", str(number), bytes(10_000))
    except OutOfSpaceError as error:
        say(error.message, "|", error.hint)
    assert await folder.memory.recall("number", str(number - 1)) == bytes(10_000)
    assert await folder.memory.recall("number", str(number)) is None
"""
    said = confined(fill, tmp_path, "--size", "4000000", "--tmpfs", str(tmp_path))
    assert said.startswith("no space is left for the database")


def test_a_folder_that_is_not_writable_is_said(tmp_path: Path) -> None:
    said = confined("await StateFolder.open(path)", tmp_path / "state")
    assert said.startswith("StoreError")
    assert "is not writable" in said


async def test_a_made_folder_that_became_read_only_is_said(tmp_path: Path) -> None:
    await opened(tmp_path)
    said = confined("await StateFolder.open(path)", tmp_path)
    assert said.startswith("StoreError")
    assert "--state" in said


@pytest.mark.parametrize(
    ("address", "error", "said"),
    [
        ("mysql://me:5ecret@127.0.0.1/farm", ConfigurationError, "mysql:// is no address"),
        ("postgresql://127.0.0.1:9/farm", StoreError, "does not answer"),
    ],
)
async def test_a_database_that_cannot_be_had_leaves_the_folder_to_its_own(
    tmp_path: Path, address: str, error: type[WheelyardError], said: str
) -> None:
    with pytest.raises(error, match=said) as raised:
        await StateFolder.open(tmp_path / "state", database=address, patience=0.1)
    assert "5ecret" not in raised.value.message
    async with await StateFolder.open(tmp_path / "state") as folder:
        assert await folder.jobs.jobs() == []
