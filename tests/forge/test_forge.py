"""What all forges promise: in memory, on git repositories, and on GitHub."""

from dataclasses import replace

import pytest

from forge.worlds import World
from wheelyard.errors import ConfigurationError, GoneError, NothingToProposeError
from wheelyard.model.proposal import (
    Author,
    Check,
    CheckState,
    Draft,
    FileEdit,
    Proposal,
    ProposalName,
    ProposalState,
)

pytestmark = pytest.mark.anyio

RECIPE = (
    b"build:\n  number: 0\n\nrequirements:\n  host:\n    - openssl 1\n\nabout:\n  license: MIT\n"
)
EDITED = RECIPE.replace(b"number: 0", b"number: 1")
FILES = {"recipe/meta.yaml": RECIPE, "README.md": b"A feedstock.\n", "recipe/gone.patch": b"-\n"}
BOT = Author(name="Yard", email="yard@example.org")


def draft(
    world: World, base: str, *, repository: str = "six", content: bytes = EDITED, key: str = "ssl3"
) -> Draft:
    return Draft(
        repository=world.repository(repository),
        key=key,
        base=base,
        files=(FileEdit(path="recipe/meta.yaml", content=content),),
        title="Rebuild for openssl 3",
        body="openssl changed.\n\nAll below it is rebuilt.",
        labels=("migration", "wheelyard"),
        author=BOT,
        date=1_700_000_000,
    )


async def standing(world: World, name: ProposalName) -> Proposal:
    found = await world.forge.proposal(name)
    assert found is not None
    return found


async def test_files_are_read_at_the_tip_or_at_a_commit(world: World) -> None:
    first = world.create("six", FILES)
    six = world.repository("six")
    assert await world.forge.repositories() == (six,)
    tree = await world.forge.look(six, ["recipe/*"])
    assert (tree.commit, tree.branch) == (first, "main")
    assert dict(tree.files) == {name: FILES[name] for name in FILES if name != "README.md"}
    second = world.change("six", {"recipe/meta.yaml": EDITED, "README.md": None}, "Edit")
    assert await world.forge.tip(six) == second
    assert (await world.forge.look(six, ["*.yaml"])).get("recipe/meta.yaml") == EDITED
    assert dict((await world.forge.look(six, ["*"], commit=first)).files) == FILES
    assert (await world.forge.look(six, ["*.md"])).files == ()


async def test_a_change_is_offered_and_can_be_read_where_it_is_offered(world: World) -> None:
    base = world.create("six", FILES)
    offered = draft(world, base)
    offered = replace(
        offered,
        files=(
            *offered.files,
            FileEdit(path="recipe/gone.patch", content=None),
            FileEdit(path="recipe/new/é #1.txt", content=b"\x00\xff"),
        ),
    )
    proposal = await world.forge.propose(offered)
    assert (proposal.state, proposal.base) == (ProposalState.OPEN, base)
    assert (proposal.title, proposal.labels) == (offered.title, offered.labels)
    assert not proposal.foreign
    tree = await world.forge.look(offered.repository, ["*"], commit=proposal.head)
    assert dict(tree.files) == {
        "README.md": b"A feedstock.\n",
        "recipe/meta.yaml": EDITED,
        "recipe/new/é #1.txt": b"\x00\xff",
    }
    assert await world.forge.tip(offered.repository) == base
    assert await world.forge.proposals(offered.repository) == [replace(proposal, checks=())]


async def test_the_same_draft_twice_is_one_proposal(world: World) -> None:
    base = world.create("six", FILES)
    first = await world.forge.propose(draft(world, base))
    again = await world.forge.propose(draft(world, base))
    assert again == first
    assert len(await world.forge.proposals(world.repository("six"))) == 1


async def test_what_was_never_offered_is_none(world: World) -> None:
    world.create("six", FILES)
    name = ProposalName(repository=world.repository("six"), key="ssl3")
    assert await world.forge.proposal(name) is None
    with pytest.raises(GoneError, match="ssl3"):
        await world.forge.close(name, "why")


