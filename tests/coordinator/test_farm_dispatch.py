"""Which builder gets which job, when, and how many."""

import asyncio

from coordinator.asked import wheels
from coordinator.machines import X86, Machines
from coordinator.waiting import scenario, turn, until_quiet
from plan.world import Package
from wheelyard.jobs.builder_life import Drained, Paused, Resumed
from wheelyard.jobs.job import State
from wheelyard.jobs.selection import Selection
from wheelyard.model.builder import Health, Mode
from wheelyard.model.job import Outcome, Report
from wheelyard.model.release import ProjectName
from wheelyard.model.request import RequestState

MANY = {name: Package() for name in "abcdefgh"}


def test_a_builder_never_gets_more_than_it_has_free_slots() -> None:
    async def work() -> None:
        farm = Machines(MANY)
        async with farm.led() as coordinator:
            one = await farm.builder("one", slots=2, manual=True)
            two = await farm.builder("two", slots=1, manual=True)
            request = await coordinator.submit(wheels(*MANY))
            await until_quiet(lambda: len(one.running) + len(two.running) == 3)
            ending = asyncio.create_task(farm.end_of(request))
            while not ending.done():
                for machine in (one, two):
                    for project in machine.projects():
                        await machine.release(project)
                await asyncio.sleep(0)
        assert sorted(one.built + two.built) == sorted(MANY)
        assert (one.most_at_once, two.most_at_once) == (2, 1)
        await farm.close()

    scenario(work)


def test_two_builders_and_one_job_give_it_to_one() -> None:
    async def work() -> None:
        farm = Machines({"base": Package()})
        async with farm.led() as coordinator:
            one, two = await farm.builder("one"), await farm.builder("two")
            await farm.end_of(await coordinator.submit(wheels("base")))
        assert len(one.order) + len(two.order) == 1
        assert one.tokens + two.tokens == [f"{next(iter(farm.jobs.ledger.jobs))}.1"]
        await farm.close()

    scenario(work)


def test_a_refusal_sends_the_job_elsewhere_and_is_forgotten_when_the_builder_changes() -> None:
    async def work() -> None:
        farm = Machines({"base": Package()})
        async with farm.led() as coordinator:
            one = await farm.builder("one")
            one.script["base"] = [Report(outcome=Outcome.REFUSED, reason="no Fortran")]
            request = await coordinator.submit(wheels("base"))
            await until_quiet(lambda: one.built == ["base"])
            key = next(iter(farm.jobs.ledger.jobs))
            await until_quiet(lambda: farm.jobs.ledger.jobs[key].refused_by == ("one",))
            assert await coordinator.why(key) == "one refused it: no Fortran"
            for _ in range(3):
                await one.announce()
                await coordinator._dispatcher.round()
            assert one.built == ["base"]
            one.facts["fortran"] = "gfortran 12"
            await one.announce()
            assert (await farm.end_of(request)).state is RequestState.DONE
        assert one.built == ["base", "base"]
        await farm.close()

    scenario(work)


def test_what_one_refused_another_builds() -> None:
    async def work() -> None:
        farm = Machines({"base": Package()})
        async with farm.led() as coordinator:
            one = await farm.builder("one")
            one.script["base"] = [Report(outcome=Outcome.REFUSED, reason="no Fortran")]
            request = await coordinator.submit(wheels("base"))
            await until_quiet(lambda: one.built == ["base"])
            two = await farm.builder("two")
            assert (await farm.end_of(request)).state is RequestState.DONE
        assert two.built == ["base"]
        await farm.close()

    scenario(work)


