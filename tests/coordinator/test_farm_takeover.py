"""A coordinator that crashes, was away or hands over. The numbers are rows of the list of faults."""

import asyncio
from dataclasses import replace

import pytest

from coordinator.asked import wheels
from coordinator.machines import QUICK, CrashError, Machines
from coordinator.one_job import BASE, begun, only_job
from coordinator.waiting import ended, scenario, turn, until_quiet
from plan.world import Package
from wheelyard.model.job import Outcome
from wheelyard.model.request import RequestState


def test_6_a_coordinator_that_was_away_longer_than_a_lease_aborts_nothing() -> None:
    async def work() -> None:
        farm = Machines(BASE)
        async with farm.led() as coordinator:
            one, request = await begun(farm, coordinator)
        farm.clock.advance(3600)
        async with farm.led():
            await one.announce()
            for _ in range(20):
                await turn()
            await one.release("base")
            assert (await farm.end_of(request)).state is RequestState.DONE
        assert (only_job(farm).attempt, one.killed) == (1, [])
        await farm.close()

    scenario(work)


@pytest.mark.parametrize(
    "place", ["intake.before_commit", "intake.after_commit", "result.before_settled"]
)
def test_7_a_crash_around_the_commit_gives_one_transition_and_one_event(place: str) -> None:
    async def work() -> None:
        farm = Machines(BASE)
        farm.crash_at = place
        coordinator = farm.coordinator()
        leading = asyncio.create_task(coordinator.run())
        await until_quiet(lambda: coordinator.leads)
        one, request = await begun(farm, coordinator)
        await one.release("base")
        with pytest.raises(ExceptionGroup) as crash:
            await leading
        assert crash.group_contains(CrashError)
        async with farm.led():
            assert (await farm.end_of(request)).state is RequestState.DONE
            await until_quiet(lambda: bool(one.settled))
            while len(await farm.happenings("job.ended")) != 1:
                await turn()
        assert one.settled[0].accepted
        assert only_job(farm).counts == ((Outcome.BUILT, 1),)
        await farm.close()

    scenario(work)


def test_7_what_was_committed_is_written_down_though_its_builder_is_gone() -> None:
    async def work() -> None:
        farm = Machines(BASE)
        farm.crash_at = "intake.after_commit"
        coordinator = farm.coordinator()
        leading = asyncio.create_task(coordinator.run())
        await until_quiet(lambda: coordinator.leads)
        one, request = await begun(farm, coordinator)
        await one.release("base")
        with pytest.raises(ExceptionGroup):
            await leading
        await one.end()
        await farm.bus.forget("one")
        assert await farm.happenings("job.ended") == []
        async with farm.led():
            assert (await farm.end_of(request)).state is RequestState.DONE
            for _ in range(20):
                await turn()
            assert len(await farm.happenings("job.ended")) == 1
        await farm.close()

    scenario(work)


def test_7_whose_result_was_taken_in_is_not_told_to_drop_it_before_it_says_it_again() -> None:
    async def work() -> None:
        farm = Machines(BASE)
        async with farm.led() as coordinator:
            one, request = await begun(farm, coordinator)
            ((offer, _),) = one.running.values()
            await one.release("base")
            assert (await farm.end_of(request)).state is RequestState.DONE
            # The answer was lost with a coordinator: for this builder it is on its way still.
            one.running[offer.key] = (offer, asyncio.Event())
            kept = asyncio.create_task(asyncio.Event().wait())
            one._builds[offer.key] = kept  # type: ignore[assignment]
            await one.announce()
            for _ in range(50):
                await turn()
            assert one.killed == []
            await one.end()
        await farm.close()

    scenario(work)


def test_10_of_two_coordinators_one_leads_and_the_other_takes_over() -> None:
    async def work() -> None:
        farm = Machines({"base": Package(), "more": Package()})
        second = farm.coordinator()
        standing_by = None
        async with farm.led() as first:
            standing_by = asyncio.create_task(second.run())
            one, request = await begun(farm, first)
            for _ in range(20):
                await turn()
            assert not second.leads
            # What is asked of the one that stands by is done by the one that leads.
            other = await second.submit(wheels("more"))
            await until_quiet(lambda: len(farm.jobs.ledger.jobs) == 2)
        await until_quiet(lambda: second.leads)
        one.manual = False
        await one.release("base")
        assert (await farm.end_of(request)).state is RequestState.DONE
        assert (await farm.end_of(other)).state is RequestState.DONE
        await ended(standing_by)
        assert sorted(one.order) == ["base", "more"]
        await farm.close()

    scenario(work)


def test_whoever_stands_by_can_say_who_is_there() -> None:
    async def work() -> None:
        farm = Machines(BASE)
        second = farm.coordinator()
        async with farm.led():
            standing_by = asyncio.create_task(second.run())
            await farm.builder("one")
            while [one.present for one in await second.standings()] != [True]:
                await turn()
            await ended(standing_by)
        await farm.close()

    scenario(work)


def test_6_who_died_while_no_coordinator_was_there_is_found_out_by_the_next() -> None:
    async def work() -> None:
        farm = Machines(BASE)
        async with farm.led() as coordinator:
            one, request = await begun(farm, coordinator)
        await one.end()
        await farm.bus.forget("one")
        async with farm.led():
            two = await farm.builder("two")
            assert (await farm.end_of(request)).state is RequestState.DONE
        assert two.built == ["base"]
        await farm.close()

    scenario(work)


def test_6_a_coordinator_that_was_stopped_for_an_hour_has_not_listened() -> None:
    async def work() -> None:
        farm = Machines(BASE, replace(QUICK, lease=5.0))
        async with farm.led() as coordinator:
            one, request = await begun(farm, coordinator)
            farm.stopped_for = 3600.0
            for _ in range(30):
                await turn()
            await one.release("base")
            assert (await farm.end_of(request)).state is RequestState.DONE
        assert (only_job(farm).attempt, one.killed) == (1, [])
        await farm.close()

    scenario(work)
