"""A run: what it starts, when, and what is said of it."""

import asyncio
import threading
from collections.abc import Sequence

from coordinator.farm import Farm, farm, until
from coordinator.rows import finished, published
from plan.world import Package
from wheelyard.coordinator.run import Run
from wheelyard.coordinator.story import JobQueued, JobStarted
from wheelyard.plan.summary import Ending


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


def after_the_first(there: Farm, *requirements: str) -> str:
    """Return what one slot builds when three jobs were queued and the first requirement is built."""

    async def scenario() -> None:
        run = asyncio.create_task(there.run(requirements, slots=1).carry_out())
        await there.executor.until(requirements[0])
        await there.until_told(JobQueued, 3)
        await there.executor.release(requirements[0])
        await until(lambda: len(there.executor.order) == 2)
        run.cancel()
        await asyncio.wait({run})

    asyncio.run(asyncio.wait_for(scenario(), 20))
    return there.executor.order[1]


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

    assert after_the_first(there, "aaa", "alone", "top") == "base"


def test_time_of_earlier_builds_decides_what_is_urgent() -> None:
    there = farm({"aaa": Package(), "quick": Package(), "slow": Package()}, manual=True)
    durations = {"aaa": 900.0, "slow": 500.0, "quick": 1.0}

    async def known(projects: Sequence[str]) -> dict[str, float]:
        return {name: durations[name] for name in projects if name in durations}

    there.jobs.durations = known  # type: ignore[method-assign, assignment]

    assert after_the_first(there, "aaa", "quick", "slow") == "slow"


def test_what_is_known_to_take_long_goes_first_where_nothing_was_built_yet() -> None:
    there = farm({"aaa": Package(), "bbb": Package(), "cython": Package()}, manual=True)

    async def known(projects: Sequence[str]) -> dict[str, float]:
        return {name: 900.0 for name in projects if name == "aaa"}

    there.jobs.durations = known  # type: ignore[method-assign, assignment]

    assert after_the_first(there, "aaa", "bbb", "cython") == "cython"


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


def test_plan_without_building_starts_nothing() -> None:
    there = farm({"base": Package(), "top": Package(build=("base",))})

    rows = finished(there.run(("top",), build=False).carry_out())

    assert there.executor.order == []
    assert not any(isinstance(event, JobQueued | JobStarted) for event in there.told)
    assert {row.ending for row in rows.values()} == {Ending.PENDING}


def test_cycle_is_built_and_only_clean_wheels_are_published() -> None:
    there = farm({"a": Package(build=("b",)), "b": Package(build=("a",))})
    there.upstream.wheels = True

    rows = finished(there.run(("a",)).carry_out())

    assert {row.ending for row in rows.values()} == {Ending.BUILT}
    assert asyncio.run(published(there)) == ["built", "built"]
