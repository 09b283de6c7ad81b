"""What a run takes over from others, what it waits for, and what makes it build again."""

import asyncio
from dataclasses import replace

import pytest

from coordinator.farm import Farm, ScriptedExecutor, ended, farm, until
from coordinator.rows import finished
from plan.world import Package, target, wheel
from wheelyard.coordinator.story import JobAwaited, JobDelayed, JobEnded, JobHeld
from wheelyard.model.artifact import Origin
from wheelyard.model.job import Finding, Outcome, Report, Verdict
from wheelyard.model.release import Release
from wheelyard.plan.events import UnitId
from wheelyard.plan.summary import Ending, Row

BASE = UnitId(Release.of("base", "1.0"), target("cp311"))


def built_again(there: Farm, **changes: str | tuple[str, ...]) -> list[str]:
    """Run a second time and return what was built then."""
    there.executor.order.clear()
    rows = finished(there.run(("base",), **changes).carry_out())  # type: ignore[arg-type]
    assert rows["base"].ending in {Ending.BUILT, Ending.REUSED}
    return there.executor.order


@pytest.mark.parametrize("tags", ["own", "py3-none-any"])
def test_what_is_unchanged_is_not_built_again(tags: str) -> None:
    there = farm({"base": Package(tags=tags)})
    finished(there.run(("base",)).carry_out())

    assert built_again(there) == []


def test_another_toolchain_builds_what_is_compiled_again_and_nothing_else() -> None:
    there = farm({"base": Package(tags="own", build=("tool",)), "tool": Package()})
    finished(there.run(("base",)).carry_out())

    assert built_again(there, toolchain="gcc 13") == ["base"]
    assert built_again(there, toolchain="gcc 12") == []


def test_what_was_built_without_a_compiler_is_built_again_once_there_is_one() -> None:
    there = farm({"base": Package(tags="py3-none-any")})
    finished(there.run(("base",), tools=("ld",), toolchain="glibc 2.36").carry_out())

    assert built_again(there, tools=("cc", "ld"), toolchain="glibc 2.36; gcc 12") == ["base"]


def test_what_a_back_end_asked_for_is_known_under_another_toolchain_too() -> None:
    there = farm({"base": Package(dynamic=("tool",)), "tool": Package()})
    finished(there.run(("base",)).carry_out())

    assert built_again(there, toolchain="gcc 13") == []


def test_other_isolation_builds_everything_again() -> None:
    there = farm({"base": Package()})
    finished(there.run(("base",)).carry_out())

    assert built_again(there, isolation="plain process") == ["base"]


def held(check: str = "missing-extension") -> Report:
    finding = Finding(check=check, message="no C in it", verdict=Verdict.HOLD)
    artifact = wheel(BASE, "py3-none-any", Origin.BUILT)
    return Report(outcome=Outcome.BUILT, artifact=artifact, findings=(finding,))


def test_wheel_that_is_held_is_told_and_not_built_again_until_it_is_approved() -> None:
    there = farm({"base": Package()})
    there.executor.script["base"] = [held()]
    finished(there.run(("base",)).carry_out())
    there.executor.order.clear()

    rows = finished(there.run(("base",)).carry_out())

    (told,) = [event for event in there.told if isinstance(event, JobHeld)]
    assert there.executor.order == []
    assert rows["base"].ending is Ending.FAILED
    assert rows["base"].reason == "held: no C in it"
    assert f"wheelyard job approve {told.key[:12]}" in rows["base"].hint
    assert asyncio.run(there.jobs.approve(told.key))
    assert built_again(there) == []


def test_what_a_rebuild_made_good_is_what_later_runs_get() -> None:
    there = farm({"base": Package(tags="own")})
    there.executor.script["base"] = [held()]
    finished(there.run(("base",)).carry_out())

    assert built_again(there, rebuild="1") == ["base"]
    assert built_again(there) == []


def test_what_was_built_again_takes_the_place_of_what_counted_before() -> None:
    there = farm({"base": Package(tags="own", build=("tool",)), "tool": Package()})
    before = finished(there.run(("base",)).carry_out())["base"].artifact
    fresh = replace(wheel(BASE, "py3-none-any", Origin.BUILT), digest=f"sha256:{'f' * 64}")
    fresh = replace(fresh, filename="base-1.0-1-py3-none-any.whl")
    there.executor.script["base"] = [Report(outcome=Outcome.BUILT, artifact=fresh)]

    finished(there.run(("base",), rebuild="1").carry_out())
    after = finished(there.run(("base",)).carry_out())["base"]

    assert before is not None
    assert before.digest != fresh.digest
    assert after.ending is Ending.REUSED
    assert after.artifact is not None
    assert after.artifact.digest == fresh.digest


