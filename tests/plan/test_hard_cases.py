"""Turns that a plan takes when things go wrong, come late or run in circles through gates."""

from datetime import UTC, datetime

import pytest

from plan.world import Package, World, endings
from wheelyard.model.recipe import Recipe
from wheelyard.model.resolution import FromSource
from wheelyard.plan.summary import Ending
from wheelyard.plan.unit import State

PYTHONS = ("cp39", "cp311", "cp313")


def test_higher_targets_go_on_when_the_probe_waits_for_what_will_not_come() -> None:
    world = World(
        {
            "app": Package(build=("tool",), tags="own"),
            "tool": Package(tags="own", fails_on=("cp39",)),
        }
    )

    _, rows = world.plan(["app"], PYTHONS, retry_as_of=False)

    assert endings(rows) == {
        "app cp39": Ending.BLOCKED,
        "app cp311": Ending.BUILT,
        "app cp313": Ending.BUILT,
        "tool cp39": Ending.FAILED,
        "tool cp311": Ending.BUILT,
        "tool cp313": Ending.BUILT,
    }
    assert rows["app cp39"].cause == rows["tool cp39"].unit


def test_blocked_target_waits_as_long_as_a_wheel_for_another_may_serve_it() -> None:
    world = World(
        {"app": Package(build=("tool",)), "tool": Package(fails_on=("cp39",))},
    )

    _, rows = world.plan(["app", "tool"], PYTHONS, retry_as_of=False)

    assert rows["tool cp39"].ending is Ending.COVERED
    assert rows["app cp39"].ending is Ending.BUILT
    assert [python for name, python in world.built if name == "app"] == ["cp39"]


def test_cycle_through_a_gate_is_opened() -> None:
    # old is wanted for cp311 first, so that becomes its probe; it needs app for cp311, which waits
    # for its own probe on cp39, which needs old for cp39, which would wait for the probe of old.
    world = World(
        {
            "app": Package(dynamic=("old",), tags="own"),
            "first": Package(build=("old",)),
            "old": Package(build=("app",), tags="own", wheel=True),
        }
    )
    world.packages["first"].requires_python = ">=3.10"

    planner, rows = world.plan(["first", "app"], PYTHONS)

    assert set(endings(rows).values()) <= {Ending.BUILT, Ending.COVERED, Ending.NOT_APPLICABLE}
    assert all(unit.state is not State.GATED for unit in planner.board.units.values())


def test_what_waits_in_a_circle_of_hopes_and_gates_goes_on() -> None:
    # c fails on cp39; a on cp39 hopes that c on cp311 will serve it, which needs a on cp311, which
    # waits for the probe of a on cp39.
    world = World({"a": Package(build=("c",)), "c": Package(build=("a",), empty=True)})

    _, rows = world.plan(["c"], ["cp39", "cp311"])

    assert [rows[f"c {python}"].ending for python in ("cp39", "cp311")] == [Ending.FAILED] * 2
    assert [rows[f"a {python}"].ending for python in ("cp39", "cp311")] == [Ending.BLOCKED] * 2


def test_seed_that_cannot_be_had_is_replaced_by_another() -> None:
    world = World({"a": Package(build=("b",), wheel_lost=True), "b": Package(build=("a",))})

    planner, rows = world.plan(["a"])

    assert set(endings(rows).values()) == {Ending.BUILT}
    assert world.seeds_fetched == ["b==1.0"]
    assert [cycle.seeds[0].release.project for cycle in planner.cycles] == ["a", "b"]


def test_seed_that_a_member_also_needs_to_run_is_there_for_its_test() -> None:
    world = World({"a": Package(build=("b",), run=("b",)), "b": Package(build=("a",))})

    _, rows = world.plan(["a"])

    assert set(endings(rows).values()) == {Ending.BUILT}
    assert world.seeds_fetched == ["b==1.0"]


def test_cycle_whose_seeds_cannot_be_had_blocks_by_name() -> None:
    lost = Package(wheel_lost=True)
    world = World(
        {
            "a": Package(build=("b",), wheel_lost=True),
            "b": Package(build=("a",), wheel_lost=True),
            "app": Package(build=("a", "lost")),
            "lost": lost,
        }
    )

    planner, rows = world.plan(["app"])

    assert rows["app cp311"].ending is Ending.BLOCKED
    assert "a==1.0 → b==1.0 → a==1.0" in rows["app cp311"].reason
    assert len([cycle for cycle in planner.cycles if not cycle.seeds]) == 1


