"""Trials: what one left is in the staging index of its campaign, where the next one finds it."""

import pytest

from campaigns.world import NAME, World
from wheelyard.campaign_ports import BuildState, Mode
from wheelyard.migrate.states import State

pytestmark = pytest.mark.anyio


async def test_who_waits_for_parents_is_tried_with_what_their_trials_left() -> None:
    world = World()
    await world.start(trial=True)
    await world.build("png", trial=True)
    assert world.builds is not None

    assert world.builds.staged[NAME] == ["png:1"]
    wishes = [(one.package, one.staging) for one in world.builds.wishes.values()]
    assert wishes == [("png", True), ("tiff", True)]
    states = await world.states()
    assert states == {
        "png": State.PROPOSED,
        "tiff": State.AWAITING_PARENTS,
        "gdal": State.AWAITING_PARENTS,
    }
    await world.build("tiff", trial=True)
    await world.build("gdal", trial=True)
    assert len(world.builds.staged[NAME]) == 3
    assert "it passed" in await world.campaigns.why(NAME, "tiff")
    assert (await world.states())["tiff"] is State.AWAITING_PARENTS


async def test_who_was_tried_ahead_is_offered_at_once_when_its_parents_are_published() -> None:
    world = World()
    await world.start(trial=True)
    for package in ("png", "tiff"):
        await world.build(package, trial=True)
    await world.merge("png")
    await world.build("png")

    assert (await world.states())["tiff"] is State.PROPOSED
    assert world.builds is not None
    assert sum(one.package == "tiff" for one in world.builds.wishes.values()) == 1


async def test_a_trial_that_fails_ahead_is_told_and_made_again_with_published_parents() -> None:
    world = World()
    await world.start(trial=True)
    await world.build("png", trial=True)
    await world.build("tiff", BuildState.FAILED, "no png.h", trial=True)

    assert (await world.states())["tiff"] is State.AWAITING_PARENTS
    assert "no png.h" in await world.campaigns.why(NAME, "tiff")
    assert (await world.states())["gdal"] is State.AWAITING_PARENTS

    await world.merge("png")
    await world.build("png")
    assert (await world.states())["tiff"] is State.AWAITING_PROPOSAL
    await world.build("tiff", trial=True)
    assert (await world.states())["tiff"] is State.PROPOSED


async def test_what_fails_its_trial_is_not_offered_and_tries_nobody_above_it() -> None:
    world = World()
    await world.start(trial=True)
    await world.build("png", BuildState.NOT_SOLVABLE, "nothing has zlib 2", trial=True)

    assert await world.states() == {
        "png": State.NOT_SOLVABLE,
        "tiff": State.AWAITING_PARENTS,
        "gdal": State.AWAITING_PARENTS,
    }
    assert await world.forge.proposal(world.name("png")) is None
    assert world.builds is not None
    assert [one.package for one in world.builds.wishes.values()] == ["png"]


async def test_a_farm_that_was_killed_goes_on_with_the_trials_that_ended_meanwhile() -> None:
    world = World()
    await world.start(trial=True)
    await world.build("png", trial=True)
    assert world.builds is not None
    world.builds.end("tiff", trial=True)
    world.restart()

    await world.campaigns.recover()

    members = {one.package: one for one in await world.store.members(NAME)}
    assert members["tiff"].staged
    assert "gdal" in {one.package for one in world.builds.wishes.values()}


async def test_the_staging_index_goes_with_its_campaign() -> None:
    world = World()
    await world.start(trial=True)
    await world.build("png", trial=True)

    campaign = await world.campaigns.close(NAME, force=True)

    assert campaign.mode is Mode.CLOSED
    assert world.builds is not None
    assert NAME not in world.builds.staged