def test_rebuild_that_is_held_leaves_what_counted_until_it_is_approved() -> None:
    there = farm({"base": Package(tags="own")})
    first = finished(there.run(("base",)).carry_out())["base"].artifact
    waiting = replace(held().artifact, digest=f"sha256:{'e' * 64}")  # type: ignore[type-var]
    there.executor.script["base"] = [replace(held(), artifact=waiting)]
    finished(there.run(("base",), rebuild="1").carry_out())
    ended = [event for event in there.told if isinstance(event, JobEnded)][-1]

    assert finished(there.run(("base",)).carry_out())["base"].artifact == first
    assert asyncio.run(there.jobs.approve(ended.key))
    last = finished(there.run(("base",)).carry_out())["base"].artifact
    assert last is not None
    assert last.digest == f"sha256:{'e' * 64}"


def test_wheel_that_had_no_compiler_does_not_outlast_a_rebuild_that_had_one() -> None:
    there = farm({"base": Package(tags="own")})
    there.executor.script["base"] = [
        Report(outcome=Outcome.BUILT, artifact=wheel(BASE, "py3-none-any", Origin.BUILT))
    ]
    finished(there.run(("base",)).carry_out())

    assert built_again(there, rebuild="1") == ["base"]
    assert built_again(there, toolchain="gcc 13") == ["base"]


def test_every_rebuild_builds_again() -> None:
    there = farm({"base": Package()})
    finished(there.run(("base",)).carry_out())

    assert built_again(there, rebuild="1") == ["base"]
    assert built_again(there, rebuild="2") == ["base"]


def test_wheel_that_todays_policy_would_not_hold_is_built_again() -> None:
    there = farm({"base": Package()})
    there.executor.script["base"] = [held("missing-extension")]
    finished(there.run(("base",)).carry_out())
    there.tolerated.add("missing-extension")

    assert built_again(there) == ["base"]


def test_held_wheel_whose_bytes_are_gone_is_built_again() -> None:
    there = farm({"base": Package()})
    report = held()
    there.executor.script["base"] = [report]
    finished(there.run(("base",)).carry_out())
    assert report.artifact is not None
    there.blobs.lost.add(report.artifact.digest)
    fresh = replace(report.artifact, digest=f"sha256:{'f' * 64}")
    there.executor.script["base"] = [Report(outcome=Outcome.BUILT, artifact=fresh)]

    assert built_again(there) == ["base"]


@pytest.mark.parametrize(
    ("same", "filename"),
    [(True, "base-1.0-py3-none-any.whl"), (False, "base-1.0-1-py3-none-any.whl")],
)
def test_name_of_a_withdrawn_wheel_returns_with_its_own_bytes_only(
    same: bool, filename: str
) -> None:
    there = farm({"base": Package()})
    lost = finished(there.run(("base",)).carry_out())["base"].artifact
    assert lost is not None
    there.blobs.lost.add(lost.digest)
    asyncio.run(there.jobs.artifact_lost(lost.digest))
    asyncio.run(there.artifacts.withdraw(lost.digest))
    there.blobs.lost.clear()
    again = lost if same else replace(lost, digest=f"sha256:{'f' * 64}")
    there.executor.script["base"] = [Report(outcome=Outcome.BUILT, artifact=again)]

    built = finished(there.run(("base",)).carry_out())["base"].artifact

    assert built is not None
    assert built.filename == filename


def test_pause_between_two_tries_is_not_told_as_somebody_elses_build() -> None:
    there = farm({"base": Package()})
    there.executor.script["base"] = [ended(Outcome.INFRASTRUCTURE, "no uv")] * 4
    second = ScriptedExecutor(there.world)

    async def scenario() -> tuple[Row, ...]:
        first = asyncio.create_task(there.run(("base",), name="one").carry_out())
        await there.until_told(JobEnded)
        other = asyncio.create_task(there.run(("base",), name="two", executor=second).carry_out())
        await there.until_told(JobDelayed)
        other.cancel()
        first.cancel()
        await asyncio.wait({first, other})
        there.clock.advance(3600)
        return await there.run(("base",), name="three", executor=second).carry_out()

    rows = finished(scenario())

    (told,) = [event for event in there.told if isinstance(event, JobDelayed)]
    assert told.reason == "no uv"
    assert told.seconds > 0
    assert not any(isinstance(event, JobAwaited) for event in there.told)
    assert rows["base"].ending is Ending.BUILT


def test_processes_that_ended_are_looked_for_once_for_all_jobs_that_are_awaited() -> None:
    names = tuple("abcdefgh")
    there = farm({name: Package() for name in names}, manual=True)
    second = ScriptedExecutor(there.world)

    async def scenario() -> int:
        first = asyncio.create_task(there.run(names, slots=8, name="one").carry_out())
        await there.executor.until(*names)
        run = there.run(names, slots=8, name="two", executor=second)
        other = asyncio.create_task(run.carry_out())
        await there.until_told(JobAwaited, times=8)
        began = asyncio.get_running_loop().time()
        await until(lambda: there.recovered >= 3)
        looks = (asyncio.get_running_loop().time() - began) / 0.01
        for name in names:
            await there.executor.release(name)
        await first
        await other
        return round(looks)

    looks = asyncio.run(asyncio.wait_for(scenario(), 20))

    # Eight that each looked for themselves would come to eight times as many.
    assert there.recovered <= looks + 3
