"""Jobs that another run has, or had before: awaited, taken up, tried again."""

import asyncio

from coordinator.farm import Farm, ScriptedExecutor, ended, farm
from coordinator.rows import finished
from plan.world import Package
from wheelyard.coordinator.story import JobAwaited
from wheelyard.model.job import Outcome
from wheelyard.plan.summary import Ending, Row


def test_second_run_builds_nothing() -> None:
    there = farm({"base": Package(), "top": Package(build=("base",))})
    finished(there.run(("top",)).carry_out())
    there.executor.order.clear()

    rows = finished(there.run(("top",)).carry_out())

    assert there.executor.order == []
    assert rows["top"].ending is Ending.REUSED


async def one_waits_for_the_other(
    there: Farm, second: ScriptedExecutor
) -> tuple[asyncio.Task[tuple[Row, ...]], asyncio.Task[tuple[Row, ...]]]:
    """Have a run build, and another wait for it that builds by the second executor."""
    first = asyncio.create_task(there.run(("base",), name="one").carry_out())
    await there.executor.until("base")
    other = asyncio.create_task(there.run(("base",), name="two", executor=second).carry_out())
    await there.until_told(JobAwaited)
    return first, other


def test_job_that_another_run_has_is_awaited_and_its_result_taken() -> None:
    there = farm({"base": Package()}, manual=True)
    second = ScriptedExecutor(there.world)

    async def scenario() -> tuple[Row, ...]:
        first, other = await one_waits_for_the_other(there, second)
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
        first, other = await one_waits_for_the_other(there, second)
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
        first, other = await one_waits_for_the_other(there, second)
        (key,) = await there.jobs.keys("")
        await there.jobs.hold(key, "somebody wants to look")
        rows = await other
        first.cancel()
        await asyncio.wait({first})
        return rows

    rows = finished(scenario())

    assert rows["base"].ending is Ending.FAILED
    assert "somebody wants to look" in rows["base"].reason
