"""What holds for every plan: any edges, tags, failures and gaps, and any order of answers."""

from collections import Counter
from dataclasses import replace
from itertools import combinations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from plan.world import Package, World
from wheelyard.graph.cycles import components, without_providers
from wheelyard.model.artifact import Origin
from wheelyard.model.recipe import Recipe
from wheelyard.model.resolution import FromSource
from wheelyard.plan.planner import Planner
from wheelyard.plan.summary import GOOD, Ending, Row
from wheelyard.plan.unit import State

NAMES = ("a", "b", "c", "d", "e")
PYTHONS = ("cp39", "cp311", "cp313")
ORDERS = st.integers(0, 1 << 16)

some_names = st.lists(st.sampled_from(NAMES), max_size=2, unique=True).map(tuple)
few_names = st.one_of(st.just(()), some_names)
some_pythons = st.one_of(
    st.just(()), st.lists(st.sampled_from(PYTHONS), max_size=2, unique=True).map(tuple)
)
tags = st.sampled_from(("py3-none-any", "own", "cp37-abi3-manylinux_2_17_x86_64"))
marked = st.tuples(
    st.sampled_from(NAMES),
    st.sampled_from(("", "", "; python_version < '3.11'", "; python_version >= '3.11'")),
).map("".join)
packages = st.builds(
    Package,
    build=some_names,
    run=st.lists(marked, max_size=2, unique_by=lambda line: line[0]).map(tuple),
    dynamic=few_names,
    tags=tags,
    tags_by=st.dictionaries(st.sampled_from(PYTHONS), tags, max_size=1),
    requires_python=st.sampled_from(("", "", "", ">=3.10")),
    metadata_requires_python=st.sampled_from(("", "", "", ">=3.10")),
    wheel_requires_python=st.sampled_from(("", "", "", ">=3.10")),
    fails_on=some_pythons,
    fails_with=st.sampled_from(((), (), ("a==1.0",), ("b==2.0",))),
    wheel=st.sampled_from((True, True, False)),
    wheel_lost=st.sampled_from((False, False, False, True)),
    wheel_only_for=some_pythons,
    sdist=st.sampled_from((True, True, True, False)),
    unreadable=st.sampled_from((False, False, False, True)),
    empty=st.sampled_from((False, False, False, True)),
)
worlds = st.fixed_dictionaries(dict.fromkeys(NAMES, packages))
targets = st.lists(st.sampled_from(PYTHONS), min_size=1, max_size=3, unique=True)
wishes = st.lists(st.sampled_from(NAMES), min_size=1, max_size=3, unique=True)
policies = st.sampled_from((FromSource.ALL, FromSource.ALL, FromSource.REQUESTED, FromSource.NONE))
skips = st.sampled_from(({}, {}, {"c": Recipe(skip="no")}))

# A world is large and shrinks slowly; each example is quick.
many = settings(
    max_examples=120, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True
)


def carried_out(
    world: World,
    wanted: list[str],
    pythons: list[str],
    policy: FromSource,
    recipes: dict[str, Recipe],
) -> tuple[Planner, dict[str, Row]]:
    return world.plan(wanted, pythons, recipes, from_source=policy)


@many
@given(worlds, wishes, targets, policies, skips, ORDERS)
def test_every_plan_ends_and_says_why(
    contents: dict[str, Package],
    wanted: list[str],
    pythons: list[str],
    policy: FromSource,
    recipes: dict[str, Recipe],
    order: int,
) -> None:
    world = World(contents, order)

    planner, rows = carried_out(world, wanted, pythons, policy, recipes)

    for row in rows.values():
        assert row.ending is not Ending.PENDING
        if row.ending in GOOD:
            assert row.artifact is not None
        elif row.ending is Ending.BLOCKED:
            assert row.cause is not None or "cycle" in row.reason, row
            assert row.cause is None or not planner.board.units[row.cause].may_come
        elif row.ending is not Ending.SKIPPED:
            assert row.reason, row


