"""The exported folder: what readers find in it, when, and what an export costs."""

import asyncio
import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Collection, Iterator
from pathlib import Path
from urllib.parse import urldefrag

import pytest

from index.shelf import Shelf
from wheelyard.errors import StoreError
from wheelyard.index.export import ExportResult, export, export_wheels
from wheelyard.index.verify import Verification, read_links, verify
from wheelyard.model.release import Release

EXPORTING = Path(__file__).with_name("exporting.py")


def run_export(
    shelf: Shelf, output: Path, releases: Collection[Release] | None = None
) -> ExportResult:
    return asyncio.run(export(shelf.artifacts, shelf.blobs, output, releases))


def check(output: Path) -> Verification:
    return asyncio.run(verify(output))


def pages(output: Path) -> dict[str, int]:
    """Return when each page was written."""
    found = (output / "simple").rglob("index.*")
    return {str(path.relative_to(output)): path.stat().st_ino for path in found}


def dangling(output: Path) -> Iterator[str]:
    """Follow every link of every page that there is, whether the root page knows it or not."""
    root = output / "simple"
    for page in [root / "index.html", *root.glob("*/index.html")]:
        for link in read_links(page.read_bytes()):
            place = page.parent / urldefrag(link.attributes["href"]).url
            beside = place / "index.html" if page.parent == root else Path(f"{place}.metadata")
            if not (place.exists() and beside.exists()):
                yield str(place)


@pytest.fixture
def output(tmp_path: Path) -> Path:
    return tmp_path / "out"


def test_an_export_of_chosen_wheels_holds_those_alone_published_or_not(
    shelf: Shelf, output: Path
) -> None:
    shelf.put("tiny", "1.0")
    chosen = shelf.put("tiny", "2.0")
    shelf.artifacts = type(shelf.artifacts)()

    result = asyncio.run(export_wheels([chosen, chosen], shelf.blobs, output))

    assert result.files == 1
    assert check(output).files == 1
    assert "tiny-2.0" in (output / "simple" / "tiny" / "index.html").read_text()


def test_an_export_holds_what_is_published(shelf: Shelf, output: Path) -> None:
    shelf.put("tiny", "1.0")
    shelf.put("tiny", "1.1", requires_python=">=3.9")
    shelf.put("other", "2.0", yanked='not <good> & "bad"')
    result = run_export(shelf, output)
    assert (result.projects, result.files, result.left_out) == (("other", "tiny"), 3, ())
    assert result.index == output / "simple"
    assert check(output) == Verification(projects=2, files=3, findings=())


def test_nothing_published_makes_an_empty_index(shelf: Shelf, output: Path) -> None:
    run_export(shelf, output)
    assert check(output) == Verification(projects=0, files=0, findings=())


def test_wheels_are_links_to_the_stored_bytes(shelf: Shelf, output: Path) -> None:
    artifact = shelf.put("tiny", "1.0")
    run_export(shelf, output)
    stored = shelf.blobs.path(artifact.digest)
    (wheel,) = output.rglob("*.whl")
    assert stored is not None
    assert wheel.samefile(stored)


def test_a_blob_that_others_may_not_read_is_copied_so_that_they_may(
    shelf: Shelf, output: Path
) -> None:
    artifact = shelf.put("tiny", "1.0")
    stored = shelf.blobs.path(artifact.digest)
    assert stored is not None
    stored.chmod(0o400)
    run_export(shelf, output)
    (wheel,) = output.rglob("*.whl")
    assert wheel.stat().st_mode & 0o444 == 0o444
    assert stored.stat().st_mode & 0o777 == 0o400
    assert not check(output).findings


def test_damaged_bytes_are_not_copied_into_an_index(shelf: Shelf, output: Path) -> None:
    artifact = shelf.put("tiny", "1.0")
    stored = shelf.blobs.path(artifact.digest)
    assert stored is not None
    stored.write_bytes(b"x" * artifact.size)
    stored.chmod(0o400)
    with pytest.raises(StoreError, match="are damaged"):
        run_export(shelf, output)
    assert not list(output.rglob("*.whl"))


def test_a_second_export_writes_nothing(shelf: Shelf, output: Path) -> None:
    shelf.put("tiny", "1.0")
    run_export(shelf, output)
    before = pages(output)
    assert run_export(shelf, output).written == 0
    assert pages(output) == before


