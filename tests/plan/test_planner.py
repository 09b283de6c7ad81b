"""What a plan builds, in which order, and what it leaves alone."""

from datetime import UTC, datetime

import pytest

from plan.world import Package, World, endings
from wheelyard.model.job import StepName
from wheelyard.model.recipe import Recipe
from wheelyard.model.resolution import FromSource
from wheelyard.plan.summary import Ending

BUILT, COVERED, FAILED, REUSED = Ending.BUILT, Ending.COVERED, Ending.FAILED, Ending.REUSED
PYTHONS = ("cp39", "cp311", "cp313")


def test_build_requirements_are_built_before_what_needs_them() -> None:
    world = World(
        {"app": Package(build=("tool",), run=("lib",)), "tool": Package(), "lib": Package()}
    )

    _, rows = world.plan(["app"])

    assert set(endings(rows).values()) == {BUILT}
    assert world.built[-1] == ("app", "cp311")


def test_what_is_ready_starts_together() -> None:
    world = World({"a": Package(), "b": Package(), "c": Package(build=("a",))})

    world.plan(["a", "b", "c"])

    assert [len(wave) for wave in world.waves if wave] == [2, 1]


def test_second_run_builds_nothing_and_asks_for_no_build_tool_of_what_is_there() -> None:
    world = World(
        {
            "app": Package(build=("tool",)),
            "tool": Package(build=("tools-tool",)),
            "tools-tool": Package(),
        }
    )
    world.plan(["app"], PYTHONS)
    built, resolved = len(world.built), world.resolved_builds

    _, rows = world.plan(["app"], PYTHONS)

    assert len(world.built) == built
    assert endings(rows) == {"app cp39": REUSED, "app cp311": COVERED, "app cp313": COVERED}
    assert world.resolved_builds == resolved + 1


@pytest.mark.parametrize(
    ("package", "jobs", "expected"),
    [
        (Package(), ["cp39"], [BUILT, COVERED, COVERED]),
        (Package(tags="own"), ["cp39", "cp311", "cp313"], [BUILT, BUILT, BUILT]),
        (Package(tags="cp37-abi3-manylinux_2_17_x86_64"), ["cp39"], [BUILT, COVERED, COVERED]),
        (
            Package(fails_on=("cp39",), tags="cp311-abi3-manylinux_2_17_x86_64"),
            ["cp39", "cp311"],
            [FAILED, BUILT, COVERED],
        ),
        (Package(fails_on=PYTHONS), ["cp39", "cp311", "cp313"], [FAILED, FAILED, FAILED]),
        (
            Package(fails_on=("cp39",), wheel_requires_python=">=3.11"),
            ["cp39", "cp311"],
            [FAILED, BUILT, COVERED],
        ),
        (
            Package(requires_python=">=3.10", wheel_requires_python=">=3.10"),
            ["cp311"],
            [Ending.NOT_APPLICABLE, BUILT, COVERED],
        ),
    ],
    ids=["any", "own ABI", "abi3", "fails then abi3", "fails", "fails then newer any", "excluded"],
)
def test_probe_on_the_lowest_target_says_what_is_left(
    package: Package, jobs: list[str], expected: list[Ending]
) -> None:
    world = World({"app": package})

    _, rows = world.plan(["app"], PYTHONS, retry_as_of=False)

    assert [job for _, job in world.built] == jobs
    assert [rows[f"app {python}"].ending for python in PYTHONS] == expected


def test_dynamic_build_requirements_are_planned_and_remembered() -> None:
    world = World({"app": Package(dynamic=("late",)), "late": Package()})

    world.plan(["app"])
    world.plan(["app"])

    assert world.built == [("late", "cp311"), ("app", "cp311")]


def test_back_end_that_never_has_enough_fails_and_says_so() -> None:
    world = World({"app": Package(dynamic=("late",)), "late": Package()})
    world.packages["app"].dynamic = ("late", "missing")

    _, rows = world.plan(["app"])

    assert rows["app cp311"].ending is FAILED
    assert "missing" in rows["app cp311"].reason


