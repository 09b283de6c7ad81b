"""Where sources may come from, how old they must be, and what is there without the network."""

import dataclasses
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from e2e.user import User
from upstream.web import Site
from wheelyard.testing.folder_index import write_index
from wheelyard.testing.sdists import SdistSpec, write_sdist, write_tree

BY_HAND = SdistSpec(name="by-hand", requires=("helper",))


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()
    yield site
    site.close()


def commit(folder: Path) -> str:
    """Make a git repository of a folder and return its commit."""
    identity = ("-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "init.defaultBranch=b")
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "first"]):
        subprocess.run(["git", *identity, *words], cwd=folder, check=True)
    return subprocess.check_output(["git", "rev-parse", "HEAD"], cwd=folder, text=True).strip()


@pytest.mark.parametrize("way", ["folder", "sdist", "git", "git at a commit", "named"])
def test_source_beside_the_index_is_built_with_what_it_needs(user: User, way: str) -> None:
    spec = dataclasses.replace(BY_HAND, body=f"WAY = {way!r}\n")
    user.upload(SdistSpec(name="helper"))
    tree = write_tree(spec, user.folder / "tree")
    address = tree.as_uri()
    match way:
        case "folder":
            reference = "./tree"
        case "sdist":
            reference = str(write_sdist(spec, user.folder / "own"))
        case "git":
            commit(tree)
            reference = f"git+{address}"
        case "git at a commit":
            reference = f"git+{address}@{commit(tree)}"
        case _:
            reference = f"by-hand @ {address}"
    ran = user.build(reference)
    assert ran.code == 0, ran.err
    assert ran.row("by-hand==1.0")["ending"] == "built"
    assert ran.row("by-hand==1.0")["requested"]
    assert ran.row("helper==1.0")["ending"] in {"built", "reused"}
    again = user.build(reference)
    assert again.code == 0
    assert again.started == []


def aged_index(user: User) -> str:
    """Write an index with an old, a new and a timeless release."""
    files, times = [], {}
    for version, time in (
        ("1.0", "2020-01-01T00:00:00Z"),
        ("2.0", "2026-01-01T00:00:00Z"),
        ("3.0", ""),
    ):
        spec = SdistSpec(name="aged", version=version)
        files.append(write_sdist(spec, user.folder / "files"))
        if time:
            times[files[-1].name] = time
    return write_index(user.folder / "index", files, uploaded=times).as_uri()


@pytest.mark.parametrize(
    ("options", "chosen"),
    [
        ((), "3.0"),
        (("--min-release-age", "1d"), "2.0"),
        (("--min-release-age", "1500d"), "1.0"),
        (("--exclude-newer", "2021-01-01", "--min-release-age", "1d"), "1.0"),
        (("-c", "limits.txt"), "2.0"),
    ],
)
def test_age_and_constraints_choose_the_release(
    user: User, options: tuple[str, ...], chosen: str
) -> None:
    (user.folder / "limits.txt").write_text("aged<3\n")
    ran = user.run("plan", *user.words("aged", *options, index=aged_index(user)))
    assert ran.code == 0, ran.err
    assert f"aged {chosen}" in ran.out


def test_release_that_is_too_young_is_named(user: User) -> None:
    index = aged_index(user)
    ran = user.run("plan", *user.words("aged==2.0", "--min-release-age", "36500d", index=index))
    assert ran.code == 1
    assert "--min-release-age" in ran.out


def test_build_that_breaks_with_newer_tools_is_tried_with_those_of_its_day(user: User) -> None:
    old = SdistSpec(name="buildtool", version="1.0")
    new = SdistSpec(name="buildtool", version="2.0", body="CHANGED = True\n")
    package = SdistSpec(
        name="dated",
        build_requires=("buildtool",),
        during_build="import buildtool; assert not hasattr(buildtool, 'CHANGED')",
    )
    files = [write_sdist(spec, user.folder / "files") for spec in (old, new, package)]
    times = dict(
        zip(
            [path.name for path in files],
            ["2020-01-01T00:00:00Z", "2026-06-01T00:00:00Z", "2021-01-01T00:00:00Z"],
            strict=True,
        )
    )
    index = write_index(user.folder / "index", files, uploaded=times).as_uri()
    ran = user.run("build", *user.words("dated", index=index))
    assert ran.code == 0, ran.err + ran.out
    assert "with build requirements as of 20" in ran.err
    assert "(tools of 20" in ran.out
    assert user.show("dated")["report"]["environment"] == ["buildtool==1.0"]


def test_offline_run_uses_what_an_online_one_fetched(newcomer: User, site: Site) -> None:
    user = newcomer
    spec = SdistSpec(name="cached")
    content = write_sdist(spec, user.folder / "files").read_bytes()
    site.put_files("cached", ("cached-1.0.tar.gz", content))
    index = f"{site.url}/simple/"
    never = user.build("cached", "--offline", index=index)
    assert never.code == 3
    assert "--offline" in never.err
    assert user.run("plan", *user.words("cached", index=index)).code == 0
    asked = len(site.asked)
    ran = user.build("cached", "--offline", "--output", "out", index=index)
    assert ran.code == 0, ran.err
    assert ran.started == ["cached==1.0"]
    assert len(site.asked) == asked


def test_first_index_that_has_a_project_is_the_only_one_asked(user: User) -> None:
    user.upload(SdistSpec(name="mine", version="1.0"))
    write_sdist(SdistSpec(name="mine", version="9.0"), user.folder / "other")
    write_sdist(SdistSpec(name="theirs"), user.folder / "other")
    ran = user.run("plan", *user.words("mine", "theirs"), "--index", user.folder / "other")
    assert ran.code == 0, ran.err
    assert "mine 1.0" in ran.out
    assert "theirs 1.0" in ran.out


def test_yanked_release_is_not_chosen_unless_it_is_named(user: User) -> None:
    specs = [SdistSpec(name="pulled", version=version) for version in ("1.0", "2.0")]
    files = [write_sdist(spec, user.folder / "files") for spec in specs]
    yanked = {"pulled-2.0.tar.gz": "broken"}
    index = write_index(user.folder / "index", files, yanked=yanked).as_uri()
    assert "pulled 1.0" in user.run("plan", *user.words("pulled", index=index)).out
    assert "pulled 2.0" in user.run("plan", *user.words("pulled==2.0", index=index)).out
