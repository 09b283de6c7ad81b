"""Proposals that are merged once their checks have passed, on every kind of forge."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from campaigns.world import NAME, PINS, recipe
from forge.worlds import GitHubWorld, GitWorld, MemoryWorld, World
from wheelyard.campaign_ports import BuildState
from wheelyard.campaigns.looking import TRIAL
from wheelyard.campaigns.planning import Intention, planned
from wheelyard.campaigns.scanning import Scanner
from wheelyard.campaigns.service import Campaigns
from wheelyard.migrate.automerge import Automerge, Change, merges_itself
from wheelyard.migrate.feedstock import Feedstock
from wheelyard.migrate.states import State
from wheelyard.model.proposal import Check, CheckState, ProposalName, ProposalState
from wheelyard.testing.campaigns import MemoryBuilds, MemoryCampaigns
from wheelyard.testing.clock import ManualClock
from wheelyard.testing.memo import MemoryMemo

pytestmark = pytest.mark.anyio
WILLING = b"bot:\n  automerge: migration\n"
GREEN = Check(name="ci", state=CheckState.PASSED)
RED = Check(name="ci", state=CheckState.FAILED)


@pytest.fixture(params=["memory", "git", "github"])
async def forge(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    made: World
    if request.param == "memory":
        made = MemoryWorld()
    elif request.param == "git":
        made = GitWorld(tmp_path / "forge")
    else:
        made = GitHubWorld(tmp_path / "github")
    yield made
    await made.close()


@dataclass(slots=True)
class Yard:
    """A campaign on one feedstock that has a pin."""

    world: World
    store: MemoryCampaigns
    builds: MemoryBuilds
    campaigns: Campaigns

    @property
    def repository(self) -> str:
        return self.world.repository("png-feedstock")

    @property
    def name(self) -> ProposalName:
        return ProposalName(repository=self.repository, key=NAME)

    async def state(self) -> State:
        [member] = await self.store.members(NAME)
        return member.state

    async def checked(self, check: Check) -> None:
        await self.world.forge.report(self.name, check)
        await self.campaigns.pushed(self.repository)


async def begun(
    world: World,
    *,
    settings: bytes = b"",
    policy: Automerge,
    trial: bool = False,
    trial_suffices: bool = True,
) -> Yard:
    files: Mapping[str, bytes] = {"recipe/meta.yaml": recipe("png", "zlib")}
    if settings:
        files = {**files, "conda-forge.yml": settings}
    world.create("png-feedstock", files)
    store, builds, clock = MemoryCampaigns(), MemoryBuilds(), ManualClock()
    campaigns = Campaigns(
        store=store,
        forge=world.forge,
        clock=clock,
        builds=builds,
        trial_suffices=trial_suffices,
    )
    scan = await Scanner(memory=MemoryMemo(), processes=1).forge(world.forge)
    wish = Intention(name=NAME, owner="ann", pins=PINS, automerge=policy, trial=trial)
    await campaigns.start(planned(wish, scan.graph, clock.now()), scan.places)
    return Yard(world, store, builds, campaigns)


async def test_it_is_merged_when_its_checks_passed_where_its_recipe_wants_that(
    forge: World,
) -> None:
    yard = await begun(forge, settings=WILLING, policy=Automerge.RECIPE)
    assert await yard.state() is State.PROPOSED

    await yard.checked(GREEN)

    assert await yard.state() is State.MERGED
    proposal = await forge.forge.proposal(yard.name)
    assert proposal is not None
    assert proposal.state is ProposalState.MERGED


async def test_people_decide_where_a_check_failed_or_the_recipe_says_nothing(forge: World) -> None:
    yard = await begun(forge, policy=Automerge.RECIPE)
    await yard.checked(GREEN)
    assert await yard.state() is State.PROPOSED


async def test_a_failed_check_holds_a_proposal_back(forge: World) -> None:
    yard = await begun(forge, policy=Automerge.ALWAYS)
    await yard.checked(RED)
    assert await yard.state() is State.PROPOSED
    await yard.checked(GREEN)
    assert await yard.state() is State.MERGED


async def test_its_trial_is_a_check_and_may_be_all_that_there_is(forge: World) -> None:
    yard = await begun(forge, settings=WILLING, policy=Automerge.RECIPE, trial=True)
    assert await yard.state() is State.AWAITING_PROPOSAL

    await yard.campaigns.built(yard.builds.end("png", trial=True))

    assert await yard.state() is State.MERGED


async def test_where_others_check_too_the_trial_alone_merges_nothing(forge: World) -> None:
    yard = await begun(forge, policy=Automerge.ALWAYS, trial=True, trial_suffices=False)
    await yard.campaigns.built(yard.builds.end("png", trial=True))
    assert await yard.state() is State.PROPOSED
    await yard.checked(GREEN)
    assert await yard.state() is State.MERGED


async def test_where_people_merge_the_trial_is_shown(forge: World) -> None:
    yard = await begun(forge, policy=Automerge.NEVER, trial=True)
    await yard.campaigns.built(yard.builds.end("png", trial=True))
    proposal = await forge.forge.proposal(yard.name)
    assert proposal is not None
    assert [(one.name, one.state) for one in proposal.checks] == [(TRIAL, CheckState.PASSED)]
    assert await yard.state() is State.PROPOSED


async def test_a_trial_that_fails_asks_nobody(forge: World) -> None:
    yard = await begun(forge, policy=Automerge.ALWAYS, trial=True)
    end = yard.builds.end("png", BuildState.FAILED, "no zlib.h", trial=True)
    await yard.campaigns.built(end)
    assert await yard.state() is State.FAILED
    assert await forge.forge.proposal(yard.name) is None


async def test_what_somebody_pushed_to_is_left_to_people(forge: World) -> None:
    yard = await begun(forge, policy=Automerge.ALWAYS)
    forge.push(yard.name, {"recipe/build.sh": b"make\n"})
    await yard.checked(GREEN)
    assert await yard.state() is State.PROPOSED


async def test_a_conflict_is_made_again_and_told(forge: World) -> None:
    yard = await begun(forge, policy=Automerge.NEVER)
    forge.change("png-feedstock", {"recipe/meta.yaml": recipe("png", "zlib", number=7)}, "Raise it")
    await yard.campaigns.pushed(yard.repository)
    assert await yard.state() is State.PROPOSED
    [said] = await forge.comments(yard.name)
    assert "made again" in said


async def test_who_closed_it_is_told_what_waits_for_a_decision(forge: World) -> None:
    yard = await begun(forge, policy=Automerge.NEVER)
    forge.reject(yard.name)
    await yard.campaigns.pushed(yard.repository)
    await yard.campaigns.pushed(yard.repository)
    assert await yard.state() is State.NEEDS_DECISION
    [said] = await forge.comments(yard.name)
    assert "needs a decision in zlib2" in said


@pytest.mark.parametrize(
    ("settings", "change", "merges"),
    [
        ("bot:\n  automerge: true\n", Change.VERSION, True),
        ("bot:\n  automerge: version\n", Change.VERSION, True),
        ("bot:\n  automerge: version\n", Change.MIGRATION, False),
        ("bot:\n  automerge: migration\n", Change.MIGRATION, True),
        ("bot:\n  automerge: false\n", Change.VERSION, False),
        ("bot: [a\n", Change.VERSION, False),
        ("bot: 3\n", Change.VERSION, False),
        ("", Change.VERSION, False),
    ],
)
def test_what_a_recipe_says_of_merging(settings: str, change: Change, merges: bool) -> None:
    feedstock = Feedstock(name="a", files={"conda-forge.yml": settings})
    assert merges_itself(Automerge.RECIPE, feedstock, change) is merges
    assert merges_itself(Automerge.ALWAYS, feedstock, change)
    assert not merges_itself(Automerge.NEVER, feedstock, change)