def test_publishing_one_artifact_rewrites_only_its_project(shelf: Shelf, output: Path) -> None:
    for number in range(30):
        shelf.put(f"project{number}", "1.0")
    run_export(shelf, output)
    before = pages(output)
    artifact = shelf.put("project7", "2.0")
    reads = shelf.artifacts.reads
    result = run_export(shelf, output, {artifact.release})
    after = pages(output)
    assert {path for path in after if after[path] != before.get(path)} == {
        "simple/project7/index.html",
        "simple/project7/index.json",
    }
    assert result.written == 4  # the wheel, its metadata, two pages
    assert shelf.artifacts.reads - reads == 1
    assert not check(output).findings


def test_a_new_project_rewrites_the_root_and_its_own_page(shelf: Shelf, output: Path) -> None:
    for number in range(10):
        shelf.put(f"project{number}", "1.0")
    run_export(shelf, output)
    artifact = shelf.put("newcomer", "1.0")
    assert run_export(shelf, output, {artifact.release}).written == 6
    assert not check(output).findings


def test_only_the_releases_asked_for_are_exported(shelf: Shelf, output: Path) -> None:
    shelf.put("tiny", "1.0")
    shelf.put("other", "1.0")
    run_export(shelf, output, {Release.of("tiny", "1.0"), Release.of("unknown", "1.0")})
    assert [path.name for path in output.rglob("*.whl")] == ["tiny-1.0-py3-none-any.whl"]


def test_an_export_adds_to_what_an_earlier_one_wrote(shelf: Shelf, output: Path) -> None:
    first = shelf.put("tiny", "1.0")
    second = shelf.put("tiny", "1.1")
    run_export(shelf, output, {first.release})
    run_export(shelf, output, {second.release})
    said = json.loads((output / "simple/tiny/index.json").read_bytes())
    assert said["versions"] == ["1.0", "1.1"]
    assert len(said["files"]) == 2
    assert not check(output).findings


def test_a_yank_reaches_an_exported_page(shelf: Shelf, output: Path) -> None:
    artifact = shelf.put("tiny", "1.0")
    run_export(shelf, output)
    shelf.yank(artifact, "broken")
    run_export(shelf, output)
    assert 'data-yanked="broken"' in (output / "simple/tiny/index.html").read_text()
    assert not check(output).findings


def test_published_bytes_never_change(shelf: Shelf, output: Path, tmp_path: Path) -> None:
    shelf.put("tiny", "1.0")
    run_export(shelf, output)
    before = pages(output)
    other = Shelf(tmp_path / "elsewhere", type(shelf.artifacts)())
    other.put("tiny", "1.0", body="# built again, elsewhere")
    result = run_export(other, output)
    assert [left_out.filename for left_out in result.left_out] == ["tiny-1.0-py3-none-any.whl"]
    assert pages(output) == before
    assert len(list(output.rglob("*.whl"))) == 1
    assert not check(output).findings


def test_an_artifact_without_bytes_is_left_out_and_named(shelf: Shelf, output: Path) -> None:
    shelf.put("tiny", "1.0")
    lost = shelf.put("lost", "1.0")
    asyncio.run(shelf.blobs.remove(lost.digest))
    result = run_export(shelf, output)
    assert result.projects == ("tiny",)
    assert [left_out.filename for left_out in result.left_out] == [lost.filename]
    assert not check(output).findings


def test_foreign_files_are_left_alone(shelf: Shelf, output: Path) -> None:
    foreign = {"README": "mine", "simple/robots.txt": "mine", "simple/theirs/index.html": "mine"}
    for name, text in foreign.items():
        (output / name).parent.mkdir(parents=True, exist_ok=True)
        (output / name).write_text(text)
    shelf.put("tiny", "1.0")
    run_export(shelf, output)
    assert {name: (output / name).read_text() for name in foreign} == foreign


@pytest.mark.parametrize("name", ["simple/index.html", "simple/tiny/index.html"])
def test_a_page_that_somebody_else_wrote_is_not_replaced(
    shelf: Shelf, output: Path, name: str
) -> None:
    (output / name).parent.mkdir(parents=True)
    (output / name).write_text("<html>mine</html>")
    shelf.put("tiny", "1.0")
    with pytest.raises(StoreError, match="is in the way"):
        run_export(shelf, output)
    assert (output / name).read_text() == "<html>mine</html>"


