"""Results that come twice, late, broken or forged, and what people decide on them. The numbers are rows of the list of faults."""

import asyncio
from dataclasses import replace

from coordinator.asked import wheels
from coordinator.machines import Machines
from coordinator.one_job import BASE, begun, only_job, result_of
from coordinator.waiting import scenario, turn, until_quiet
from plan.world import Package
from wheelyard.errors import InvalidArchiveError
from wheelyard.jobs.job import Job, State
from wheelyard.jobs.selection import Selection
from wheelyard.model.job import Finding, Offer, Outcome, Report, Verdict
from wheelyard.model.request import RequestState


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