async def test_another_edit_of_the_same_name_takes_the_place_of_the_first(world: World) -> None:
    base = world.create("six", FILES)
    first = await world.forge.propose(draft(world, base))
    other = EDITED + b"# more\n"
    second = await world.forge.propose(draft(world, base, content=other))
    assert second.head != first.head
    assert second.number == first.number
    tree = await world.forge.look(world.repository("six"), ["recipe/meta.yaml"], commit=second.head)
    assert tree.get("recipe/meta.yaml") == other
    assert len(await world.forge.proposals(world.repository("six"))) == 1


@pytest.mark.parametrize("squash", [False, True])
async def test_a_merge_by_people_is_seen_with_its_commit(world: World, squash: bool) -> None:
    base = world.create("six", FILES)
    proposal = await world.forge.propose(draft(world, base))
    world.change("six", {"README.md": b"Another.\n"}, "Write")
    world.merge(proposal.name, squash=squash)
    tip = world.change("six", {"README.md": b"A third.\n"}, "Write more")
    merged = await standing(world, proposal.name)
    assert merged.state is ProposalState.MERGED
    assert merged.by == "maintainer"
    landed = await world.forge.landed(world.repository("six"), base)
    assert [one.proposal for one in landed] == [None, proposal.name, None]
    assert [one.commit for one in landed][1:] == [merged.merged_as, tip]
    assert [one.title for one in landed][::2] == ["Write", "Write more"]
    # What is decided is not offered again, nor changed.
    assert (await world.forge.propose(draft(world, tip, content=RECIPE + b"#\n"))) == merged
    assert await world.forge.proposals(world.repository("six")) == []


async def test_the_same_change_made_by_hand_counts_as_merged(world: World) -> None:
    base = world.create("six", FILES)
    proposal = await world.forge.propose(draft(world, base))
    by_hand = world.change("six", {"recipe/meta.yaml": EDITED, "README.md": b"!\n"}, "By hand")
    merged = await standing(world, proposal.name)
    assert (merged.state, merged.merged_as) == (ProposalState.MERGED, by_hand)


async def test_a_merge_by_the_forge(world: World) -> None:
    base = world.create("six", FILES)
    proposal = await world.forge.propose(draft(world, base))
    world.change("six", {"README.md": b"Another.\n"}, "Write")
    merged = await world.forge.merge(proposal.name)
    assert merged.state is ProposalState.MERGED
    assert await world.forge.tip(world.repository("six")) == merged.merged_as
    assert await world.forge.merge(proposal.name) == merged
    tree = await world.forge.look(world.repository("six"), ["*"])
    assert (tree.get("recipe/meta.yaml"), tree.get("README.md")) == (EDITED, b"Another.\n")


async def test_what_people_closed_stays_closed_until_the_next_round(world: World) -> None:
    base = world.create("six", FILES)
    proposal = await world.forge.propose(draft(world, base))
    world.reject(proposal.name)
    closed = await standing(world, proposal.name)
    assert closed.state is ProposalState.CLOSED
    assert (await world.forge.propose(draft(world, base))).state is ProposalState.CLOSED
    assert await world.forge.proposals(world.repository("six")) == []
    again = await world.forge.propose(replace(draft(world, base), round=2))
    assert again.state is ProposalState.OPEN
    assert (await standing(world, proposal.name)).state is ProposalState.CLOSED


async def test_what_is_withdrawn_is_closed_and_says_why(world: World) -> None:
    base = world.create("six", FILES)
    proposal = await world.forge.propose(draft(world, base))
    closed = await world.forge.close(proposal.name, "Nobody wants it.")
    assert closed.state is ProposalState.CLOSED
    assert await world.comments(proposal.name) == ["Nobody wants it."]
    assert await world.forge.close(proposal.name, "Twice.") == closed
    assert await world.comments(proposal.name) == ["Nobody wants it."]


async def test_a_conflict_is_seen_and_remade_on_the_new_base(world: World) -> None:
    base = world.create("six", FILES)
    proposal = await world.forge.propose(draft(world, base))
    moved = RECIPE.replace(b"number: 0", b"number: 7")
    tip = world.change("six", {"recipe/meta.yaml": moved}, "Release")
    assert (await standing(world, proposal.name)).state is ProposalState.CONFLICT
    assert (await world.forge.merge(proposal.name)).state is ProposalState.CONFLICT
    assert await world.forge.tip(world.repository("six")) == tip
    remade = await world.forge.propose(
        draft(world, tip, content=moved.replace(b"number: 7", b"number: 8"))
    )
    assert (remade.state, remade.base) == (ProposalState.OPEN, tip)
    assert remade.number == proposal.number
    assert (await world.forge.merge(proposal.name)).state is ProposalState.MERGED


