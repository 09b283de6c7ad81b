"""What a farm survives: rows of the list of faults that a coordinator answers for."""

import asyncio
from dataclasses import replace

import pytest

from coordinator.machines import (
    QUICK,
    CrashError,
    Machines,
    ScriptedBuilder,
    ended,
    scenario,
    turn,
    until_quiet,
    wheels,
)
from plan.world import Package
from wheelyard.coordinator.farm.coordinator import Coordinator
from wheelyard.errors import BusError, InvalidArchiveError, StoreError
from wheelyard.farm_ports import Role, Token
from wheelyard.jobs.builder_life import Revoked
from wheelyard.jobs.job import Job, State
from wheelyard.jobs.selection import Selection
from wheelyard.model.builder import Builder
from wheelyard.model.job import Finding, Offer, Outcome, Report, Verdict
from wheelyard.model.request import Request, RequestState
from wheelyard.protocol.messages import Result

BASE = {"base": Package()}


async def begun(farm: Machines, coordinator: Coordinator) -> tuple[ScriptedBuilder, Request]:
    """Have one builder run one job."""
    one = await farm.builder("one", manual=True)
    request = await coordinator.submit(wheels("base"))
    await until_quiet(lambda: bool(one.running))
    return one, request


def only_job(farm: Machines) -> Job:
    (job,) = farm.jobs.ledger.jobs.values()
    return job


def result_of(one: ScriptedBuilder, report: Report | None = None) -> Result:
    """Return what a builder would say of the job that it runs."""
    ((offer, _),) = one.running.values()
    return Result(
        builder=one.name,
        key=offer.key,
        fence=offer.fence,
        report=report or one.report(offer),
    )


def test_1_job_of_a_killed_builder_runs_elsewhere_and_is_recorded_as_lost() -> None:
    async def work() -> None:
        farm = Machines(BASE)
        async with farm.led() as coordinator:
            one, request = await begun(farm, coordinator)
            await one.end()
            two = await farm.builder("two")
            assert (await farm.end_of(request)).state is RequestState.DONE
        assert two.built == ["base"]
        job = only_job(farm)
        assert job.counts == ((Outcome.BUILT, 1), (Outcome.LOST, 1))
        assert await farm.happenings("builder.lost") == ["one"]
        await farm.close()

    scenario(work)


def test_3_and_5_who_was_silent_too_long_is_told_to_stop_and_changes_nothing() -> None:
    async def work() -> None:
        farm = Machines(BASE)
        async with farm.led() as coordinator:
            one, request = await begun(farm, coordinator)
            late = result_of(one)
            await one.cut()
            two = await farm.builder("two", manual=True)
            await until_quiet(lambda: bool(two.running))
            one.begin()
            await until_quiet(lambda: one.killed == ["base"])
            await one.say(late)
            await until_quiet(lambda: bool(one.settled))
            assert not one.settled[0].accepted
            assert only_job(farm).state is State.LEASED
            await two.release("base")
            assert (await farm.end_of(request)).state is RequestState.DONE
        assert only_job(farm).builder == "two"
        await farm.close()

    scenario(work)


def test_4_silence_shorter_than_the_lease_changes_nothing() -> None:
    async def work() -> None:
        farm = Machines(BASE, replace(QUICK, lease=30.0))
        async with farm.led() as coordinator:
            one, request = await begun(farm, coordinator)
            await one.cut()
            for _ in range(20):
                await turn()
            one.begin()
            await one.release("base")
            assert (await farm.end_of(request)).state is RequestState.DONE
        assert only_job(farm).attempt == 1
        await farm.close()

    scenario(work)


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