@pytest.mark.parametrize("tags", ["cp38-cp38-win_amd64", "cp38-cp38-manylinux_2_28_x86_64"])
def test_wheel_that_is_not_for_its_target_fails_its_unit_only(tags: str) -> None:
    world = World({"app": Package(tags=tags), "other": Package()})

    _, rows = world.plan(["app", "other"])

    assert rows["app cp311"].ending is Ending.FAILED
    assert "cp38" in rows["app cp311"].reason
    assert rows["other cp311"].ending is Ending.BUILT


def test_kept_wheel_that_is_not_for_its_target_is_built_again() -> None:
    world = World({"app": Package(tags="cp38-cp38-win_amd64")})
    world.plan(["app"])
    world.packages["app"].tags = "py3-none-any"

    _, rows = world.plan(["app"])

    assert rows["app cp311"].ending is Ending.BUILT


def test_success_without_a_file_is_a_failure_that_says_so() -> None:
    world = World({"app": Package(empty=True)})

    _, rows = world.plan(["app"])

    assert rows["app cp311"].ending is Ending.FAILED
    assert "gave no wheel" in rows["app cp311"].reason


def test_wheel_whose_metadata_excludes_its_own_target_serves_the_others() -> None:
    world = World({"app": Package(wheel_requires_python=">=3.10")})

    _, rows = world.plan(["app"], PYTHONS)

    assert [rows[f"app {python}"].ending for python in PYTHONS] == [
        Ending.NOT_APPLICABLE,
        Ending.COVERED,
        Ending.COVERED,
    ]
    assert rows["app cp39"].reason == "Requires-Python >=3.10"


def test_what_only_the_source_says_of_pythons_is_named() -> None:
    world = World({"app": Package(metadata_requires_python=">=3.10")})

    _, rows = world.plan(["app"], ["cp39"])

    assert rows["app cp39"].reason == "Requires-Python >=3.10"


def test_job_that_fails_while_another_wheel_came_for_its_target_is_covered() -> None:
    # After the probe both others run; the wheel of cp311 serves cp313, whose own job fails later.
    world = World(
        {
            "app": Package(
                tags="own",
                tags_by={"cp311": "cp311-abi3-manylinux_2_17_x86_64"},
                fails_on=("cp313",),
            )
        }
    )

    _, rows = world.plan(["app"], PYTHONS, retry_as_of=False)

    assert [job for _, job in world.built] == ["cp39", "cp311", "cp313"]
    assert rows["app cp313"].ending is Ending.COVERED


def test_upstream_wheels_of_one_target_and_a_build_of_another_do_not_meet() -> None:
    world = World({"app": Package(tags="own", wheel_only_for=("cp311",))})

    _, rows = world.plan(["app"], PYTHONS, from_source=FromSource.NONE)

    assert endings(rows) == {
        "app cp39": Ending.BUILT,
        "app cp311": Ending.UPSTREAM,
        "app cp313": Ending.BUILT,
    }


def test_skipped_release_needs_no_source() -> None:
    world = World({"app": Package(unreadable=True), "bare": Package(sdist=False)})

    _, rows = world.plan(
        ["app", "bare"], recipes={"app": Recipe(skip="no"), "bare": Recipe(skip="no")}
    )

    assert set(endings(rows).values()) == {Ending.SKIPPED}


def test_target_that_turns_up_after_a_rebuild_is_served_by_it() -> None:
    # late is asked for by a back end, on cp313 only after its wheel for cp311 was built anew.
    world = World(
        {
            "late": Package(),
            "first": Package(tags="own", run=("late; python_version == '3.11'",)),
            "app": Package(tags="own", build=("first",), dynamic=("late",)),
        }
    )
    world.plan(["app", "late", "first"], ["cp311", "cp313"])
    world.starts.clear()

    _, rows = world.plan(["app", "first"], ["cp311", "cp313"], rebuild=True)

    assert {rows["late cp311"].ending, rows["late cp313"].ending} == {Ending.BUILT, Ending.COVERED}
    assert set(endings(rows).values()) <= {Ending.BUILT, Ending.COVERED}


def test_failing_bootstrap_is_not_repeated_with_the_same_older_tools() -> None:
    released = datetime(2020, 5, 1, tzinfo=UTC)
    world = World(
        {
            "a": Package(build=("b",)),
            "b": Package(build=("a",), fails_on=("cp311",), uploaded=released),
        }
    )

    _, rows = world.plan(["a"])

    assert world.built == [("b", "cp311")]
    assert rows["b cp311"].ending is Ending.FAILED
    assert rows["a cp311"].cause == rows["b cp311"].unit