def test_pause_drain_and_resume_act_on_one_builder_and_twice_is_once() -> None:
    async def work() -> None:
        farm = Machines({"base": Package()})
        async with farm.led() as coordinator:
            one = await farm.builder("one")
            await until_quiet(lambda: "one" in coordinator._roster.present())
            for event in (Paused(reason="lunch"), Paused(reason="lunch")):
                await coordinator.tell_builder("one", event, actor="ann")
            request = await coordinator.submit(wheels("base"))
            await until_quiet(lambda: bool(farm.jobs.ledger.jobs))
            key = next(iter(farm.jobs.ledger.jobs))
            assert await coordinator.why(key) == "1 of 1 builders could run it: one paused"
            await coordinator.tell_builder("one", Drained(), actor="ann")
            assert await coordinator.why(key) == "1 of 1 builders could run it: one drained"
            assert one.order == []
            await coordinator.tell_builder("one", Resumed(), actor="ann")
            assert (await farm.end_of(request)).state is RequestState.DONE
            assert await coordinator.tell_builder("nobody", Paused(), actor="ann") is None
        assert one.modes == [Mode.PAUSED, Mode.DRAINING, Mode.ACTIVE]
        assert len(await farm.happenings("builder.mode")) == 3
        await farm.close()

    scenario(work)


def test_a_builder_that_was_paused_while_it_was_away_is_told_when_it_comes() -> None:
    async def work() -> None:
        farm = Machines({})
        async with farm.led() as coordinator:
            one = await farm.builder("one", begin=False)
            await farm.builders.set_mode("one", Mode.PAUSED, "lunch")
            one.begin()
            await until_quiet(lambda: one.modes == [Mode.PAUSED])
            assert coordinator.leads
        await farm.close()

    scenario(work)


def test_a_builder_that_is_unwell_or_takes_nothing_gets_nothing() -> None:
    async def work() -> None:
        farm = Machines({"base": Package()})
        async with farm.led() as coordinator:
            one = await farm.builder("one", begin=False)
            one.health = Health(well=False, reason="1 GB of disk left")
            one.begin()
            request = await coordinator.submit(wheels("base"))
            await until_quiet(lambda: bool(farm.jobs.ledger.jobs))
            await until_quiet(lambda: "one" in coordinator._roster.present())
            key = next(iter(farm.jobs.ledger.jobs))
            assert "one unwell (1 GB of disk left)" in await coordinator.why(key)
            one.health, one.accepting = Health(), False
            await one.announce()
            await until_quiet(lambda: not coordinator._roster.standings()[0].accepting)
            assert one.order == []
            one.accepting = True
            await one.announce()
            assert (await farm.end_of(request)).state is RequestState.DONE
        await farm.close()

    scenario(work)


def test_what_was_boosted_goes_next() -> None:
    async def work() -> None:
        farm = Machines({"first": Package(), "second": Package(), "third": Package()})
        async with farm.led() as coordinator:
            one = await farm.builder("one", manual=True)
            request = await coordinator.submit(wheels("first", "second", "third"))
            await until_quiet(lambda: len(farm.jobs.ledger.jobs) == 3 and bool(one.running))
            begun = one.order[0]
            wanted = max({"first", "second", "third"} - {begun})
            selection = Selection(project=ProjectName(wanted))
            assert await coordinator.boost(selection, by=1, actor="ann") == 1
            for name in (begun, wanted):
                await until_quiet(lambda name=name: one.projects() == {name})  # type: ignore[misc]
                await one.release(name)
            assert one.order[1] == wanted
            await until_quiet(lambda: len(one.order) == 3 and bool(one.running))
            await one.release(one.order[2])
            await farm.end_of(request)
        await farm.close()

    scenario(work)


def test_owners_take_turns() -> None:
    async def work() -> None:
        farm = Machines(MANY)
        async with farm.led() as coordinator:
            ann = await coordinator.submit(wheels("a", "b", "c", "d", "e", "f", owner="ann"))
            await until_quiet(lambda: len(farm.jobs.ledger.jobs) == 6)
            bob = await coordinator.submit(wheels("g", "h", owner="bob"))
            await until_quiet(lambda: len(farm.jobs.ledger.jobs) == 8)
            one = await farm.builder("one", manual=True)
            two = await farm.builder("two", manual=True)
            await until_quiet(lambda: bool(one.running) and bool(two.running))
            assert {owner_of(one.order[0]), owner_of(two.order[0])} == {"ann", "bob"}
            one.manual = two.manual = False
            for machine in (one, two):
                await machine.release(machine.order[0])
            await asyncio.gather(farm.end_of(ann), farm.end_of(bob))
        await farm.close()

    scenario(work)


