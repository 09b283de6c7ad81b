"""What strangers build counts when somebody else has made the same bytes."""

from dataclasses import replace

from coordinator.asked import wheels
from coordinator.machines import QUICK, Machines, ScriptedBuilder
from coordinator.waiting import scenario, turn, until_quiet
from plan.world import Package
from wheelyard.model.builder import Tier
from wheelyard.model.job import Offer, Report
from wheelyard.model.request import RequestState

BASE = {"base": Package()}


def with_other_bytes(one: ScriptedBuilder) -> None:
    """Let a builder make other bytes than everybody else."""
    honest = one.report

    def report(offer: Offer) -> Report:
        made = honest(offer)
        assert made.artifact is not None
        return replace(made, artifact=replace(made.artifact, digest="sha256:" + "e" * 64))

    one.report = report  # type: ignore[method-assign]


def test_a_strangers_wheel_waits_until_a_trusted_builder_makes_the_same() -> None:
    async def work() -> None:
        farm = Machines(BASE)
        async with farm.led() as coordinator:
            await farm.builder("stranger", owner="eve", tier=Tier.STRANGER)
            request = await coordinator.submit(wheels("base"))
            while not await farm.happenings("artifact.unproven"):
                await turn()
            assert await farm.local.artifacts.projects() == []
            key = next(iter(farm.jobs.ledger.jobs))
            await until_quiet(lambda: farm.jobs.ledger.jobs[key].refused_by == ("stranger",))
            assert "waits for somebody else to make the same bytes" in await coordinator.why(key)
            mine = await farm.builder("mine")
            assert (await farm.end_of(request)).state is RequestState.DONE
        assert mine.built == ["base"]
        assert await farm.happenings("artifact.differed") == []
        await farm.close()

    scenario(work)


def test_two_owners_prove_each_other_and_two_builders_of_one_do_not() -> None:
    async def work() -> None:
        farm = Machines(BASE)
        async with farm.led() as coordinator:
            await farm.builder("eve-1", owner="eve", tier=Tier.STRANGER)
            await farm.builder("eve-2", owner="eve", tier=Tier.STRANGER)
            request = await coordinator.submit(wheels("base"))
            while len(await farm.happenings("artifact.unproven")) < 2:
                await turn()
            assert await farm.local.artifacts.projects() == []
            await farm.builder("mallory", owner="mallory", tier=Tier.STRANGER)
            assert (await farm.end_of(request)).state is RequestState.DONE
        await farm.close()

    scenario(work)


def test_what_a_trusted_builder_makes_otherwise_counts_and_the_difference_is_told() -> None:
    async def work() -> None:
        farm = Machines(BASE)
        async with farm.led() as coordinator:
            stranger = await farm.builder("stranger", owner="eve", tier=Tier.STRANGER, begin=False)
            with_other_bytes(stranger)
            stranger.begin()
            request = await coordinator.submit(wheels("base"))
            while not await farm.happenings("artifact.unproven"):
                await turn()
            await farm.builder("mine")
            assert (await farm.end_of(request)).state is RequestState.DONE
        (published,) = await farm.local.artifacts.of_project(
            next(iter(await farm.local.artifacts.projects()))
        )
        assert published.digest != "sha256:" + "e" * 64
        assert len(await farm.happenings("artifact.differed")) == 1
        await farm.close()

    scenario(work)


def test_a_farm_may_choose_to_believe_everybody() -> None:
    async def work() -> None:
        farm = Machines(BASE, replace(QUICK, stranger_proof=False))
        async with farm.led() as coordinator:
            await farm.builder("stranger", owner="eve", tier=Tier.STRANGER)
            request = await coordinator.submit(wheels("base"))
            assert (await farm.end_of(request)).state is RequestState.DONE
        await farm.close()

    scenario(work)