def test_requirements_asked_for_in_a_bootstrap_are_remembered() -> None:
    world = World(
        {
            "a": Package(build=("b",)),
            "b": Package(build=("a",), dynamic=("late",)),
            "late": Package(),
        }
    )
    world.plan(["b"])
    world.starts.clear()

    _, rows = world.plan(["a", "b"])

    assert world.starts == []
    assert set(endings(rows).values()) == {Ending.REUSED}


def test_test_environment_holds_one_version_of_each_project() -> None:
    # lib 1.0 is first planned beside tool's older world; app brings its own version of dep.
    released = datetime(2020, 5, 1, tzinfo=UTC)
    world = World(
        {
            "app": Package(
                run=("lib",), build=("lib",), fails_with=("dep==2.0",), uploaded=released
            ),
            "lib": Package(run=("dep",)),
            "dep": Package(version="2.0", older="1.0"),
        }
    )

    _, rows = world.plan(["app"])

    assert rows["app cp311"].ending is Ending.BUILT
    for start in world.starts:
        tested = [wheel.release.project for wheel in start.offer.test_requirements]
        assert len(tested) == len(set(tested))


def test_import_waits_for_what_a_wheel_that_was_there_needs() -> None:
    world = World({"app": Package(run=("lib",)), "lib": Package(run=("dep",)), "dep": Package()})
    world.plan(["lib"])
    world.kept = {key: kept for key, kept in world.kept.items() if kept.release.project == "lib"}
    world.published.clear()
    world.starts.clear()

    _, rows = world.plan(["app"])

    assert rows["lib cp311"].ending is Ending.REUSED
    (app,) = [start for start in world.starts if start.unit.release.project == "app"]
    tested = [wheel.release.project for wheel in app.offer.test_requirements]
    assert (tested, app.offer.test_partial) == (["dep", "lib"], ())


def test_run_cycle_through_a_wheel_that_was_there_is_cut() -> None:
    world = World(
        {"app": Package(run=("lib",)), "lib": Package(run=("dep",)), "dep": Package(run=("app",))}
    )
    world.plan(["app"])
    world.kept = {key: kept for key, kept in world.kept.items() if kept.release.project == "lib"}
    world.published.clear()

    _, rows = world.plan(["app"])

    assert rows["lib cp311"].ending is Ending.REUSED
    assert {rows["app cp311"].ending, rows["dep cp311"].ending} == {Ending.BUILT}


def test_release_that_requires_itself_with_an_extra_is_no_cycle() -> None:
    world = World({"app": Package(run=("app",))})

    planner, rows = world.plan(["app"])

    assert rows["app cp311"].ending is Ending.BUILT
    assert planner.cycles == []


def test_member_that_asks_for_more_after_its_bootstrap_is_finished_with_it() -> None:
    world = World(
        {
            "a": Package(build=("b",)),
            "b": Package(build=("a",), dynamic=("late",)),
            "late": Package(build=("b", "a")),
        }
    )

    _, rows = world.plan(["a"])

    assert set(endings(rows).values()) == {Ending.BUILT}


def test_unsettled_needs_with_older_tools_leave_the_first_failure() -> None:
    released = datetime(2020, 5, 1, tzinfo=UTC)
    world = World(
        {
            "app": Package(
                build=("tool",), dynamic=("tool", "absent"), fails_on=("cp311",), uploaded=released
            ),
            "tool": Package(version="2.0", older="1.0"),
            "absent": Package(),
        }
    )

    _, rows = world.plan(["app"])

    assert rows["app cp311"].ending is Ending.FAILED
    assert rows["app cp311"].reason == "Python.h not found"
    assert rows["app cp311"].as_of == ""


def test_long_chain_that_fails_at_its_bottom_is_blocked_to_its_top() -> None:
    length = 2000
    world = World(
        {f"p{n}": Package(build=(f"p{n + 1}",)) for n in range(length)}
        | {f"p{length}": Package(unreadable=True)}
    )

    _, rows = world.plan(["p0"])

    assert rows["p0 cp311"].ending is Ending.BLOCKED
    assert str(rows["p0 cp311"].cause).startswith(f"p{length}==")


def test_bootstrapped_member_waits_for_no_seed_any_more() -> None:
    # The order of events is one in which c asks for b only after b was bootstrapped with a seed of d.
    world = World(
        {
            "a": Package(),
            "b": Package(build=("d",), wheel_lost=True),
            "c": Package(dynamic=("a", "b")),
            "d": Package(build=("b", "c")),
        },
        order=4,
    )

    _, rows = world.plan(["b"], ["cp39"])

    assert set(endings(rows).values()) == {Ending.BUILT}
