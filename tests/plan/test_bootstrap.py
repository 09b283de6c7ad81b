"""Cycles among wheels that need each other."""

from plan.world import Package, World, endings
from wheelyard.plan.summary import Ending


def test_build_cycle_is_broken_with_one_seed_and_rebuilt_without_it() -> None:
    world = World({"a": Package(build=("b",)), "b": Package(build=("a",))})

    planner, rows = world.plan(["a"])

    assert set(endings(rows).values()) == {Ending.BUILT}
    (cycle,) = planner.cycles
    assert len(cycle.seeds) == 1
    assert "a==1.0 → b==1.0" in str(cycle)
    assert world.seeds_fetched == ["a==1.0"]
    assert world.environments["b==1.0", "cp311", True] == ("a==1.0:seed",)
    assert world.environments["a==1.0", "cp311", False] == ("b==1.0:bootstrap",)
    assert world.environments["b==1.0", "cp311", False] == ("a==1.0:built",)


def test_nothing_published_was_built_with_a_seed() -> None:
    world = World(
        {
            "a": Package(build=("b", "c")),
            "b": Package(build=("a",)),
            "c": Package(build=("b",)),
            "app": Package(build=("b",)),
        }
    )

    world.plan(["app"])

    for (_, _, bootstrap), environment in world.environments.items():
        assert bootstrap or not any(wheel.endswith(":seed") for wheel in environment)
    assert world.environments["app==1.0", "cp311", False] == ("b==1.0:built",)


def test_second_run_over_a_cycle_builds_nothing() -> None:
    world = World({"a": Package(build=("b",)), "b": Package(build=("a",))})
    world.plan(["a"])
    built = list(world.built)

    _, rows = world.plan(["a", "b"])

    assert world.built == built
    assert set(endings(rows).values()) == {Ending.REUSED}


def test_release_that_needs_itself_is_built_twice() -> None:
    world = World({"a": Package(build=("a",))})

    _, rows = world.plan(["a"])

    assert rows["a cp311"].ending is Ending.BUILT
    assert world.built == [("a", "cp311"), ("a", "cp311")]
    assert world.environments["a==1.0", "cp311", False] == ("a==1.0:bootstrap",)


def test_member_without_an_upstream_wheel_is_not_chosen_as_seed() -> None:
    world = World({"a": Package(build=("b",), wheel=False), "b": Package(build=("a",))})

    world.plan(["a"])

    assert world.seeds_fetched == ["b==1.0"]


def test_cycle_without_any_upstream_wheel_is_named_and_blocks() -> None:
    world = World(
        {"a": Package(build=("b",), wheel=False), "b": Package(build=("a",), wheel=False)}
    )

    planner, rows = world.plan(["a"])

    assert rows["a cp311"].ending is Ending.BLOCKED
    assert "cycle" in rows["a cp311"].reason
    assert "no wheel" in str(planner.cycles[0])


def test_run_cycle_is_cut_without_a_seed() -> None:
    world = World({"a": Package(run=("b",)), "b": Package(run=("a",))})

    planner, rows = world.plan(["a"])

    assert set(endings(rows).values()) == {Ending.BUILT}
    assert world.seeds_fetched == []
    assert len(planner.cycles[0].cut) == 1


def test_cycle_through_dynamic_requirements_is_broken_too() -> None:
    world = World({"a": Package(dynamic=("b",)), "b": Package(build=("a",))})

    _, rows = world.plan(["b"])

    assert set(endings(rows).values()) == {Ending.BUILT}


def test_two_cycles_that_share_a_member_need_one_seed() -> None:
    world = World(
        {
            "hub": Package(build=("x", "y")),
            "x": Package(build=("hub",)),
            "y": Package(build=("hub",)),
        }
    )

    world.plan(["hub"])

    assert world.seeds_fetched == ["hub==1.0"]
