"""Campaigns carried out on a forge in memory."""

from contextlib import suppress
from dataclasses import replace

import pytest

from campaigns.world import NAME, PINS, World, feedstocks, recipe
from wheelyard.campaign_ports import BuildState, CampaignName, Mode
from wheelyard.campaigns.deciding import Decisions
from wheelyard.campaigns.planning import Intention, planned
from wheelyard.campaigns.record import CampaignRecord
from wheelyard.campaigns.scanning import Scanner
from wheelyard.errors import BusyError, ConfigurationError
from wheelyard.graph.packages import PackageGraph
from wheelyard.migrate.priority import Limits
from wheelyard.migrate.states import State
from wheelyard.migrate.wheels import package_of_wheels
from wheelyard.testing.campaigns import MemoryBuilds
from wheelyard.testing.forge import MemoryForge
from wheelyard.testing.memo import MemoryMemo

pytestmark = pytest.mark.anyio


class KilledError(BaseException):
    """The process ends here."""


async def test_who_needs_nobody_is_asked_at_once_and_the_others_wait() -> None:
    world = World()

    await world.start()

    assert await world.states() == {
        "gdal": State.AWAITING_PARENTS,
        "png": State.PROPOSED,
        "tiff": State.AWAITING_PARENTS,
    }
    assert await world.campaigns.why(NAME, "gdal") == (
        "waits for tiff (awaiting-parents); in the end for png"
    )


async def test_the_next_is_asked_when_all_below_it_are_published() -> None:
    world = World()
    await world.start()

    await world.merge("png")
    assert (await world.states())["tiff"] is State.AWAITING_PARENTS
    assert (await world.states())["png"] is State.MERGED

    await world.build("png")
    assert await world.states() == {
        "gdal": State.AWAITING_PARENTS,
        "png": State.PUBLISHED,
        "tiff": State.PROPOSED,
    }


async def test_a_campaign_closes_when_all_are_published() -> None:
    world = World()
    await world.start()

    for package in ("png", "tiff", "gdal"):
        await world.merge(package)
        await world.build(package)

    kept = await world.store.campaign(NAME)
    assert kept is not None
    assert kept.mode is Mode.CLOSED
    assert kept.closed == world.clock.now()
    assert await world.number("gdal") == "1"


async def test_where_nothing_is_built_what_is_merged_counts() -> None:
    world = World(builds=None)
    await world.start()

    await world.merge("png")

    assert (await world.states())["tiff"] is State.PROPOSED


async def test_a_parent_that_was_changed_by_hand_counts_when_it_is_built() -> None:
    world = World()
    await world.start()
    tree = await world.forge.look("png-feedstock", ["*"])
    files = {**dict(tree.files), ".ci_support/migrations/zlib2.yaml": PINS.encode()}

    world.forge.change("png-feedstock", files, "Rebuild for zlib 2")
    await world.campaigns.pushed("png-feedstock")
    assert (await world.states())["png"] is State.MERGED
    await world.build("png")

    assert (await world.states())["tiff"] is State.PROPOSED


async def test_a_closed_proposal_needs_a_decision_and_retry_asks_another_time() -> None:
    world = World()
    await world.start()

    world.forge.reject(world.name("png"))
    await world.campaigns.pushed("png-feedstock")
    assert (await world.states())["png"] is State.NEEDS_DECISION
    assert "png (needs-decision)" in await world.campaigns.why(NAME, "tiff")

    assert await world.campaigns.retry(NAME) == ["png"]
    assert (await world.states())["png"] is State.PROPOSED
    await world.merge("png", 2)
    await world.build("png")
    assert (await world.states())["tiff"] is State.PROPOSED


async def test_a_build_that_fails_is_shown_and_tried_again_with_a_new_commit() -> None:
    world = World()
    await world.start()
    await world.merge("png")

    await world.build("png", BuildState.FAILED, "zlib.h not found")
    assert (await world.states())["png"] is State.FAILED
    assert await world.campaigns.why(NAME, "png") == "zlib.h not found"

    world.forge.change("png-feedstock", {"recipe/build.sh": b"make\n"}, "Mend it")
    await world.campaigns.pushed("png-feedstock")
    assert (await world.states())["png"] is State.MERGED
    await world.build("png")
    assert (await world.states())["png"] is State.PUBLISHED


async def test_one_recipe_that_cannot_be_edited_stops_nobody_else() -> None:
    bad = recipe("bad", "zlib").replace(b"  number: 0\n", b"  string: x\n")
    forge = MemoryForge(
        {**feedstocks(zlib=(), good=("zlib",)), "bad-feedstock": {"recipe/meta.yaml": bad}}
    )
    world = World(forge=forge)

    await world.start()

    assert await world.states() == {"bad": State.FAILED, "good": State.PROPOSED}
    assert "number" in await world.campaigns.why(NAME, "bad")