def owner_of(project: str) -> str:
    return "bob" if project in {"g", "h"} else "ann"


def test_what_ran_out_of_memory_waits_for_a_larger_builder() -> None:
    async def work() -> None:
        farm = Machines({"base": Package()})
        async with farm.led() as coordinator:
            small = await farm.builder("small")
            large = await farm.builder("large", facts={**X86, "memory_gb": 64, "more": 1})
            await until_quiet(lambda: len(coordinator._roster.present()) == 2)
            small.script["base"] = [Report(outcome=Outcome.RESOURCES, reason="cc1plus killed")]
            request = await coordinator.submit(wheels("base"))
            await until_quiet(lambda: bool(small.built))
            key = next(iter(farm.jobs.ledger.jobs))
            while not await farm.happenings("job.enlarged"):
                await turn()
            queued = await farm.queue.queued(key)
            assert queued is not None
            assert queued.terms.needs["memory_gb"] == ">=16"
        async with farm.led():
            # Whoever begins the request anew lets it wait where it waits.
            for _ in range(10):
                await turn()
            queued = await farm.queue.queued(key)
            assert queued is not None
            assert queued.terms.needs["memory_gb"] == ">=16"
            farm.clock.advance(10)
            assert (await farm.end_of(request)).state is RequestState.DONE
        assert (small.built, large.built) == (["base"], ["base"])
        await farm.close()

    scenario(work)


def test_a_job_that_is_handed_back_goes_out_again_without_a_count() -> None:
    async def work() -> None:
        farm = Machines({"base": Package()})
        async with farm.led() as coordinator:
            one = await farm.builder("one")
            one.script["base"] = [Report(outcome=Outcome.LOST)]
            request = await coordinator.submit(wheels("base"))
            assert (await farm.end_of(request)).state is RequestState.DONE
        job = next(iter(farm.jobs.ledger.jobs.values()))
        assert (job.state, job.counts, job.attempt) == (State.DONE, ((Outcome.BUILT, 1),), 2)
        assert len(await farm.happenings("job.returned")) == 1
        await farm.close()

    scenario(work)


def test_why_counts_who_comes_first_and_names_who_builds_what_is_needed() -> None:
    async def work() -> None:
        farm = Machines({"base": Package(), "top": Package(build=("base",)), "other": Package()})
        async with farm.led() as coordinator:
            request = await coordinator.submit(wheels("top", "other"))
            await until_quiet(lambda: len(farm.jobs.ledger.jobs) == 2)
            one = await farm.builder("one", manual=True)
            await until_quiet(lambda: bool(one.running))
            await one.announce()
            base = next(k for k, j in farm.jobs.ledger.jobs.items() if j.release.project == "base")
            other = next(
                k for k, j in farm.jobs.ledger.jobs.items() if j.release.project == "other"
            )
            await until_quiet(lambda: bool(coordinator._roster.holder(base).step))  # type: ignore[union-attr]
            assert one.projects() == {"base"}  # something waits for it
            assert await coordinator.why(base) == "is built on one, at step build for 0 s"
            assert await coordinator.why(other) == "1 of 1 builders could run it: one busy"
            undertaking = coordinator.undertaking(request.id)
            assert undertaking is not None
            assert undertaking.waits_for() == [
                "top==1.0 for cp311-manylinux_2_28_x86_64 waits for base 1.0, building on one"
            ]
            assert set(await coordinator.waits(request.id)) == {
                "other==1.0 for cp311-manylinux_2_28_x86_64: 1 of 1 builders could run it: one busy",
                "top==1.0 for cp311-manylinux_2_28_x86_64 waits for base 1.0, building on one",
            }
            await coordinator.cancel_request(request.id, actor="ann")
            await until_quiet(lambda: coordinator.undertaking(request.id) is None)
            assert await coordinator.waits(request.id) == ()
        await farm.close()

    scenario(work)
