"""What becomes of a run when things go wrong, and of its jobs when it is stopped."""

import asyncio

import pytest

from coordinator.farm import Farm, ended, farm, until
from coordinator.rows import finished, published
from plan.world import Package
from wheelyard.coordinator.run import Run
from wheelyard.coordinator.story import JobEnded
from wheelyard.errors import (
    InvalidArchiveError,
    OutOfSpaceError,
    SandboxError,
    StoreError,
    ToolError,
    UpstreamError,
    WheelyardError,
)
from wheelyard.jobs.job import State
from wheelyard.model.job import Outcome
from wheelyard.plan.summary import Ending
from wheelyard.testing.memo import MemoryMemo


def test_sdist_that_cannot_be_prepared_fails_its_unit() -> None:
    there = farm({"bad": Package(), "good": Package()})
    there.unprepared["bad"] = InvalidArchiveError("a corrupt sdist")

    rows = finished(there.run(("bad", "good")).carry_out())

    assert (rows["bad"].ending, rows["bad"].reason) == (Ending.FAILED, "a corrupt sdist")
    assert rows["good"].ending is Ending.BUILT


@pytest.mark.parametrize(
    "error", [UpstreamError("not to be had"), SandboxError("no sandbox"), ToolError("no uv")]
)
def test_what_the_farm_could_not_prepare_waits_for_its_next_try(error: WheelyardError) -> None:
    there = farm({"bad": Package(), "good": Package()})
    there.unprepared["bad"] = error

    async def scenario() -> None:
        run = asyncio.create_task(there.run(("bad", "good"), slots=1).carry_out())
        await there.until_told(JobEnded, 2)
        run.cancel()
        await asyncio.wait({run})

    asyncio.run(asyncio.wait_for(scenario(), 20))

    ends = {
        str(event.unit.release.project): event
        for event in there.told
        if isinstance(event, JobEnded)
    }
    assert ends["bad"].report.outcome is Outcome.INFRASTRUCTURE
    assert (ends["bad"].again_in or 0) > 0
    assert ends["good"].report.outcome is Outcome.BUILT


def test_build_that_the_farm_failed_is_tried_again() -> None:
    there = farm({"base": Package(), "top": Package(build=("base",))})
    there.executor.script["base"] = [ended(Outcome.LOST), ended(Outcome.LOST)]

    rows = finished(there.run(("top",)).carry_out())

    assert there.executor.order == ["base", "base", "base", "top"]
    assert rows["top"].ending is Ending.BUILT
    retried = [e.again_in is not None for e in there.told if isinstance(e, JobEnded)]
    assert retried == [True, True, False, False]


def test_cancelling_a_run_stops_its_builds_and_its_questions() -> None:
    there = farm({"base": Package(), "asks": Package(build=("base",))}, manual=True)

    async def scenario() -> None:
        work = asyncio.create_task(there.run(("base",)).carry_out())
        await there.executor.until("base")
        there.resolver.hold = asyncio.Event()
        other = asyncio.create_task(there.run(("asks",)).carry_out())
        await until(lambda: len(there.resolver.asked) == 2)
        work.cancel()
        other.cancel()
        await asyncio.wait({work, other})
        assert work.cancelled()
        assert other.cancelled()
        left = asyncio.all_tasks() - {asyncio.current_task()}
        assert left == set()

    asyncio.run(scenario())

    assert there.executor.killed == ["base"]
    assert there.resolver.stopped == 1


def test_bug_in_an_executor_ends_the_run_and_stops_the_other_builds() -> None:
    there = farm({"bug": Package(), "other": Package()}, manual=True)
    there.executor.script["bug"] = [ZeroDivisionError("a bug")]

    async def scenario() -> None:
        work = asyncio.create_task(there.run(("bug", "other")).carry_out())
        await there.executor.until("bug", "other")
        await there.executor.release("bug")
        with pytest.raises(ExceptionGroup) as caught:
            await work
        assert caught.group_contains(ZeroDivisionError)

    asyncio.run(scenario())

    assert there.executor.killed == ["other"]


def test_source_that_needs_a_missing_program_fails_its_release_only() -> None:
    there = farm({"bad": Package(), "good": Package()})
    there.upstream.errors["bad"] = ToolError("git is missing")

    rows = finished(there.run(("bad", "good")).carry_out())

    assert (rows["bad"].ending, rows["bad"].reason) == (Ending.FAILED, "git is missing")
    assert rows["good"].ending is Ending.BUILT


def test_full_disk_fails_a_release_and_a_broken_store_the_run() -> None:
    there = farm({"bad": Package(), "good": Package()})
    there.upstream.errors["bad"] = OutOfSpaceError("the disk is full")
    assert finished(there.run(("bad", "good")).carry_out())["bad"].reason == "the disk is full"

    there.upstream.errors["bad"] = StoreError("the database is gone")
    with pytest.raises(ExceptionGroup) as caught:
        finished(farm_again(there).carry_out())
    assert caught.group_contains(StoreError)


def farm_again(there: Farm) -> Run:
    there.memory = MemoryMemo()
    return there.run(("bad", "good"))


def test_wheel_of_a_job_that_ended_before_it_was_published_is_published() -> None:
    there = farm({"base": Package()})
    publish = there.artifacts.publish

    async def dies(artifact: object) -> object:
        raise KeyboardInterrupt

    there.artifacts.publish = dies  # type: ignore[method-assign, assignment]
    with pytest.raises(KeyboardInterrupt):
        finished(there.run(("base",)).carry_out())
    there.artifacts.publish = publish  # type: ignore[method-assign]
    there.executor.order.clear()

    rows = finished(there.run(("base",)).carry_out())

    assert rows["base"].ending is Ending.REUSED
    assert there.executor.order == []
    assert asyncio.run(published(there)) == ["built"]


def test_job_of_a_run_that_was_interrupted_is_not_finished() -> None:
    there = farm({"base": Package()}, manual=True)

    async def scenario() -> None:
        work = asyncio.create_task(there.run(("base",)).carry_out())
        await there.executor.until("base")
        work.cancel()
        await asyncio.wait({work})
        (key,) = await there.jobs.keys("")
        job = await there.jobs.job(key)
        assert job is not None
        assert job.state is State.LEASED
        assert await there.jobs.release_owner("builder") == 1

    asyncio.run(scenario())