def test_9_outages_of_bus_and_database_lose_nothing() -> None:
    async def work() -> None:
        farm = Machines({name: Package() for name in "abcd"})
        order, finish, outages = farm.bus.order, farm.jobs.finish, [2, 2]

        async def flaky_order(builder: str, content: bytes, *, name: str) -> None:
            if outages[0]:
                outages[0] -= 1
                raise BusError("the bus is away")
            await order(builder, content, name=name)

        async def flaky_finish(*arguments: object) -> Job | None:
            if outages[1]:
                outages[1] -= 1
                raise StoreError("the database is away")
            return await finish(*arguments)  # type: ignore[arg-type]

        farm.bus.order = flaky_order  # type: ignore[method-assign]
        farm.jobs.finish = flaky_finish  # type: ignore[method-assign, assignment]
        async with farm.led() as coordinator:
            await farm.builder("one", slots=2)
            request = await coordinator.submit(wheels("a", "b", "c", "d"))
            assert (await farm.end_of(request)).state is RequestState.DONE
        assert outages == [0, 0]
        assert {job.counts for job in farm.jobs.ledger.jobs.values()} == {((Outcome.BUILT, 1),)}
        await farm.close()

    scenario(work)


def test_9_time_without_a_bus_is_no_silence_of_builders() -> None:
    async def work() -> None:
        farm = Machines(BASE, replace(QUICK, lease=0.05))
        async with farm.led() as coordinator:
            one, request = await begun(farm, coordinator)
            farm.reachable = False
            await one.cut()
            before = coordinator._roster.now
            for _ in range(60):
                await turn()
            assert coordinator._roster.now - before <= 0.05
            one.begin()
            await one.announce()
            farm.reachable = True
            await one.release("base")
            assert (await farm.end_of(request)).state is RequestState.DONE
        assert only_job(farm).attempt == 1
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


def test_11_the_same_result_five_times_at_once_is_one_transition_event_and_letter() -> None:
    async def work() -> None:
        farm = Machines(BASE)
        async with farm.led() as coordinator:
            one = await farm.builder("one", manual=True)
            request = await coordinator.submit(wheels("base", notify=("mailto:ann@example.org",)))
            await until_quiet(lambda: bool(one.running))
            result, finish = result_of(one), farm.jobs.finish

            async def slow(*arguments: object) -> Job | None:
                await turn()
                return await finish(*arguments)  # type: ignore[arg-type]

            farm.jobs.finish = slow  # type: ignore[method-assign, assignment]
            await asyncio.gather(*(one.say(result) for _ in range(5)))
            await farm.end_of(request)
            await until_quiet(lambda: len(one.settled) == 5 and bool(farm.letters.sent))
        assert all(settled.accepted for settled in one.settled)
        assert only_job(farm).counts == ((Outcome.BUILT, 1),)
        assert len(await farm.happenings("job.ended")) == 1
        assert len(farm.letters.sent) == 1
        await farm.close()

    scenario(work)


def test_12_of_two_attempts_with_different_bytes_the_first_counts_and_the_other_is_evidence() -> (
    None
):
    async def work() -> None:
        farm = Machines(BASE)
        async with farm.led() as coordinator:
            one, request = await begun(farm, coordinator)
            first = result_of(one)
            assert first.report.artifact is not None
            other = replace(first.report.artifact, digest="sha256:" + "f" * 64)
            late = replace(first, report=replace(first.report, artifact=other))
            await one.cut()
            two = await farm.builder("two")
            assert (await farm.end_of(request)).state is RequestState.DONE
            one.begin()
            await one.say(late)
            await until_quiet(lambda: bool(one.settled))
        (published,) = await farm.local.artifacts.of_release(only_job(farm).release)
        assert published.digest == first.report.artifact.digest
        assert two.built == ["base"]
        (line,) = [e for e in await farm.events.read() if e.action == "artifact.differed"]
        assert (line.detail["digest"], line.detail["other"]) == (other.digest, published.digest)
        await farm.close()

    scenario(work)


def test_15_failures_of_a_broken_builder_are_nobodys_but_its_own() -> None:
    async def work() -> None:
        farm = Machines({name: Package() for name in "abcdefghij"}, replace(QUICK, doubt=30.0))
        async with farm.led() as coordinator:
            broken = await farm.builder("broken", slots=2)
            broken.everything = lambda _: Report(outcome=Outcome.FAILED, reason="cc is gone")
            good = await farm.builder("good", manual=True)
            await until_quiet(lambda: len(coordinator._roster.present()) == 2)
            request = await coordinator.submit(wheels(*"abcdefghij"))
            await until_quiet(lambda: coordinator.undertaking(request.id) is not None)
            undertaking = coordinator.undertaking(request.id)
            while (await farm.happenings("builder.alarm")) != ["broken"]:
                await turn()
            # Nobody heard of any failure, so nothing had to be thought over.
            assert undertaking is coordinator.undertaking(request.id)
            assert undertaking is not None
            assert len(undertaking.keys()) == 10
            good.manual = False
            for project in good.projects():
                await good.release(project)
            assert (await farm.end_of(request)).state is RequestState.DONE
        assert sorted(good.built) == sorted("abcdefghij")
        assert {job.outcome for job in farm.jobs.ledger.jobs.values()} == {Outcome.BUILT}
        assert len(await farm.happenings("job.doubted")) >= 5
        await farm.close()

    scenario(work)