@pytest.mark.parametrize("name", ["simple/index.json", "simple/tiny/index.json"])
def test_a_damaged_json_page_is_an_error_not_a_loss(shelf: Shelf, output: Path, name: str) -> None:
    shelf.put("tiny", "1.0")
    run_export(shelf, output)
    (output / name).write_text("{")
    with pytest.raises(StoreError, match="is in the way"):
        run_export(shelf, output)


def test_a_file_in_the_place_of_the_folder_is_an_error(shelf: Shelf, output: Path) -> None:
    output.write_text("a file")
    with pytest.raises(StoreError, match="cannot be written to") as caught:
        run_export(shelf, output)
    assert "Choose a folder" in caught.value.hint


def test_leftovers_of_a_killed_export_are_swept(shelf: Shelf, output: Path) -> None:
    shelf.put("tiny", "1.0")
    run_export(shelf, output)
    leftover = output / ".wheelyard" / "unwritten" / "3"
    leftover.write_bytes(b"half a wh")
    run_export(shelf, output)
    assert not leftover.exists()


def bubblewrap(*options: str) -> list[str]:
    found = shutil.which("bwrap")
    command = [found or "", "--bind", "/", "/", "--dev-bind", "/dev", "/dev", *options]
    if found is None or subprocess.run([*command, "true"], check=False).returncode:
        pytest.skip("needs a working bubblewrap")
    return command


def export_elsewhere(
    command: list[str], shelf: Shelf, output: Path
) -> subprocess.CompletedProcess[str]:
    """Export two releases in a process of its own, whose view of the disk is another one."""
    return subprocess.run(
        [*command, sys.executable, str(EXPORTING), str(shelf.blobs.folder), str(output), "2", "0"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )


def test_a_full_disk_is_said_and_leaves_no_broken_link(shelf: Shelf, output: Path) -> None:
    output.mkdir()
    command = bubblewrap("--size", "8192", "--tmpfs", str(output))
    ended = export_elsewhere(command, shelf, output)
    assert "OutOfSpaceError: There is no space left for the index" in ended.stderr


def test_an_export_to_another_device_copies(shelf: Shelf, output: Path) -> None:
    output.mkdir()
    command = bubblewrap("--size", str(1 << 20), "--tmpfs", str(output))
    ended = export_elsewhere(command, shelf, output)
    assert ended.stdout.splitlines()[-1:] == ["0 findings"], ended.stderr


def test_a_folder_that_cannot_be_written_is_said(shelf: Shelf, output: Path) -> None:
    output.mkdir()
    ended = export_elsewhere(bubblewrap("--ro-bind", str(output), str(output)), shelf, output)
    assert "StoreError: The index cannot be written to" in ended.stderr
    assert os.strerror(errno.EROFS).lower() in ended.stderr


def test_wherever_an_export_is_killed_links_hold_and_the_next_one_completes_it(
    shelf: Shelf, output: Path, tmp_path: Path
) -> None:
    shelf.put("project0", "1.0")
    shelf.put("project1", "1.0")
    steps, killed = 0, True
    while killed:
        steps += 1
        place = output / str(steps)
        run_export(shelf, place, ())
        command = [sys.executable, str(EXPORTING), str(tmp_path / "blobs"), str(place)]
        killed = (
            subprocess.run(
                [*command, "2", str(steps)],
                check=False,
                stdout=subprocess.DEVNULL,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            ).returncode
            == -signal.SIGKILL
        )
        assert not list(dangling(place))
        run_export(shelf, place)
        assert check(place) == Verification(projects=2, files=2, findings=())
    assert steps == 10  # two wheels with metadata, two projects and the root in two forms


def test_two_exports_at_once_lose_nothing(shelf: Shelf, output: Path) -> None:
    artifacts = [shelf.put("tiny", f"1.{number}") for number in range(8)]
    threads = [
        threading.Thread(target=run_export, args=(shelf, output, {artifact.release}))
        for artifact in artifacts
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert check(output) == Verification(projects=1, files=8, findings=())


def test_a_reader_never_sees_a_link_to_nothing_though_exports_are_killed(
    shelf: Shelf, output: Path
) -> None:
    run_export(shelf, output)
    command = [sys.executable, str(EXPORTING), str(shelf.blobs.folder), str(output), "400", "0"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    for looks in (1, 7):
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, text=True, env=environment
        ) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "exporting\n"
            for _ in range(looks):
                assert not list(dangling(output))
            process.send_signal(signal.SIGKILL)
        assert not list(dangling(output))
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=environment)
    assert check(output) == Verification(projects=40, files=400, findings=())
