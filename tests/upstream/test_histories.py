"""Revisions of git repositories: what they may be called, and their numbers along first parents."""

import asyncio
from pathlib import Path

import pytest

from upstream.opener import Opener
from upstream.repositories import git
from wheelyard.errors import (
    ConfigurationError,
    InvalidNameError,
    NotUpstreamError,
    OfflineError,
    UpstreamError,
    WheelyardError,
)
from wheelyard.model.command import Revision
from wheelyard.upstream.keeper import CacheKeeper

pytestmark = pytest.mark.usefixtures("own_git")


def commit(folder: Path, *messages: str) -> str:
    for message in messages:
        git(folder, "commit", "--quiet", "--allow-empty", "-m", message)
    return git(folder, "rev-parse", "HEAD")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """1 - 2 - 3 - 5, where 5 merges a side branch whose commit is 3 on its own line; tag v1 on 2."""
    folder = tmp_path / "some project.git"
    folder.mkdir()
    git(folder, "init", "--quiet")
    (folder / "wheelyard-job.toml").write_text('name = "kept"\n')
    git(folder, "add", ".")
    commit(folder, "1", "2")
    git(folder, "tag", "-a", "v1", "-m", "annotated")
    git(folder, "checkout", "--quiet", "-b", "side")
    commit(folder, "side 3")
    git(folder, "checkout", "--quiet", "main")
    commit(folder, "3")
    git(folder, "merge", "--quiet", "--no-ff", "side", "-m", "4, a merge")
    return folder


def find(
    opened: Opener, repository: Path | str, asked: str = "", tolerance: int = 0, **more: object
) -> Revision:
    async def look() -> Revision:
        async with opened(**more) as upstream:
            address = await upstream.repositories.address(str(repository))
            return await upstream.repositories.revision(address, asked, tolerance)

    return asyncio.run(look())


def file_at(opened: Opener, repository: Path, commit: str, name: str) -> str | None:
    async def look() -> str | None:
        async with opened() as upstream:
            address = await upstream.repositories.address(str(repository))
            return await upstream.repositories.file_at(address, commit, name)

    return asyncio.run(look())


@pytest.mark.parametrize(
    ("asked", "means", "number"),
    [
        ("", "main", 4),
        ("main", "main", 4),
        ("side", "side", 3),
        ("v1", "main~2", 2),
        ("1", "main~3", 1),
        ("3", "main~1", 3),
        ("side:3", "side", 3),
        ("side:2", "v1^{commit}", 2),
        ("main~1", "main~1", 3),
        ("refs/heads/side", "side", 3),
    ],
)
def test_a_revision_is_found_by_every_name_that_it_has(
    opened: Opener, repository: Path, asked: str, means: str, number: int
) -> None:
    found = find(opened, repository, asked)
    assert found == Revision(
        asked=asked, commit=git(repository, "rev-parse", means), number=number, seconds=1600000000
    )


@pytest.mark.parametrize("letters", [40, 12, 7])
@pytest.mark.parametrize("change", [str.lower, str.upper])
def test_a_commit_is_found_by_its_beginning(
    opened: Opener, repository: Path, letters: int, change: object
) -> None:
    whole = git(repository, "rev-parse", "side")
    assert find(opened, repository, change(whole[:letters])).commit == whole  # type: ignore[operator]


def test_a_branch_whose_name_is_a_number_is_a_branch(opened: Opener, repository: Path) -> None:
    git(repository, "branch", "2", "main")
    assert find(opened, repository, "2").number == 4


def test_commits_that_are_near_are_those_of_the_same_line(opened: Opener, repository: Path) -> None:
    on_main = {number: git(repository, "rev-parse", f"main~{4 - number}") for number in range(1, 5)}
    found = find(opened, repository, "2", 1)
    assert dict(found.near) == {1: on_main[1], 3: on_main[3]}
    assert dict(find(opened, repository, "v1", 100).near) == {n: on_main[n] for n in (1, 3, 4)}
    assert find(opened, repository, "2").near == ()


def test_what_is_on_no_line_of_the_default_branch_is_on_its_own(
    opened: Opener, repository: Path
) -> None:
    side = git(repository, "rev-parse", "side")
    # By its branch and by its commit alike: number 3 of main is another commit.
    for asked in ("side", side):
        near = dict(find(opened, repository, asked, 5).near)
        assert near == {
            1: git(repository, "rev-parse", "side~2"),
            2: git(repository, "rev-parse", "side~1"),
        }


def test_new_commits_are_seen_and_moved_branches_followed(opened: Opener, repository: Path) -> None:
    assert find(opened, repository).number == 4
    newest = commit(repository, "5")
    assert (find(opened, repository).number, find(opened, repository).commit) == (5, newest)
    git(repository, "reset", "--quiet", "--hard", "v1")
    git(repository, "tag", "-f", "v1", "HEAD~1")
    assert find(opened, repository).number == 2
    assert find(opened, repository, "v1").number == 1
    git(repository, "branch", "-D", "side")
    with pytest.raises(NotUpstreamError):
        find(opened, repository, "side")


def test_a_commit_on_no_branch_is_asked_for(opened: Opener, repository: Path) -> None:
    git(repository, "config", "uploadpack.allowAnySHA1InWant", "true")
    lost = commit(repository, "5, lost")
    git(repository, "reset", "--quiet", "--hard", "HEAD~1")
    assert find(opened, repository, lost).number == 5