def test_15_failures_that_come_at_once_all_count_and_are_all_doubted() -> None:
    async def work() -> None:
        names = "abcdef"
        farm = Machines({name: Package() for name in names}, replace(QUICK, doubt=30.0))
        read = farm.builders.get

        async def slowly(name: str) -> Builder | None:
            found = await read(name)
            await turn()
            return found

        farm.builders.get = slowly  # type: ignore[method-assign]
        async with farm.led() as coordinator:
            broken = await farm.builder("broken", slots=6, manual=True)
            broken.everything = lambda _: Report(outcome=Outcome.FAILED, reason="cc is gone")
            request = await coordinator.submit(wheels(*names))
            await until_quiet(lambda: len(broken.running) == 6)
            good = await farm.builder("good", slots=6)
            for name in names:
                await broken.release(name)
            assert (await farm.end_of(request)).state is RequestState.DONE
        assert sorted(good.built) == sorted(names)
        assert await farm.happenings("builder.alarm") == ["broken"]
        assert len(await farm.happenings("job.doubted")) == 6
        await farm.close()

    scenario(work)


def test_15_a_builder_in_quarantine_returns_when_a_probe_passes() -> None:
    async def work() -> None:
        farm = Machines({name: Package() for name in "abcdefgh"})
        async with farm.led() as coordinator:
            one = await farm.builder("one")
            one.everything = lambda _: Report(outcome=Outcome.INFRASTRUCTURE, reason="no disk")
            request = await coordinator.submit(wheels(*"abcdefgh"))
            while (await farm.happenings("builder.alarm")) != ["one"]:
                await turn()
            got = len(one.order)
            for _ in range(10):
                await turn()
            assert len(one.order) == got
            one.everything = None
            coordinator._roster.now += 61
            for held in coordinator._roster.held():
                held.vouched += 61
            await one.announce()
            while [mode.value for mode in one.modes][-1] != "active":
                # Never a whole lease at once: then the builder would be silent, and its probe lost.
                coordinator._roster.now += 20
                for held in coordinator._roster.held():
                    held.vouched += 20
                await one.announce()
                await turn()
            farm.clock.advance(600)
            assert (await farm.end_of(request)).state is RequestState.DONE
        await farm.close()

    scenario(work)


def test_15_what_fails_elsewhere_too_clears_the_builder() -> None:
    async def work() -> None:
        farm = Machines({name: Package() for name in "abcdefg"}, replace(QUICK, doubt=30.0))

        async with farm.led() as coordinator:
            one = await farm.builder("one", slots=2)
            two = await farm.builder("two", manual=True)
            await until_quiet(lambda: len(coordinator._roster.present()) == 2)
            for machine in (one, two):
                machine.everything = lambda _: Report(outcome=Outcome.FAILED, reason="bad code")
            request = await coordinator.submit(wheels(*"abcdefg"))
            while (await farm.happenings("builder.alarm")) != ["one"]:
                await turn()
            two.everything = lambda offer: Report(outcome=Outcome.FAILED, reason="bad code")
            two.manual = False
            for project in two.projects():
                await two.release(project)
            await until_quiet(lambda: [m.value for m in one.modes] == ["quarantined", "active"])
            await coordinator.cancel_request(request.id, actor="ann")
        await farm.close()

    scenario(work)


