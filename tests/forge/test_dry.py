"""A dry run changes nothing, and tells all that it would have done."""

import subprocess
from pathlib import Path

import pytest

from forge.test_forge import FILES, draft
from forge.worlds import GitWorld
from wheelyard.forge.dry import DryRunForge
from wheelyard.model.proposal import Check, CheckState, ProposalState

pytestmark = pytest.mark.anyio


def everything(world: GitWorld) -> str:
    ran = subprocess.run(
        ["git", "for-each-ref"], cwd=world.bare("six"), capture_output=True, check=True
    )
    return ran.stdout.decode()


async def test_nothing_is_pushed_and_all_is_told(tmp_path: Path) -> None:
    world = GitWorld(tmp_path / "forge")
    base = world.create("six", FILES)
    before, told = everything(world), list[str]()
    dry = DryRunForge(world.forge, tell=told.append)
    first = await dry.propose(draft(world, base))
    assert await dry.propose(draft(world, base)) == first
    await dry.report(first.name, Check(name="lint", state=CheckState.PASSED))
    await dry.comment(first.name, "Well?", once="1")
    assert (await dry.merge(first.name)).checked is CheckState.PASSED
    assert [one.name for one in await dry.proposals("six")] == [first.name]
    assert (await dry.close(first.name, "Enough.")).state is ProposalState.CLOSED
    assert everything(world) == before
    assert told == [
        "six: would offer 'Rebuild for openssl 3' (recipe/meta.yaml)",
        "six: would say of 'ssl3': Well?",
        "six: would merge 'ssl3'",
        "six: would close 'ssl3': Enough.",
    ]


async def test_what_is_merged_on_the_real_forge_is_merged_here(tmp_path: Path) -> None:
    world = GitWorld(tmp_path / "forge")
    base = world.create("six", FILES)
    real = await world.forge.propose(draft(world, base))
    world.merge(real.name)
    dry = DryRunForge(world.forge, tell=lambda _: None)
    assert (await dry.propose(draft(world, base))).state is ProposalState.MERGED