async def test_a_repository_that_is_gone_is_shown_and_stops_nobody_else() -> None:
    world = World(forge=MemoryForge(feedstocks(zlib=(), a=("zlib",), b=("zlib",))))
    await world.start()
    world.forge.remove("a-feedstock")

    await world.campaigns.recover()

    assert await world.states() == {"a": State.FAILED, "b": State.PROPOSED}
    assert "no repository" in await world.campaigns.why(NAME, "a")


async def test_a_trial_is_built_before_anybody_is_asked() -> None:
    world = World()

    await world.start(trial=True)
    assert (await world.states())["png"] is State.AWAITING_PROPOSAL
    assert "trial" in await world.campaigns.why(NAME, "png")
    assert await world.forge.proposal(world.name("png")) is None

    await world.build("png", trial=True)
    assert (await world.states())["png"] is State.PROPOSED


async def test_a_trial_that_fails_keeps_people_from_being_asked() -> None:
    world = World()
    await world.start(trial=True)

    await world.build("png", BuildState.FAILED, "no gcc", trial=True)

    assert (await world.states())["png"] is State.FAILED
    assert await world.forge.proposal(world.name("png")) is None
    assert await world.campaigns.why(NAME, "png") == "its trial build failed: no gcc"


async def test_a_trial_without_a_solution_says_so() -> None:
    world = World()
    await world.start(trial=True)

    await world.build("png", BuildState.NOT_SOLVABLE, "nothing provides zlib 2", trial=True)

    assert (await world.states())["png"] is State.NOT_SOLVABLE


@pytest.mark.parametrize("place", ["campaigns.started", "campaigns.looked", "campaigns.offered"])
async def test_a_campaign_goes_on_wherever_it_was_killed(place: str) -> None:
    left = [1]

    def pass_by(passed: str) -> None:
        if passed == place and left[0]:
            left[0] -= 1
            raise KilledError

    world = World(pass_by=pass_by)
    with pytest.raises(KilledError):
        await world.start()

    world.restart()
    await world.campaigns.recover()

    assert (await world.states())["png"] is State.PROPOSED
    assert len(await world.forge.proposals("png-feedstock")) == 1
    for package in ("png", "tiff", "gdal"):
        left[0] = 1
        world.forge.merge_by_hand(world.name(package))
        with suppress(KilledError):
            await world.campaigns.pushed(f"{package}-feedstock")
            await world.build(package)
        world.restart()
        await world.campaigns.recover()
        assert world.builds is not None
        world.builds.end(package)
        await world.campaigns.recover()
    assert set((await world.states()).values()) == {State.PUBLISHED}


async def test_what_happened_while_nobody_listened_is_found_after_a_start() -> None:
    world = World()
    await world.start()
    world.forge.merge_by_hand(world.name("png"))

    world.restart()
    await world.campaigns.recover()

    assert (await world.states())["png"] is State.MERGED


async def test_a_paused_campaign_asks_nobody_and_goes_on_when_it_is_resumed() -> None:
    world = World()
    await world.start()
    await world.campaigns.pause(NAME)
    await world.campaigns.pause(NAME)

    await world.merge("png")
    await world.build("png")
    assert (await world.states())["tiff"] is State.AWAITING_PROPOSAL

    await world.campaigns.resume(NAME)
    assert (await world.states())["tiff"] is State.PROPOSED


async def test_who_is_excluded_leaves_and_those_above_wait_for_what_it_waited_for() -> None:
    world = World()
    await world.start()

    await world.campaigns.exclude(NAME, "tiff")

    assert sorted(await world.states()) == ["gdal", "png"]
    assert "png" in await world.campaigns.why(NAME, "gdal")
    world.restart()
    await world.merge("png")
    await world.build("png")
    assert (await world.states())["gdal"] is State.PROPOSED


async def test_no_more_than_the_limit_are_open_and_more_as_some_get_published() -> None:
    names = [f"p{number}" for number in range(6)]
    forge = MemoryForge(feedstocks(zlib=(), **dict.fromkeys(names, ("zlib",))))
    world = World(forge=forge)

    await world.start(limits=Limits(first=2, most=4))
    assert list((await world.states()).values()).count(State.PROPOSED) == 2
    await world.merge("p0")
    await world.build("p0")

    assert list((await world.states()).values()).count(State.PROPOSED) == 3


async def test_a_proposal_in_conflict_is_made_again_on_what_is_there_now() -> None:
    world = World()
    await world.start()

    world.forge.change(
        "png-feedstock", {"recipe/meta.yaml": recipe("png", "zlib", number=7)}, "Bump"
    )
    await world.campaigns.pushed("png-feedstock")
    await world.merge("png")

    assert await world.number("png") == "8"