def test_19_a_cancelled_job_is_killed_and_its_late_result_changes_nothing() -> None:
    async def work() -> None:
        farm = Machines(BASE)
        async with farm.led() as coordinator:
            one, request = await begun(farm, coordinator)
            late = result_of(one)
            key = only_job(farm).key
            assert await coordinator.cancel(key, actor="ann", reason="a mistake")
            assert not await coordinator.cancel(key, actor="ann", reason="a mistake")
            end = await farm.end_of(request)
            assert "cancelled: a mistake" in end.reason
            await until_quiet(lambda: one.killed == ["base"])
            await one.say(late)
            await until_quiet(lambda: bool(one.settled))
        assert not one.settled[0].accepted
        assert only_job(farm).state is State.CANCELLED
        await farm.close()

    scenario(work)


@pytest.mark.parametrize("hours", [1, -1])
def test_20_a_clock_that_jumps_lets_no_lease_expire(hours: int) -> None:
    async def work() -> None:
        farm = Machines(BASE)
        async with farm.led() as coordinator:
            one, request = await begun(farm, coordinator)
            farm.clock.advance(hours * 3600)
            for _ in range(50):
                await turn()
            await one.release("base")
            assert (await farm.end_of(request)).state is RequestState.DONE
        assert (only_job(farm).attempt, one.killed) == (1, [])
        await farm.close()

    scenario(work)


def test_20_a_revoked_builder_is_shut_out_and_its_job_runs_elsewhere() -> None:
    async def work() -> None:
        farm = Machines(BASE)
        async with farm.led() as coordinator:
            one, request = await begun(farm, coordinator)
            token = Token(
                id="t1",
                secret_digest="",
                role=Role.BUILDER,
                subject="one",
                created=farm.clock.now(),
            )
            await farm.tokens.add(token)
            await coordinator.tell_builder("one", Revoked(reason="sold"), actor="ann")
            two = await farm.builder("two")
            assert (await farm.end_of(request)).state is RequestState.DONE
            await one.announce()
            await turn()
            assert "one" not in coordinator._roster.present()
        kept = await farm.tokens.get("t1")
        assert kept is not None
        assert kept.revoked
        assert two.built == ["base"]
        assert only_job(farm).counts == ((Outcome.BUILT, 1),)
        await farm.close()

    scenario(work)


def test_21_words_that_cannot_be_read_or_speak_for_others_are_dropped_and_flagged() -> None:
    async def work() -> None:
        farm = Machines(BASE)
        async with farm.led() as coordinator:
            one, request = await begun(farm, coordinator)
            evil = await farm.builder("evil", begin=False)
            await evil.end_of_bus.say(b"\xff{", name="1")
            await evil.say(replace(result_of(one), builder="one"), name="2")
            while len(await farm.happenings("builder.flagged")) < 2:
                await turn()
            assert only_job(farm).state is State.LEASED
            await evil.say(replace(result_of(one), builder="evil"), name="3")
            await until_quiet(lambda: "result.late" in [e.action for e in farm.events._kept])
            assert only_job(farm).state is State.LEASED
            await one.release("base")
            assert (await farm.end_of(request)).state is RequestState.DONE
        assert await farm.happenings("builder.flagged") == ["evil", "evil"]
        await farm.close()

    scenario(work)


def test_21_a_wheel_whose_bytes_are_not_the_jobs_is_refused_and_never_visible() -> None:
    async def work() -> None:
        farm = Machines(BASE)
        farm.looks.faults["base"] = InvalidArchiveError(
            "the wheel is refused: its name is another's"
        )
        async with farm.led() as coordinator:
            one, request = await begun(farm, coordinator)
            await one.release("base")
            await until_quiet(lambda: bool(one.settled))
            job = only_job(farm)
            assert (job.state, job.counts) == (State.READY, ((Outcome.INFRASTRUCTURE, 1),))
            assert await farm.local.artifacts.projects() == []
            assert len(await farm.happenings("result.refused")) == 1
            del farm.looks.faults["base"]
            one.manual = False
            farm.clock.advance(60)
            assert (await farm.end_of(request)).state is RequestState.DONE
        await farm.close()

    scenario(work)