@pytest.mark.parametrize(
    ("asked", "message", "hint"),
    [
        ("mian", "has no revision 'mian'", "'main'"),
        ("v11", "has no revision 'v11'", "'v1'"),
        ("5", "has no revision '5'", "revisions 1 to 4"),
        ("0", "has no revision '0'", "number"),
        ("abcdef123456", "has no revision 'abcdef123456'", "a commit that was pushed"),
        ("0" * 39 + "1", "has no revision", "a commit that was pushed"),
        ("mian:1", "has no branch 'mian'", "'main'"),
        ("main:9", "has no revision 'main:9'", "1 to 4"),
        ("main:x", "has no revision 'main:x'", "1 to 4"),
        ("main:", "has no revision 'main:'", "1 to 4"),
        ("--upload-pack=x", "has no revision '--upload-pack=x'", "letter"),
        ("a b", "has no revision 'a b'", "spaces"),
        ("v1^{tree}", "has no revision 'v1^{tree}'", "a tag"),
    ],
)
def test_a_revision_that_is_none_is_refused_with_what_there_is(
    opened: Opener, repository: Path, asked: str, message: str, hint: str
) -> None:
    with pytest.raises(NotUpstreamError) as caught:
        find(opened, repository, asked)
    assert message in caught.value.message
    assert hint in caught.value.hint


def test_a_repository_without_a_commit_has_no_revision(opened: Opener, tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet", "empty")
    with pytest.raises(NotUpstreamError, match="has no commit on its default branch"):
        find(opened, tmp_path / "empty")


@pytest.mark.parametrize(
    ("address", "kind", "message"),
    [
        ("nowhere", ConfigurationError, "'nowhere' is no git repository"),
        ("ftp://git.example/x", InvalidNameError, "over 'ftp'"),
        ("https://git.example/x@v1", ConfigurationError, "is given with a revision"),
        ("file:///no/where", UpstreamError, "failed"),
    ],
)
def test_an_address_that_is_none_is_refused(
    opened: Opener, address: str, kind: type[WheelyardError], message: str
) -> None:
    with pytest.raises(kind) as caught:
        find(opened, address)
    assert message in caught.value.message
    assert caught.value.hint


def test_an_address_is_kept_without_its_password(opened: Opener) -> None:
    async def look() -> str:
        async with opened() as upstream:
            return await upstream.repositories.address("https://me:secret@git.example/x.git?t=1")

    assert asyncio.run(look()) == "https://git.example/x.git"


def test_a_file_at_the_top_of_a_tree_is_read_as_it_was_there(
    opened: Opener, repository: Path
) -> None:
    first = find(opened, repository, "1").commit
    (repository / "wheelyard-job.toml").write_text('name = "new"\n')
    (repository / "link").symlink_to("/etc/passwd")
    (repository / "long").write_bytes(b"x" * (65 << 10))
    git(repository, "add", ".")
    newest = commit(repository, "5")
    assert file_at(opened, repository, newest, "wheelyard-job.toml") == 'name = "new"\n'
    assert file_at(opened, repository, first, "wheelyard-job.toml") == 'name = "kept"\n'
    assert file_at(opened, repository, newest, "link") is None
    assert file_at(opened, repository, newest, "nothing") is None
    with pytest.raises(ConfigurationError, match="more than 65536 bytes"):
        file_at(opened, repository, newest, "long")


def test_where_a_server_sends_commits_alone_only_those_are_kept(
    opened: Opener, repository: Path
) -> None:
    for name in ("uploadpack.allowFilter", "uploadpack.allowAnySHA1InWant"):
        git(repository, "config", name, "true")
    found = find(opened, repository, "3", 5)
    assert len(found.near) == 3
    (copy,) = [one for one in (opened.cache / "repositories-1").iterdir() if one.is_dir()]
    kinds = git(copy, "cat-file", "--batch-check=%(objecttype)", "--batch-all-objects")
    assert set(kinds.split()) == {"commit", "tag"}
    assert file_at(opened, repository, found.commit, "wheelyard-job.toml") == 'name = "kept"\n'


def test_without_the_network_what_is_kept_is_enough_or_said_to_lack(opened: Opener) -> None:
    with pytest.raises(OfflineError, match="is not in the cache"):
        find(opened, "https://git.example/x.git", offline=True)


def test_a_copy_that_a_killed_process_left_is_gone_on_with(
    opened: Opener, repository: Path
) -> None:
    find(opened, repository)
    (copy,) = [one for one in (opened.cache / "repositories-1").iterdir() if one.is_dir()]
    for lock in ("packed-refs.lock", "refs/heads/main.lock", "HEAD.lock"):
        (copy / lock).touch()
    commit(repository, "5")
    assert find(opened, repository).number == 5
    (copy / "whole").unlink()
    commit(repository, "6")
    assert find(opened, repository).number == 6


def test_two_who_look_at_once_do_not_disturb_each_other(opened: Opener, repository: Path) -> None:
    async def look() -> list[Revision]:
        async with opened() as upstream:
            address = await upstream.repositories.address(str(repository))
            asked = ("", "main", "side", "v1", "2", "1")
            looks = (upstream.repositories.revision(address, one, 1) for one in asked)
            return await asyncio.gather(*looks)

    assert [one.number for one in asyncio.run(look())] == [4, 4, 3, 2, 2, 1]


def test_a_repository_that_nobody_uses_goes_as_a_whole(opened: Opener, repository: Path) -> None:
    find(opened, repository)
    folder = opened.cache / "repositories-1"
    keeper = CacheKeeper(opened.cache)
    asyncio.run(keeper.evict(unused_seconds=3600, preview=False))
    assert find(opened, repository).number == 4
    (gone,) = asyncio.run(keeper.evict(unused_seconds=-1, preview=False))
    assert gone.count > 0
    assert [one for one in folder.iterdir() if one.is_dir()] == []
    assert find(opened, repository).number == 4
