"""A run: what it starts, when, and what becomes of it when things go wrong."""

import asyncio
import threading
from collections.abc import Coroutine, Sequence
from typing import Any

import pytest

from coordinator.farm import Farm, ScriptedExecutor, ended, farm, until
from plan.world import Package
from wheelyard.coordinator.run import Run
from wheelyard.coordinator.story import JobAwaited, JobEnded, JobQueued, JobStarted
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
from wheelyard.plan.summary import Ending, Row
from wheelyard.testing.memo import MemoryMemo


def finished(work: Coroutine[Any, Any, tuple[Row, ...]]) -> dict[str, Row]:
    rows = asyncio.run(asyncio.wait_for(work, 20))
    return {row.unit.release.project: row for row in rows}


def test_no_more_builds_run_than_there_are_slots_and_none_stands_idle() -> None:
    there = farm({name: Package() for name in "abcde"}, manual=True)

    async def scenario() -> None:
        run = asyncio.create_task(there.run(tuple("abcde"), slots=2).carry_out())
        await there.executor.until("a", "b")
        await there.executor.release("a")
        await there.executor.until("b", "c")
        for name in "bcde":
            await until(lambda name=name: name in there.executor.running)  # type: ignore[misc]
            await there.executor.release(name)
        await run

    asyncio.run(scenario())

    assert there.executor.most_at_once == 2


def test_what_most_waits_for_goes_first() -> None:
    there = farm(
        {
            "aaa": Package(),
            "alone": Package(),
            "base": Package(),
            "middle": Package(build=("base",)),
            "top": Package(build=("middle",)),
        },
        manual=True,
    )

    async def scenario() -> None:
        run = asyncio.create_task(there.run(("aaa", "alone", "top"), slots=1).carry_out())
        await there.executor.until("aaa")
        await there.until_told(JobQueued, 3)
        await there.executor.release("aaa")
        await there.executor.until("base")
        run.cancel()
        await asyncio.wait({run})

    asyncio.run(asyncio.wait_for(scenario(), 20))

    assert there.executor.order == ["aaa", "base"]


def test_time_of_earlier_builds_decides_what_is_urgent() -> None:
    there = farm({"aaa": Package(), "quick": Package(), "slow": Package()}, manual=True)
    durations = {"aaa": 900.0, "slow": 500.0, "quick": 1.0}

    async def known(projects: Sequence[str]) -> dict[str, float]:
        return {name: durations[name] for name in projects if name in durations}

    there.jobs.durations = known  # type: ignore[method-assign, assignment]

    async def scenario() -> None:
        run = asyncio.create_task(there.run(("aaa", "quick", "slow"), slots=1).carry_out())
        await there.executor.until("aaa")
        await there.until_told(JobQueued, 3)
        await there.executor.release("aaa")
        await there.executor.until("slow")
        run.cancel()
        await asyncio.wait({run})

    asyncio.run(asyncio.wait_for(scenario(), 20))

    assert there.executor.order == ["aaa", "slow"]


def test_what_is_known_to_take_long_goes_first_where_nothing_was_built_yet() -> None:
    there = farm({"aaa": Package(), "bbb": Package(), "cython": Package()}, manual=True)

    async def known(projects: Sequence[str]) -> dict[str, float]:
        return {name: 900.0 for name in projects if name == "aaa"}

    there.jobs.durations = known  # type: ignore[method-assign, assignment]

    async def scenario() -> None:
        run = asyncio.create_task(there.run(("aaa", "bbb", "cython"), slots=1).carry_out())
        await there.executor.until("aaa")
        await there.until_told(JobQueued, 3)
        await there.executor.release("aaa")
        await there.executor.until("cython")
        run.cancel()
        await asyncio.wait({run})

    asyncio.run(asyncio.wait_for(scenario(), 20))

    assert there.executor.order == ["aaa", "cython"]


def test_standing_counts_what_is_settled_and_what_runs() -> None:
    there = farm({"base": Package(), "top": Package(build=("base",))}, manual=True)

    async def scenario() -> None:
        run = there.run(("top",), slots=1)
        work = asyncio.create_task(run.carry_out())
        await there.executor.until("base")
        standing = run.standing()
        assert (standing.units, standing.settled) == (2, 0)
        assert [unit.release.project for unit in standing.running] == ["base"]
        assert 19 < standing.seconds_left <= 20
        await there.executor.release("base")
        await there.executor.until("top")
        assert run.standing().settled == 1
        await there.executor.release("top")
        await work
        assert run.standing().settled == 2
        assert run.standing().seconds_left == 0

    asyncio.run(scenario())


