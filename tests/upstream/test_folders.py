"""Folders of this machine as sources."""

import asyncio
import os
from pathlib import Path

import pytest

from upstream.opener import FolderBlobs, Opener
from upstream.repositories import PYPROJECT, direct, fetch, folder, names
from wheelyard.errors import (
    ConfigurationError,
    DigestMismatchError,
    ExitCode,
    UpstreamError,
)
from wheelyard.model.source import SourceFacts

pytestmark = pytest.mark.usefixtures("own_git")


def test_same_tree_is_the_same_archive_wherever_and_whenever(
    tmp_path: Path, opened: Opener
) -> None:
    one, two = folder(tmp_path / "one"), folder(tmp_path / "two")
    os.utime(two / "pyproject.toml", (1, 1))
    (two / "pyproject.toml").chmod(0o600)
    first, second = direct(opened, str(one)), direct(opened, two.as_uri())
    assert first.source.digest == second.source.digest
    assert first.source.digest.startswith("tree:")
    assert first.source.archive == second.source.archive
    assert str(first.release) == "foo==1.0"
    assert first.metadata
    assert b"Requires-Dist: bar" in first.metadata
    (two / "src" / "foo" / "new.py").write_text("")
    assert direct(opened, str(two)).source.digest != first.source.digest


def test_leftovers_of_work_are_no_source(
    tmp_path: Path, opened: Opener, blobs: FolderBlobs
) -> None:
    root = folder(tmp_path / "foo")
    for name in (".git/x", "__pycache__/x", "foo.egg-info/x", "build/x", "dist/x", ".venv/x"):
        (root / name).parent.mkdir()
        (root / name).write_text("")
    for name in ("env/pyvenv.cfg", "src/foo/build/x", "src/foo/x.pyc"):
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text("")
    held = set(names(blobs, direct(opened, str(root)).source))
    assert held == {
        "source",
        "source/pyproject.toml",
        "source/src",
        "source/src/foo",
        "source/src/foo/__init__.py",
        "source/src/foo/build",
        "source/src/foo/build/x",
    }


def test_package_named_build_is_source(tmp_path: Path, opened: Opener, blobs: FolderBlobs) -> None:
    root = folder(tmp_path / "foo")
    (root / "build").mkdir()
    (root / "build" / "__init__.py").write_text("")
    assert "source/build/__init__.py" in names(blobs, direct(opened, str(root)).source)


def test_link_out_of_ones_own_folder_is_stored_as_its_file(
    tmp_path: Path, opened: Opener, blobs: FolderBlobs
) -> None:
    root = folder(tmp_path / "foo")
    (tmp_path / "README").write_text("shared")
    (root / "README").symlink_to("../README")
    (root / "inside").symlink_to("pyproject.toml")
    os.mkfifo(root / "pipe")
    held = names(blobs, direct(opened, str(root)).source)
    assert held["source/README"] == ""
    assert held["source/inside"] == "pyproject.toml"
    assert "source/pipe" not in held


def test_folder_that_changed_since_it_was_planned_is_refused(
    tmp_path: Path, opened: Opener, blobs: FolderBlobs
) -> None:
    root = folder(tmp_path / "foo")
    source = direct(opened, str(root)).source
    (root / "pyproject.toml").write_text(PYPROJECT.format("2.0"))
    assert fetch(opened, source) == source
    asyncio.run(blobs.remove(source.archive))
    with pytest.raises(DigestMismatchError, match=r"where tree:.* is wanted"):
        fetch(opened, source)


def test_folder_over_its_limit_is_refused(tmp_path: Path, opened: Opener) -> None:
    root = folder(tmp_path / "foo")
    (root / "large").write_bytes(b"x" * 10_000)
    with pytest.raises(UpstreamError, match="more than 5000 bytes"):
        direct(opened, str(root), file_bytes=5_000)


def test_path_that_is_not_there_says_so(opened: Opener) -> None:
    with pytest.raises(ConfigurationError, match="nowhere") as caught:
        direct(opened, "./nowhere")
    assert caught.value.exit_code == ExitCode.USAGE


def test_facts_of_a_fetched_source_need_nothing_more(tmp_path: Path, opened: Opener) -> None:
    root = folder(tmp_path / "foo")
    source = direct(opened, str(root)).source

    async def facts() -> SourceFacts:
        async with opened(offline=True) as upstream:
            return await upstream.facts(source)

    first = asyncio.run(facts())
    assert first.backend == "setuptools.build_meta:__legacy__"
    assert asyncio.run(facts()) == first
