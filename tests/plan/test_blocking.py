"""What blocks what while a plan is carried out, and which way through it is the longest."""

from itertools import pairwise

from plan.world import Package, World
from wheelyard.plan.blocking import Blocking, blocking
from wheelyard.plan.events import Finished, Start, UnitId
from wheelyard.plan.planner import Planner

TREE = {
    "app": Package(build=("tool",), run=("lib",)),
    "lib": Package(build=("tool",)),
    "other": Package(build=("tool",)),
    "tool": Package(),
}


class Watched(World):
    """A world that looks before each build at what blocks what."""

    most = 60
    seconds: dict[str, float]

    def _carry_out(self, planner: Planner) -> None:
        self.planner = planner
        self.seen: dict[str, Blocking] = {}
        super()._carry_out(planner)

    def build(self, start: Start) -> Finished:
        self.seen[str(start.unit.release.project)] = blocking(
            self.planner.board,
            lambda key: self.seconds.get(str(key.release.project)),
            most=self.most,
        )
        return super().build(start)


def names(units: tuple[UnitId, ...]) -> list[str]:
    return [str(unit.release.project) for unit in units]


def watched(most: int = 60, **seconds: float) -> Watched:
    world = Watched(TREE)
    world.most, world.seconds = most, seconds
    world.plan(["app", "other"])
    return world


def test_what_is_needed_stands_before_what_needs_it() -> None:
    found = watched().seen["tool"]
    level_of = {key: number for number, level in enumerate(found.levels) for key in level}
    for key, needed in found.needs.items():
        assert all(level_of[one] < level_of[key] for one in needed)
    assert names(found.critical) == ["tool", "lib", "app"]
    for before, after in pairwise(found.critical):
        assert before in found.needs[after]


def test_the_longest_way_is_that_which_takes_longest() -> None:
    assert names(watched(other=1000.0).seen["tool"].critical) == ["tool", "other"]


def test_what_is_built_blocks_nothing() -> None:
    found = watched().seen["app"]
    assert "tool" not in names(tuple(found.needs))


def test_of_a_large_plan_the_longest_way_is_left() -> None:
    found = watched(most=2).seen["tool"]
    assert sorted(names(tuple(found.needs))) == ["app", "lib", "tool"]
    assert sum(found.counts) == 4
    assert names(tuple(key for level in found.levels for key in level)) == ["tool", "lib", "app"]