@many
@given(worlds, wishes, targets, policies, ORDERS)
def test_jobs_have_what_they_need_and_run_once(
    contents: dict[str, Package],
    wanted: list[str],
    pythons: list[str],
    policy: FromSource,
    order: int,
) -> None:
    world = World(contents, order)

    _, rows = carried_out(world, wanted, pythons, policy, {})

    started = Counter(start.offer.key for start in world.starts)
    assert not started or max(started.values()) == 1
    for start in world.starts:
        origins = {wheel.origin for wheel in start.offer.requirements}
        assert start.bootstrap == (Origin.SEED in origins)
        seen = [wheel.release.project for wheel in start.offer.test_requirements]
        assert len(seen) == len(set(seen))
    for artifacts in world.published.values():
        assert all(artifact.origin is Origin.BUILT for artifact in artifacts)
    for row in rows.values():
        if row.ending in {Ending.BUILT, Ending.COVERED, Ending.REUSED}:
            assert row.artifact is not None
            assert row.artifact.origin is Origin.BUILT


def test_each_build_environment_is_whole() -> None:
    """A control of the invariant above: the world itself notices what is not there."""
    world = World({"a": Package(build=("b",)), "b": Package(run=("c",)), "c": Package()}, 1)

    world.plan(["a"])

    assert world.environments["a==1.0", "cp311", False] == ("b==1.0:built", "c==1.0:built")


@many
@given(worlds, wishes, targets, policies, skips, ORDERS, ORDERS)
def test_how_units_end_does_not_depend_on_the_order_of_events(
    contents: dict[str, Package],
    wanted: list[str],
    pythons: list[str],
    policy: FromSource,
    recipes: dict[str, Recipe],
    order: int,
    other: int,
) -> None:
    # What a back end asks for while it runs is known earlier or later, and so are its cycles.
    still = {name: replace(package, dynamic=()) for name, package in contents.items()}

    first = carried_out(World(still, order), wanted, pythons, policy, recipes)[1]
    second = carried_out(World(still, other), wanted, pythons, policy, recipes)[1]

    assert _classes(first) == _classes(second)


def _classes(rows: dict[str, Row]) -> dict[str, str]:
    """Whether it was built for this target or covered by another may depend on who was first."""
    return {name: "there" if row.ending in GOOD else row.ending.value for name, row in rows.items()}


@many
@given(worlds, wishes, targets, policies, ORDERS)
def test_second_run_starts_nothing_that_succeeded(
    contents: dict[str, Package],
    wanted: list[str],
    pythons: list[str],
    policy: FromSource,
    order: int,
) -> None:
    world = World(contents, order)
    carried_out(world, wanted, pythons, policy, {})
    before, world.starts = world.kept.copy(), []

    carried_out(world, wanted, pythons, policy, {})

    # A bootstrap whose clean build failed is asked for again, and the job store has its answer.
    again = [start for start in world.starts if start.offer.key in before]
    assert all(start.bootstrap for start in again)


@many
@given(st.fixed_dictionaries(dict.fromkeys(NAMES, some_names)), wishes, ORDERS)
def test_cycles_of_build_requirements_take_as_few_seeds_as_there_can_be(
    builds: dict[str, tuple[str, ...]], wanted: list[str], order: int
) -> None:
    world = World({name: Package(build=build) for name, build in builds.items()}, order)

    _, rows = world.plan(wanted)

    assert {row.ending for row in rows.values()} == {Ending.BUILT}
    needed = {name: builds[name] for name in _reach(builds, wanted)}
    assert len(world.seeds_fetched) == _fewest_seeds(needed)


def _reach(edges: dict[str, tuple[str, ...]], wanted: list[str]) -> set[str]:
    seen: set[str] = set()
    queue = list(wanted)
    while queue:
        name = queue.pop()
        if name not in seen:
            seen.add(name)
            queue += edges[name]
    return seen


def _fewest_seeds(edges: dict[str, tuple[str, ...]]) -> int:
    for size in range(len(edges) + 1):
        for chosen in combinations(edges, size):
            if not components(without_providers(edges, chosen)):
                return size
    raise AssertionError(edges)


@many
@given(worlds, wishes, targets, ORDERS)
def test_nothing_is_left_behind_a_gate(
    contents: dict[str, Package], wanted: list[str], pythons: list[str], order: int
) -> None:
    """Each target gets its turn, whatever became of lower ones."""
    world = World(contents, order)

    planner, _ = carried_out(world, wanted, pythons, FromSource.ALL, {})

    assert all(unit.state is not State.GATED for unit in planner.board.units.values())
