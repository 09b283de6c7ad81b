"""Lock files that other installers read."""

import platform
import subprocess
import sys
import tomllib
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.pylock import Pylock, is_valid_pylock_path
from packaging.tags import Tag

from resolver.asking import LINUX, pins
from resolver.conftest import Resolve
from wheelyard.errors import InvalidPlanError
from wheelyard.model.release import ProjectName, Release
from wheelyard.model.resolution import Pin, Resolution
from wheelyard.model.source import Source, SourceKind
from wheelyard.plan.pylock import pylock_filename, pylock_text
from wheelyard.targets.markers import marker_environment
from wheelyard.targets.target import Target
from wheelyard.testing.upstream import MemoryUpstream
from wheelyard.upstream.uv_command import find_uv

DIGEST = "sha256:" + "0" * 64


def read(text: str) -> Pylock:
    return Pylock.from_dict(tomllib.loads(text))


def test_a_lock_holds_every_pin_with_its_files_and_digests(
    upstream: MemoryUpstream, resolve: Resolve
) -> None:
    uploaded = datetime(2024, 5, 6, 7, 8, 9, 10, tzinfo=UTC)
    upstream.add(
        "a==1.0", "b", requires_python=">=3.8", wheels=("py3-none-any",), uploaded=uploaded
    )
    upstream.add("b==2", uploaded=None)
    resolution = resolve("a")
    lock = read(pylock_text(resolution, LINUX))
    assert [f"{one.name}=={one.version}" for one in lock.packages] == pins(resolution)
    first, second = lock.packages
    source = resolution.pins[0].source
    assert source is not None
    assert first.sdist is not None
    assert first.wheels is not None
    assert dict(first.sdist.hashes) == {"sha256": source.digest.removeprefix("sha256:")}
    assert (first.sdist.url, first.sdist.size) == (source.location, source.size)
    assert first.sdist.upload_time == uploaded
    assert first.wheels[0].name == "a-1.0-py3-none-any.whl"
    assert first.dependencies == [{"name": "b"}]
    assert str(first.requires_python) == ">=3.8"
    assert (first.index, second.wheels) == (None, None)


@pytest.mark.parametrize(
    "text", ["cp312-manylinux_2_28_x86_64", "cp313t-win_amd64", "pp310-macosx_11_0_arm64"]
)
def test_a_lock_is_for_its_target_alone(
    upstream: MemoryUpstream, resolve: Resolve, text: str
) -> None:
    upstream.add("a==1")
    target = Target.parse(text)
    content = pylock_text(resolve("a", target=text), target)
    lock = read(content)
    assert lock.environments is not None
    own = marker_environment(target)
    assert lock.environments[0].evaluate(dict(own))
    assert not lock.environments[0].evaluate({**own, "python_version": "3.9"})
    assert is_valid_pylock_path(Path(pylock_filename(target)))


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        (
            Source(
                kind=SourceKind.GIT, location="https://x.invalid/a.git", digest="git:" + "1" * 40
            ),
            "vcs",
        ),
        (
            Source(kind=SourceKind.FOLDER, location="/src/a", digest="tree:1", subdirectory="b"),
            "directory",
        ),
        (Source(kind=SourceKind.SDIST, location="/src/a-1.tar.gz", digest=DIGEST), "archive"),
    ],
)
def test_a_direct_source_is_locked_as_what_it_is(source: Source, kind: str) -> None:
    pin = Pin(release=Release.parse("a==1"), source=source)
    package = read(pylock_text(Resolution(pins=(pin,), roots=()), LINUX)).packages[0]
    assert getattr(package, kind) is not None
    assert package.sdist is None


@pytest.mark.parametrize(
    ("index", "said"), [("https://x.invalid/simple/", True), ("/srv/x", False)]
)
def test_an_index_is_named_where_it_has_an_address(index: str, said: bool) -> None:
    source = Source(
        kind=SourceKind.SDIST,
        location="https://x.invalid/a-1.tar.gz",
        filename="a-1.tar.gz",
        digest=DIGEST,
        index=index,
    )
    pin = Pin(release=Release.parse("a==1"), source=source)
    package = read(pylock_text(Resolution(pins=(pin,), roots=()), LINUX)).packages[0]
    assert package.index == (index if said else None)


def test_a_release_without_a_digest_cannot_be_locked() -> None:
    source = Source(kind=SourceKind.SDIST, location="https://x.invalid/a", digest="", index="x")
    for pin in (
        Pin(release=Release.parse("a==1"), source=source),
        Pin(release=Release.parse("a==1"), source=replace(source, index="")),
        Pin(release=Release.parse("a==1"), source=None),
    ):
        with pytest.raises(InvalidPlanError, match="a==1 has no file with a digest"):
            pylock_text(Resolution(pins=(pin,), roots=()), LINUX)


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])))
def test_any_text_comes_back_as_it_was(text: str) -> None:
    source = Source(
        kind=SourceKind.SDIST,
        location="https://x.invalid/a",
        digest=DIGEST,
        index=text or "x",
        filename=text,
    )
    pin = Pin(release=Release.parse("a==1"), source=source)
    loaded = tomllib.loads(pylock_text(Resolution(pins=(pin,), roots=(ProjectName("a"),)), LINUX))
    assert loaded["packages"][0]["sdist"]["name"] == text


def test_uv_reads_a_lock(upstream: MemoryUpstream, resolve: Resolve, tmp_path: Path) -> None:
    here = f"cp3{sys.version_info.minor}-manylinux_2_17_{platform.machine()}"
    upstream.add("a==1", "b", wheels=("py3-none-any",))
    upstream.add("b==2", wheels=("py3-none-any",))
    lock = tmp_path / "pylock.toml"
    content = pylock_text(resolve("a", target=here), Target.parse(here))
    lock.write_text(content.replace("memory:/", "https://nowhere.invalid/"))
    done = subprocess.run(
        [
            *(find_uv(), "pip", "install", "--dry-run", "--no-config", "--offline"),
            *("--requirements", str(lock), "--target", str(tmp_path / "target")),
            *("--python", sys.executable, "--cache-dir", str(tmp_path / "cache")),
        ],
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert {"+ a==1", "+ b==2"} <= {line.strip() for line in done.stderr.splitlines()}


def test_packaging_selects_the_wheel_that_was_pinned(
    upstream: MemoryUpstream, resolve: Resolve
) -> None:
    upstream.add("a==1", wheels=("py3-none-any",))
    lock = read(pylock_text(resolve("a"), LINUX))
    environment = marker_environment(LINUX)
    ((_, chosen),) = lock.select(environment=environment, tags=[Tag("py3", "none", "any")])  # type: ignore[arg-type] # a TypedDict of the same keys
    assert getattr(chosen, "name", "") == "a-1-py3-none-any.whl"
