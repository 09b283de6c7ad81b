"""An archive that a builder sends is believed only as far as it can be checked."""

import stat
import zipfile
from pathlib import Path

import pytest

from wheelyard.errors import InvalidArchiveError
from wheelyard.executor.archive_check import check_archive
from wheelyard.executor.collecting import collect, write_archive
from wheelyard.model.command import Command
from wheelyard.model.job import Limits

NAME = "demo-7-0123456789ab.zip"
COMMAND = Command(arguments=("make",), artifacts=("dist",), filename=NAME)
PLAIN = (stat.S_IFREG | 0o644) << 16


def write(path: Path, *entries: tuple[str, bytes, int]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content, mode in entries:
            entry = zipfile.ZipInfo(name)
            entry.external_attr, entry.compress_type = mode, zipfile.ZIP_DEFLATED
            archive.writestr(entry, content)
    return path


def check(path: Path, name: str = NAME, limits: Limits | None = None) -> None:
    check_archive(path, name, command=COMMAND, limits=limits or Limits())


def test_what_an_honest_builder_makes_is_taken(tmp_path: Path) -> None:
    (tmp_path / "dist" / "deep").mkdir(parents=True)
    (tmp_path / "dist" / "deep" / "x").write_text("x")
    (tmp_path / "dist" / "run").write_text("x")
    (tmp_path / "dist" / "run").chmod(0o755)
    found = collect(tmp_path, COMMAND.artifacts, most_bytes=1 << 20)
    write_archive(found.files, tmp_path / NAME, epoch=0)
    check(tmp_path / NAME)


@pytest.mark.parametrize(
    ("entries", "reason"),
    [
        ([], "it is empty"),
        ([("dist/../../../etc/x", b"", PLAIN)], "leaves its place"),
        ([("/etc/x", b"", PLAIN)], "absolute path"),
        ([("dist\\x", b"", PLAIN)], "backslash"),
        ([("src/x", b"", PLAIN)], "matches none of the patterns"),
        ([("dist/x", b"/etc/passwd", (stat.S_IFLNK | 0o777) << 16)], "is no plain file"),
        ([("dist/x", b"", (stat.S_IFREG | 0o4755) << 16)], "is no plain file"),
        ([("dist/x/", b"", (stat.S_IFDIR | 0o755) << 16)], "is no plain file"),
        ([("dist/zeros", bytes(2 << 20), PLAIN)], "unpacks to more than"),
    ],
)
def test_what_no_command_could_have_given_is_refused(
    tmp_path: Path, entries: list[tuple[str, bytes, int]], reason: str
) -> None:
    archive = write(tmp_path / "x", *entries)
    with pytest.raises(InvalidArchiveError, match=reason):
        check(archive, limits=Limits(artifact_bytes=1 << 20))


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_name_that_is_in_it_twice_is_refused(tmp_path: Path) -> None:
    archive = write(tmp_path / "x", ("dist/x", b"1", PLAIN), ("dist/x", b"2", PLAIN))
    with pytest.raises(InvalidArchiveError, match="is in it twice"):
        check(archive)


@pytest.mark.parametrize("name", ["../x.zip", "other-7-0123456789ab.zip", ""])
def test_another_jobs_name_is_refused(tmp_path: Path, name: str) -> None:
    archive = write(tmp_path / "x", ("dist/x", b"1", PLAIN))
    with pytest.raises(InvalidArchiveError, match="the archive of this job is demo-7"):
        check(archive, name)


def test_damaged_bytes_are_refused(tmp_path: Path) -> None:
    archive = write(tmp_path / "x", ("dist/x", b"some text that is compressed" * 9, PLAIN))
    content = bytearray(archive.read_bytes())
    content[45] ^= 1
    archive.write_bytes(content)
    with pytest.raises(InvalidArchiveError, match="it is damaged"):
        check(archive)
    archive.write_bytes(bytes(content[:60]))
    with pytest.raises(InvalidArchiveError, match="it is damaged"):
        check(archive)
