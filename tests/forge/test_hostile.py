"""Repositories that want to do harm, and processes that die in between: nothing of it gets through."""

import asyncio
import os
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from forge import hands
from forge.test_forge import EDITED, FILES, RECIPE, draft
from forge.worlds import GitWorld
from wheelyard.errors import ConfigurationError, ForgeError, GoneError, WheelyardError
from wheelyard.forge.git import GitForge
from wheelyard.forge.refs import record_of
from wheelyard.model.proposal import FileEdit, ProposalState

pytestmark = pytest.mark.anyio


@pytest.fixture
def world(tmp_path: Path) -> GitWorld:
    return GitWorld(tmp_path / "forge")


def put_link(bare: Path, path: str, target: str) -> str:
    """Commit a link, without having it on this machine."""
    with hands.clone(bare, "main") as name:
        folder = Path(name)
        blob = hands.git(folder, "hash-object", "-w", "--stdin", given=target.encode())
        hands.git(folder, "update-index", "--add", "--cacheinfo", f"120000,{blob},{path}")
        hands.git(folder, "commit", "--quiet", "-m", "Link")
        hands.git(folder, "push", "--quiet", "origin", "main")
        return hands.git(folder, "rev-parse", "HEAD")


async def test_links_and_submodules_are_no_files(world: GitWorld, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("mine")
    world.create("six", FILES)
    bare = world.bare("six")
    put_link(bare, "recipe/link.yaml", str(secret))
    with hands.clone(bare, "main") as name:
        sub = f"160000,{'1' * 40},recipe/sub"
        hands.git(Path(name), "update-index", "--add", "--cacheinfo", sub)
        hands.git(Path(name), "commit", "--quiet", "-m", "Submodule")
        hands.git(Path(name), "push", "--quiet", "origin", "main")
    tree = await world.forge.look("six", ["*"])
    assert dict(tree.files) == FILES
    for path, word in (("recipe/link.yaml", "a link"), ("recipe/sub", "a submodule")):
        edit = FileEdit(path=path, content=b"x")
        with pytest.raises(ForgeError, match=word):
            await world.forge.propose(replace(draft(world, tree.commit), files=(edit,)))
    assert secret.read_text() == "mine"


async def test_a_folder_that_is_a_link_leads_nowhere(world: GitWorld, tmp_path: Path) -> None:
    world.create("six", FILES)
    tip = put_link(world.bare("six"), "out", str(tmp_path))
    edit = FileEdit(path="out/escaped", content=b"x")
    with pytest.raises(ForgeError, match=r"out of .* is a link"):
        await world.forge.propose(replace(draft(world, tip), files=(edit,)))
    assert not (tmp_path / "escaped").exists()


async def test_no_hook_runs_on_either_side(world: GitWorld, tmp_path: Path) -> None:
    base = world.create("six", FILES)
    bare, ran = world.bare("six"), tmp_path / "ran"
    (bare / "hooks").mkdir(exist_ok=True)
    for hook in ("pre-receive", "update", "post-receive", "post-update", "reference-transaction"):
        script = bare / "hooks" / hook
        script.write_text(f"#!/bin/sh\ntouch {ran}\n")
        script.chmod(script.stat().st_mode | stat.S_IXUSR)
    proposal = await world.forge.propose(draft(world, base))
    assert (await world.forge.merge(proposal.name)).state is ProposalState.MERGED
    assert not ran.exists()


async def test_the_mode_of_a_file_stays(world: GitWorld) -> None:
    world.create("six", FILES)
    bare = world.bare("six")
    with hands.clone(bare, "main") as name:
        hands.git(Path(name), "update-index", "--chmod=+x", "recipe/meta.yaml")
        hands.git(Path(name), "commit", "--quiet", "-m", "Make it run")
        hands.git(Path(name), "push", "--quiet", "origin", "main")
    proposal = await world.forge.propose(draft(world, await world.forge.tip("six")))
    assert hands.git(bare, "ls-tree", proposal.head, "recipe/meta.yaml").startswith("100755 ")


async def test_a_file_over_the_limit_is_left_out(world: GitWorld) -> None:
    world.create("six", FILES | {"recipe/huge.bin": bytes(10_000_001)})
    assert dict((await world.forge.look("six", ["*"])).files) == FILES


async def test_commits_are_the_same_wherever_they_are_made(world: GitWorld) -> None:
    base = world.create("six", FILES)
    hands.git(world.folder, "clone", "--quiet", "--bare", str(world.bare("six")), "twin.git")
    one = await world.forge.propose(draft(world, base))
    two = await world.forge.propose(draft(world, base, repository="twin"))
    assert one.head == two.head
    assert hands.git(world.bare("six"), "show", "-s", "--format=%an %ae %at %ct", one.head) == (
        "Yard yard@example.org 1700000000 1700000000"
    )


async def test_many_who_offer_the_same_at_once_make_one(world: GitWorld) -> None:
    base = world.create("six", FILES)
    offers = (GitForge(folder=world.folder).propose(draft(world, base)) for _ in range(6))
    made = await asyncio.gather(*offers)
    assert len({one.head for one in made}) == 1
    assert all(one.state is ProposalState.OPEN and not one.foreign for one in made)


async def test_a_branch_of_that_name_which_somebody_else_made_is_not_touched(
    world: GitWorld,
) -> None:
    base = world.create("six", FILES)
    theirs = hands.change(
        world.bare("six"), {"recipe/meta.yaml": b"mine"}, "Mine", branch="wheelyard/ssl3"
    )
    proposal = await world.forge.propose(draft(world, base))
    assert (proposal.foreign, proposal.head) == (True, theirs)


async def test_an_edit_to_other_lines_of_a_file_is_no_conflict_and_a_squash_is_a_merge(
    world: GitWorld,
) -> None:
    base = world.create("six", FILES)
    proposal = await world.forge.propose(draft(world, base))
    moved = RECIPE.replace(b"license: MIT", b"license: Apache-2.0")
    world.change("six", {"recipe/meta.yaml": moved}, "Change the licence")
    found = await world.forge.proposal(proposal.name)
    assert found is not None
    assert found.state is ProposalState.OPEN
    world.merge(proposal.name, squash=True)
    world.change("six", {"recipe/meta.yaml": RECIPE}, "Take all of it back")
    found = await world.forge.proposal(proposal.name)
    assert found is not None
    assert found.state is ProposalState.MERGED


async def test_a_change_that_came_in_two_pieces_is_there(world: GitWorld) -> None:
    base = world.create("six", FILES)
    both = replace(
        draft(world, base),
        files=(
            FileEdit(path="recipe/meta.yaml", content=EDITED),
            FileEdit(path="recipe/gone.patch", content=None),
        ),
    )
    proposal = await world.forge.propose(both)
    world.change("six", {"recipe/meta.yaml": EDITED}, "One half")
    found = await world.forge.proposal(proposal.name)
    assert found is not None
    assert found.state is ProposalState.OPEN
    last = world.change("six", {"recipe/gone.patch": None}, "The other half")
    found = await world.forge.proposal(proposal.name)
    assert found is not None
    assert (found.state, found.merged_as) == (ProposalState.MERGED, last)


async def test_a_merged_branch_that_was_cleaned_up_is_merged(world: GitWorld) -> None:
    base = world.create("six", FILES)
    proposal = await world.forge.propose(draft(world, base))
    world.merge(proposal.name)
    world.reject(proposal.name)
    found = await world.forge.proposal(proposal.name)
    assert found is not None
    assert found.state is ProposalState.MERGED


async def test_an_empty_repository_and_a_folder_that_is_none_are_told_apart(
    world: GitWorld, tmp_path: Path
) -> None:
    (world.folder / "empty.git").mkdir()
    hands.git(world.folder / "empty.git", "init", "--quiet", "--bare")
    (world.folder / "folder").mkdir()
    assert await world.forge.repositories() == ("empty",)
    with pytest.raises(GoneError, match="no commit yet"):
        await world.forge.tip("empty")
    with pytest.raises(GoneError, match="no repository"):
        await world.forge.tip("folder")
    with pytest.raises(ConfigurationError, match="leads out"):
        await world.forge.tip("../forge/empty")


@pytest.mark.parametrize(
    "address",
    ["ext::sh -c touch% /x", "git://host/x", "http://host.example/x.git", "-oProxyCommand=x@h:p"],
)
async def test_addresses_that_could_run_something_are_refused(
    world: GitWorld, address: str
) -> None:
    with pytest.raises(WheelyardError):
        await world.forge.tip(address)


async def test_a_repository_of_sha256_works_like_any_other(world: GitWorld) -> None:
    tree = world.folder.parent / "tree"
    tree.mkdir()
    hands.git(tree, "init", "--quiet", "--object-format=sha256", "--initial-branch=main")
    (tree / "recipe").mkdir()
    (tree / "recipe" / "meta.yaml").write_bytes(RECIPE)
    hands.git(tree, "add", "--all")
    hands.git(tree, "commit", "--quiet", "-m", "Begin")
    hands.git(tree, "clone", "--quiet", "--bare", ".", str(world.bare("six")))
    base = await world.forge.tip("six")
    assert len(base) == 64
    proposal = await world.forge.propose(draft(world, base))
    assert (await world.forge.merge(proposal.name)).state is ProposalState.MERGED


@pytest.mark.parametrize("branch", ["", "main", "stable/1.x"])
async def test_a_tip_is_the_one_that_git_tells_however_it_is_written(
    world: GitWorld, branch: str
) -> None:
    world.create("six", FILES)
    bare = world.bare("six")
    hands.change(bare, {"x": b"1"}, "Other", branch="stable/1.x")
    for pack in (False, True):
        if pack:
            hands.git(bare, "pack-refs", "--all")
        told = hands.git(bare, "rev-parse", f"refs/heads/{branch or 'main'}")
        assert await world.forge.tip("six", branch=branch) == told
        told = hands.change(bare, {"y": bytes([pack])}, "More", branch=branch or "main")
        assert await world.forge.tip("six", branch=branch) == told
    (bare / "refs" / "heads" / "odd").symlink_to("/etc/hostname")
    with pytest.raises(WheelyardError):
        await world.forge.tip("six", branch="odd")
    with pytest.raises(GoneError):
        await world.forge.tip("six", branch="../../HEAD")


async def test_settings_of_the_caller_lead_to_no_other_repository(
    world: GitWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = world.create("six", FILES)
    world.create("other", FILES)
    monkeypatch.setenv("GIT_DIR", str(world.bare("other")))
    monkeypatch.setenv("GIT_INDEX_FILE", os.devnull)
    proposal = await world.forge.propose(draft(world, base))
    assert hands.git(world.bare("six"), "rev-parse", record_of(proposal.name)) == proposal.head