def test_failure_blocks_its_dependants_and_they_name_the_root_cause() -> None:
    world = World(
        {
            "app": Package(run=("middle",)),
            "middle": Package(build=("broken",)),
            "broken": Package(fails_on=("cp311",)),
            "other": Package(),
        }
    )

    _, rows = world.plan(["app", "other"], retry_as_of=False)

    assert rows["app cp311"].ending is Ending.BLOCKED
    assert rows["middle cp311"].ending is Ending.BLOCKED
    assert str(rows["app cp311"].cause) == f"broken==1.0 for {rows['app cp311'].unit.target}"
    assert rows["other cp311"].ending is BUILT


def test_skipped_release_is_not_built_and_blocks_what_needs_it() -> None:
    world = World({"app": Package(build=("tool",)), "tool": Package()})

    _, rows = world.plan(["app"], recipes={"tool": Recipe(skip="licence")})

    assert world.built == []
    assert rows["tool cp311"].ending is Ending.SKIPPED
    assert rows["app cp311"].ending is Ending.BLOCKED


def test_recipe_adds_build_requirements_and_changes_the_key() -> None:
    world = World({"app": Package(), "extra": Package()})
    world.plan(["app"])

    world.plan(["app"], recipes={"app": Recipe(build_requires=("extra",))})

    assert world.built == [("app", "cp311"), ("extra", "cp311"), ("app", "cp311")]


@pytest.mark.parametrize(
    ("released", "as_of"),
    [
        (datetime(2023, 5, 1, tzinfo=UTC), "2023-05-01"),
        (datetime(2020, 5, 1, tzinfo=UTC), "2022-11-01"),
    ],
    ids=["its own time", "no time before its Python"],
)
def test_broken_build_is_tried_with_tools_of_its_own_time(released: datetime, as_of: str) -> None:
    world = World(
        {
            "app": Package(build=("tool",), fails_with=("tool==2.0",), uploaded=released),
            "tool": Package(version="2.0", older="1.0"),
        }
    )

    _, rows = world.plan(["app"])

    assert rows["app cp311"].ending is BUILT
    assert rows["app cp311"].as_of == as_of
    assert world.environments["app==1.0", "cp311", False] == ("tool==1.0:built",)


@pytest.mark.parametrize("step", [StepName.UNPACK, StepName.INSPECT, StepName.TEST])
def test_wheel_that_is_refused_is_not_built_with_older_tools(step: StepName) -> None:
    released = datetime(2020, 5, 1, tzinfo=UTC)
    world = World(
        {
            "app": Package(
                build=("tool",), fails_with=("tool==2.0",), uploaded=released, fails_in=step
            ),
            "tool": Package(version="2.0", older="1.0"),
        }
    )

    _, rows = world.plan(["app"])

    assert rows["app cp311"].ending is FAILED
    assert world.built == [("tool", "cp311"), ("app", "cp311")]


def test_older_tools_that_change_nothing_are_not_tried_twice() -> None:
    released = datetime(2020, 5, 1, tzinfo=UTC)
    world = World(
        {"app": Package(build=("tool",), fails_on=("cp311",), uploaded=released), "tool": Package()}
    )

    _, rows = world.plan(["app"])

    assert world.built == [("tool", "cp311"), ("app", "cp311")]
    assert rows["app cp311"].ending is FAILED
    assert rows["app cp311"].as_of == ""


def test_only_what_was_requested_is_built_where_the_policy_says_so() -> None:
    world = World(
        {"app": Package(build=("tool",), run=("lib",)), "tool": Package(), "lib": Package()}
    )

    _, rows = world.plan(["app"], from_source=FromSource.REQUESTED)

    assert world.built == [("app", "cp311")]
    assert rows["lib cp311"].ending is Ending.UPSTREAM
    assert rows["tool cp311"].ending is Ending.UPSTREAM


def test_release_without_a_source_fails_with_the_way_out() -> None:
    world = World({"app": Package(sdist=False)})

    _, rows = world.plan(["app"])

    assert rows["app cp311"].ending is FAILED
    assert "--from-source" in rows["app cp311"].hint