def test_19_dependants_of_a_failure_revive_when_it_is_tried_again() -> None:
    async def work() -> None:
        tree = {"base": Package(), "top": Package(build=("base",)), "slow": Package()}
        farm = Machines(tree)
        async with farm.led() as coordinator:
            one = await farm.builder("one", slots=2, manual=True)
            one.script["base"] = [Report(outcome=Outcome.FAILED, reason="no Rust compiler")]
            request = await coordinator.submit(wheels("top", "slow"))
            await until_quiet(lambda: one.projects() == {"base", "slow"})
            await one.release("base")
            while not await farm.happenings("job.ended"):
                await turn()
            undertaking = coordinator.undertaking(request.id)
            await until_quiet(lambda: undertaking is not None and len(undertaking.keys()) == 1)
            selection = Selection(outcome=Outcome.FAILED)
            assert len(await coordinator.retry(selection, actor="ann", preview=True)) == 1
            assert len(await coordinator.retry(selection, actor="ann")) == 1
            for name in ("base", "top", "slow"):
                await until_quiet(lambda name=name: name in one.projects())  # type: ignore[misc]
                await one.release(name)
            assert (await farm.end_of(request)).state is RequestState.DONE
        assert one.order.count("slow") == 1
        await farm.close()

    scenario(work)


def test_20_with_a_full_disk_nothing_is_given_out_until_there_is_room() -> None:
    async def work() -> None:
        farm = Machines(BASE)
        farm.room = False
        async with farm.led() as coordinator:
            one = await farm.builder("one")
            request = await coordinator.submit(wheels("base"))
            await until_quiet(lambda: bool(farm.jobs.ledger.jobs))
            for _ in range(20):
                await turn()
            assert one.order == []
            assert "room on the farm's own disk" in await coordinator.why(only_job(farm).key)
            farm.room = True
            assert (await farm.end_of(request)).state is RequestState.DONE
        await farm.close()

    scenario(work)


def test_a_held_wheel_that_a_person_approves_lets_its_request_go_on() -> None:
    async def work() -> None:
        farm = Machines({"base": Package(), "slow": Package()})
        async with farm.led() as coordinator:
            one = await farm.builder("one", slots=2, manual=True)
            honest = one.report
            finding = Finding(check="leak", message="a path leaks", verdict=Verdict.HOLD)

            def suspicious(offer: Offer) -> Report:
                made = honest(offer)
                return (
                    replace(made, findings=(finding,)) if offer.release.project == "base" else made
                )

            one.report = suspicious  # type: ignore[method-assign]
            request = await coordinator.submit(wheels("base", "slow"))
            await until_quiet(lambda: one.projects() == {"base", "slow"})
            await one.release("base")
            base = next(k for k, j in farm.jobs.ledger.jobs.items() if j.release.project == "base")
            await until_quiet(lambda: farm.jobs.ledger.jobs[base].state is State.HELD)
            undertaking = coordinator.undertaking(request.id)
            await until_quiet(lambda: undertaking is not None and len(undertaking.keys()) == 1)
            assert await coordinator.approve(base, actor="ann")
            assert not await coordinator.approve(base, actor="ann")
            await until_quiet(lambda: coordinator.undertaking(request.id) is not undertaking)
            await one.release("slow")
            assert (await farm.end_of(request)).state is RequestState.DONE
        assert await farm.local.artifacts.projects() == ["base", "slow"]
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


def test_15_what_fails_on_a_builder_in_quarantine_says_nothing_and_runs_elsewhere() -> None:
    async def work() -> None:
        farm = Machines({name: Package() for name in "abcdef"})
        async with farm.led() as coordinator:
            broken = await farm.builder("broken", slots=6, manual=True)
            broken.everything = lambda offer: Report(
                outcome=Outcome.FAILED if offer.release.project == "f" else Outcome.INFRASTRUCTURE,
                reason="no disk",
            )
            request = await coordinator.submit(wheels(*"abcdef"))
            await until_quiet(lambda: len(broken.running) == 6)
            for name in "abcde":
                await broken.release(name)
            while (await farm.happenings("builder.alarm")) != ["broken"]:
                await turn()
            await broken.release("f")
            await farm.builder("good")
            farm.clock.advance(600)
            assert (await farm.end_of(request)).state is RequestState.DONE
        job = next(j for j in farm.jobs.ledger.jobs.values() if j.release.project == "f")
        assert job.counts == ((Outcome.BUILT, 1), (Outcome.REFUSED, 1))
        await farm.close()

    scenario(work)