async def test_the_pin_file_is_edited_at_the_end() -> None:
    world = World()
    pinning = {
        "recipe/meta.yaml": recipe("pinning"),
        "recipe/conda_build_config.yaml": b"zlib:\n  - '1'\n",
        "recipe/migrations/zlib2.yaml": PINS.encode(),
    }
    world.forge.create("pinning-feedstock", pinning)
    await world.start(pin_repository="pinning-feedstock")
    for package in ("png", "tiff", "gdal"):
        await world.merge(package)
        await world.build(package)
    closing = await world.store.campaign(NAME)
    assert closing is not None
    assert closing.mode is Mode.CLOSING

    (proposal,) = await world.forge.proposals("pinning-feedstock")
    world.forge.merge_by_hand(proposal.name)
    await world.campaigns.pushed("pinning-feedstock")

    closed = await world.store.campaign(NAME)
    assert closed is not None
    assert closed.mode is Mode.CLOSED
    files = dict((await world.forge.look("pinning-feedstock", ["*"])).files)
    assert b"- '2'" in files["recipe/conda_build_config.yaml"]
    assert "recipe/migrations/zlib2.yaml" not in files


async def test_a_busy_forge_is_asked_again_with_the_next_event() -> None:
    world = World()
    await world.start()
    world.forge.merge_by_hand(world.name("png"))
    world.forge.faults.append(BusyError("too many questions", hint="Wait."))

    await world.campaigns.pushed("png-feedstock")
    assert (await world.states())["png"] is State.PROPOSED

    await world.campaigns.pushed("png-feedstock")
    assert (await world.states())["png"] is State.MERGED


async def test_what_cannot_be_done_says_so_with_the_nearest_name() -> None:
    world = World()
    await world.start()

    with pytest.raises(ConfigurationError, match="a campaign 'zlib2' already"):
        await world.start()
    with pytest.raises(ConfigurationError) as unknown:
        await world.campaigns.why(NAME, "tif")
    assert unknown.value.hint == "Did you mean 'tiff'?"
    with pytest.raises(ConfigurationError, match="are not published"):
        await world.campaigns.close(NAME)
    assert (await world.campaigns.close(NAME, force=True)).mode is Mode.CLOSED


async def test_projects_of_a_farm_are_built_again_one_level_after_the_other() -> None:
    builds = MemoryBuilds()
    world = World(forge=MemoryForge({}), builds=builds)
    graph = PackageGraph(
        [
            package_of_wheels("capi", [], ["setuptools"]),
            package_of_wheels("user", [], ["capi"]),
            package_of_wheels("top", [], ["user"]),
            package_of_wheels("other", [], ["setuptools"]),
        ]
    )
    intention = Intention(name=NAME, owner="ann", rule="rebuild", packages=("capi", "user", "top"))

    await world.campaigns.start(planned(intention, graph, world.clock.now()), {})
    asked = []
    for _ in range(3):
        asked.append([wish.package for wish in builds.wishes.values()])
        await world.build(asked[-1][-1])

    assert asked == [["capi"], ["capi", "user"], ["capi", "user", "top"]]
    assert await world.campaigns.why(NAME, "user") == "it was built again"
    assert set((await world.states()).values()) == {State.PUBLISHED}


async def test_a_rule_that_is_gone_holds_up_its_own_campaign_alone() -> None:
    world = World()
    await world.start()
    gone = CampaignName("gone")
    scan = await Scanner(memory=MemoryMemo(), processes=1).forge(world.forge)
    wish = Intention(name=gone, owner="ann", rule="rebuild", packages=("png",), builds=False)
    await world.campaigns.start(planned(wish, scan.graph, world.clock.now()), scan.places)
    campaign = await world.store.campaign(gone)
    assert campaign is not None
    await world.store.update(replace(campaign, rule="uninstalled"))

    await world.campaigns.recover()
    await world.merge("png")

    campaign = await world.store.campaign(gone)
    assert campaign is not None
    assert campaign.note.startswith("it stands still: there is no migrator 'uninstalled'")
    assert (await world.states())["png"] is State.MERGED
    await world.store.update(replace(campaign, rule="rebuild"))
    await world.campaigns.recover()
    campaign = await world.store.campaign(gone)
    assert campaign is not None
    assert campaign.note == ""


async def test_who_is_excluded_while_another_process_saves_it_stays_out() -> None:
    world = World()
    await world.start()
    [tiff] = [one for one in await world.store.members(NAME) if one.package == "tiff"]
    other = Decisions(CampaignRecord(store=world.store, clock=world.clock))
    await other.exclude(NAME, "tiff", actor="ann")
    await world.store.save([tiff])

    await world.merge("png")
    await world.build("png")

    assert (await world.states()).keys() == {"png", "gdal"}
    assert (await world.states())["gdal"] is State.PROPOSED
