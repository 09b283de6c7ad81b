"""``wheelyard index conda``, and what looks after its packages."""

import json
from pathlib import Path
from typing import Any

import pytest

from wheelyard.cli.main import execute
from wheelyard.testing.conda_packages import conda_package


class Folder:
    """A state folder, and what commands on it say."""

    def __init__(self, state: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.state = state
        self.err = ""
        self.code = 0
        self._capsys = capsys

    def run(self, *words: str | Path) -> str:
        """Run a command; return what it printed."""
        self.code = execute([*map(str, words), "--state", str(self.state)])
        said = self._capsys.readouterr()
        self.err = said.err
        return said.out

    def listed(self) -> list[dict[str, Any]]:
        """Return what is in the channel."""
        found: list[dict[str, Any]] = json.loads(self.run("index", "conda", "list", "--json"))
        return found


@pytest.fixture
def folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Folder:
    return Folder(tmp_path / "state", capsys)


def test_no_collection_takes_a_package_and_a_check_finds_what_is_lost(
    folder: Folder, tmp_path: Path
) -> None:
    paths = [conda_package(tmp_path / "noarch", name) for name in ("liba", "libb")]
    added = folder.run("index", "conda", "add", *paths)
    assert added.split() == ["noarch/liba-1.0-0.conda", "noarch/libb-1.0-0.conda"]
    assert "was there already" in folder.run("index", "conda", "add", paths[0])
    folder.run("index", "yank", "libb-1.0-0.conda", "--reason", "bad")
    assert [one["removed"] for one in folder.listed()] == [None, "bad"]
    assert "(removed)" in folder.run("index", "conda", "list")
    folder.run("state", "clean", "--unused", "0s", "--logs", "0s", "--evidence", "0s")
    folder.run("state", "check")
    assert folder.code == 0
    assert "conda packages" in folder.run("state", "show")

    digest = folder.listed()[0]["digest"].removeprefix("sha256:")
    blob = folder.state / "blobs" / "sha256" / digest[:2] / digest[2:]
    blob.chmod(0o644)
    blob.write_bytes(blob.read_bytes()[:-1] + b"x")
    said = folder.run("state", "check")
    assert folder.code == 4
    assert "noarch/liba-1.0-0.conda: its conda package" in said + folder.err
    assert [one["package"] for one in folder.listed()] == ["noarch/libb-1.0-0.conda"]
    folder.run("index", "conda", "add", paths[0])
    folder.run("state", "check")
    assert folder.code == 0


def test_a_lost_package_is_told_even_where_its_bytes_are_gone(
    folder: Folder, tmp_path: Path
) -> None:
    folder.run("index", "conda", "add", conda_package(tmp_path, "liba"))
    digest = folder.listed()[0]["digest"].removeprefix("sha256:")
    (folder.state / "blobs" / "sha256" / digest[:2] / digest[2:]).unlink()
    folder.run("state", "check")
    assert folder.code == 4
    assert folder.listed() == []


def test_bad_packages_are_refused_in_words(folder: Folder, tmp_path: Path) -> None:
    good = conda_package(tmp_path / "good", "liba")
    junk = tmp_path / "libb-1.0-0.conda"
    junk.write_bytes(b"junk")
    for words, code, message in (
        ((good, junk), 1, "libb-1.0-0.conda cannot be read"),
        ((tmp_path / "nothing",), 2, "there is no file"),
        ((tmp_path,), 2, "there is no file"),
        ((Path(__file__),), 2, "cannot name a conda package"),
    ):
        assert folder.run("index", "conda", "add", *words) == ""
        assert folder.code == code
        assert message in folder.err
    assert folder.listed() == []
    folder.run("index", "conda", "add", good)
    folder.run("index", "conda", "add", conda_package(tmp_path / "o", "liba", files={"x": b"x"}))
    assert folder.code == 4
    assert "raise the build number" in folder.err
    folder.run("index", "yank", "libz-1.0-0.conda")
    assert folder.code == 2


def test_an_export_has_the_channel_where_there_is_one(folder: Folder, tmp_path: Path) -> None:
    out = tmp_path / "out"
    folder.run("index", "export", out)
    assert not (out / "conda").exists()
    folder.run("index", "conda", "add", conda_package(tmp_path, "liba"))
    assert folder.run("index", "export", out).splitlines() == [str(out / "simple")]
    assert f"--channel {(out / 'conda').as_uri()}" in folder.err
    assert (out / "conda" / "noarch" / "liba-1.0-0.conda").is_file()