def test_standing_may_be_asked_by_another_thread() -> None:
    there = farm({"base": Package()}, manual=True)
    answers: list[object] = []

    def ask(run: Run) -> None:
        try:
            answers.append(run.standing().units)
        except RuntimeError as error:
            answers.append(error)

    async def scenario() -> None:
        run = there.run(("base",))
        work = asyncio.create_task(run.carry_out())
        await there.executor.until("base")
        thread = threading.Thread(target=ask, args=(run,))
        thread.start()
        thread.join()
        await there.executor.release("base")
        await work

    asyncio.run(scenario())

    assert answers == [1]


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


def test_plan_without_building_starts_nothing() -> None:
    there = farm({"base": Package(), "top": Package(build=("base",))})

    rows = finished(there.run(("top",), build=False).carry_out())

    assert there.executor.order == []
    assert not any(isinstance(event, JobQueued | JobStarted) for event in there.told)
    assert {row.ending for row in rows.values()} == {Ending.PENDING}


def test_second_run_builds_nothing() -> None:
    there = farm({"base": Package(), "top": Package(build=("base",))})
    finished(there.run(("top",)).carry_out())
    there.executor.order.clear()

    rows = finished(there.run(("top",)).carry_out())

    assert there.executor.order == []
    assert rows["top"].ending is Ending.REUSED


def test_cycle_is_built_and_only_clean_wheels_are_published() -> None:
    there = farm({"a": Package(build=("b",)), "b": Package(build=("a",))})
    there.upstream.wheels = True

    rows = finished(there.run(("a",)).carry_out())

    assert {row.ending for row in rows.values()} == {Ending.BUILT}
    assert asyncio.run(_published(there)) == ["built", "built"]


async def _published(there: Farm) -> list[str]:
    return [
        artifact.origin.value
        for project in await there.artifacts.projects()
        for artifact in await there.artifacts.of_project(project)
    ]


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


def test_job_that_another_run_has_is_awaited_and_its_result_taken() -> None:
    there = farm({"base": Package()}, manual=True)
    second = ScriptedExecutor(there.world)

    async def scenario() -> tuple[Row, ...]:
        first = asyncio.create_task(there.run(("base",), name="one").carry_out())
        await there.executor.until("base")
        other = asyncio.create_task(there.run(("base",), name="two", executor=second).carry_out())
        await there.until_told(JobAwaited)
        await there.executor.release("base")
        await first
        return await other

    rows = finished(scenario())

    assert rows["base"].ending is Ending.BUILT
    assert second.order == []


def test_job_whose_other_run_ended_without_a_result_is_taken_up() -> None:
    there = farm({"base": Package()}, manual=True)
    second = ScriptedExecutor(there.world)

    async def scenario() -> tuple[Row, ...]:
        first = asyncio.create_task(there.run(("base",), name="one").carry_out())
        await there.executor.until("base")
        other = asyncio.create_task(there.run(("base",), name="two", executor=second).carry_out())
        await there.until_told(JobAwaited)
        first.cancel()
        await asyncio.wait({first})
        await there.jobs.release_owner("one")
        return await other

    rows = finished(scenario())

    assert rows["base"].ending is Ending.BUILT
    assert second.order == ["base"]


def test_job_that_failed_in_an_earlier_run_is_tried_again_by_a_new_one() -> None:
    there = farm({"base": Package()})
    there.executor.script["base"] = [ended(Outcome.FAILED, "no C compiler")]
    first = finished(there.run(("base",)).carry_out())

    second = finished(there.run(("base",)).carry_out())

    assert first["base"].reason == "no C compiler"
    assert second["base"].ending is Ending.BUILT


def test_job_that_was_held_while_it_was_awaited_ends_with_its_reason() -> None:
    there = farm({"base": Package()}, manual=True)
    second = ScriptedExecutor(there.world)

    async def scenario() -> tuple[Row, ...]:
        first = asyncio.create_task(there.run(("base",), name="one").carry_out())
        await there.executor.until("base")
        other = asyncio.create_task(there.run(("base",), name="two", executor=second).carry_out())
        await there.until_told(JobAwaited)
        (key,) = await there.jobs.keys("")
        await there.jobs.hold(key, "somebody wants to look")
        rows = await other
        first.cancel()
        await asyncio.wait({first})
        return rows

    rows = finished(scenario())

    assert rows["base"].ending is Ending.FAILED
    assert "somebody wants to look" in rows["base"].reason


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
    assert asyncio.run(_published(there)) == ["built"]


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