async def test_a_branch_that_people_pushed_to_is_theirs(world: World) -> None:
    base = world.create("six", FILES)
    proposal = await world.forge.propose(draft(world, base))
    world.push(proposal.name, {"recipe/meta.yaml": EDITED + b"# mended\n"})
    theirs = await standing(world, proposal.name)
    assert theirs.foreign
    assert theirs.head != proposal.head
    kept = await world.forge.propose(draft(world, base, content=EDITED + b"# ours\n"))
    assert (kept.head, kept.foreign) == (theirs.head, True)
    world.merge(proposal.name)
    assert (await standing(world, proposal.name)).state is ProposalState.MERGED


async def test_checks_and_comments_are_there_once(world: World) -> None:
    base = world.create("six", FILES)
    name = (await world.forge.propose(draft(world, base))).name
    pending = Check(name="trial build", state=CheckState.PENDING)
    await world.forge.report(name, pending)
    assert (await standing(world, name)).checked is CheckState.PENDING
    passed = Check(
        name="trial build",
        state=CheckState.PASSED,
        url="https://farm.example/1",
        summary="2 wheels",
    )
    await world.forge.report(name, passed)
    assert (await standing(world, name)).checks == (passed,)
    await world.forge.report(name, Check(name="lint", state=CheckState.FAILED))
    assert (await standing(world, name)).checked is CheckState.FAILED
    for text in ("It failed.", "It failed.", "It failed differently."):
        await world.forge.comment(name, text, once="failure 1")
    await world.forge.comment(name, "It passed.", once="success")
    assert sorted(await world.comments(name)) == ["It failed.", "It passed."]


async def test_a_repository_that_is_gone_is_said_to_be_so(world: World) -> None:
    base = world.create("six", FILES)
    name = (await world.forge.propose(draft(world, base))).name
    world.remove("six")
    for ask in (
        world.forge.tip(name.repository),
        world.forge.look(name.repository, ["*"]),
        world.forge.proposal(name),
        world.forge.propose(draft(world, base)),
        world.forge.landed(name.repository, base),
    ):
        with pytest.raises(GoneError) as raised:
            await ask
        assert "six" in raised.value.message
        assert raised.value.hint


async def test_a_commit_or_a_branch_that_is_not_there_is_said_to_be_so(world: World) -> None:
    world.create("six", FILES)
    with pytest.raises(GoneError, match="0" * 40):
        await world.forge.propose(draft(world, "0" * 40))
    with pytest.raises(GoneError, match="'stable'"):
        await world.forge.tip(world.repository("six"), branch="stable")


async def test_what_changes_nothing_is_not_offered(world: World) -> None:
    base = world.create("six", FILES)
    with pytest.raises(NothingToProposeError):
        await world.forge.propose(draft(world, base, content=RECIPE))
    assert await world.forge.proposals(world.repository("six")) == []


@pytest.mark.parametrize(
    "path",
    [
        "../other",
        "/etc/passwd",
        "recipe/../../x",
        ".git/config",
        "a/.GIT/hooks/x",
        "a\nb",
        "",
        "a//b",
    ],
)
async def test_paths_that_leave_the_repository_are_refused(world: World, path: str) -> None:
    base = world.create("six", FILES)
    hostile = replace(draft(world, base), files=(FileEdit(path=path, content=b""),))
    with pytest.raises(ConfigurationError, match="no path"):
        await world.forge.propose(hostile)


@pytest.mark.parametrize("key", ["", "a/b", "a b", "a..b", "-x", "a.lock", "x" * 121, "a~1", "a@2"])
async def test_keys_that_are_no_branch_are_refused(world: World, key: str) -> None:
    base = world.create("six", FILES)
    with pytest.raises(ConfigurationError, match="no key"):
        await world.forge.propose(draft(world, base, key=key))
