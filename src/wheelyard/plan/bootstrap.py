"""Breaking cycles among wheels that need each other.

A cycle that runs through a run requirement is cut there: the wheel is built, and its import is
tested without that requirement. A cycle of build requirements alone is broken with a seed: one
member comes as upstream's wheel for as long as it takes to build what builds it. What was built with
a seed in its environment is never published; it is built again with what it helped to build.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from wheelyard.graph.cycles import components, edges_to_cut, seeds_for, shortest_cycle
from wheelyard.plan.events import UnitId
from wheelyard.plan.unit import Group, State, Unit


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokenCycle:
    """A cycle that was found, and how it was broken. Without seeds and cut edges it could not be."""

    cycle: tuple[UnitId, ...]
    members: frozenset[UnitId]
    seeds: tuple[UnitId, ...] = ()
    cut: tuple[tuple[UnitId, UnitId], ...] = ()

    def __str__(self) -> str:
        way = " → ".join(str(unit.release) for unit in (*self.cycle, self.cycle[0]))
        if self.seeds:
            names = ", ".join(str(seed.release) for seed in self.seeds)
            return f"build cycle {way}: broken with upstream's wheel of {names}, then rebuilt"
        if self.cut:
            edges = ", ".join(f"{a.release} without {b.release}" for a, b in self.cut)
            return f"cycle {way}: broken by testing {edges}"
        return f"build cycle {way}: upstream has no wheel of any member to break it with"


def waiting_graph(units: Mapping[UnitId, Unit]) -> dict[UnitId, tuple[UnitId, ...]]:
    """Return who waits for whom among the units that stand still."""
    still = {key: unit for key, unit in units.items() if unit.state is State.WAITING}
    return {
        key: tuple(to for to in unit.waits_for() if to in still and not _seeded(unit, to))
        for key, unit in still.items()
    }


def _seeded(unit: Unit, needed: UnitId) -> bool:
    return unit.group is not None and needed in unit.group.seeds


def _without(
    edges: Mapping[UnitId, Iterable[UnitId]], cut: Iterable[tuple[UnitId, UnitId]]
) -> dict[UnitId, tuple[UnitId, ...]]:
    gone = set(cut)
    return {a: tuple(b for b in to if (a, b) not in gone) for a, to in edges.items()}


def break_component(
    units: Mapping[UnitId, Unit],
    graph: Mapping[UnitId, tuple[UnitId, ...]],
    members: frozenset[UnitId],
) -> tuple[BrokenCycle, ...]:
    """Decide how one component is broken. Changes nothing."""
    edges = {key: tuple(to for to in graph[key] if to in members) for key in sorted(members)}
    only_run = {
        (key, run)
        for key in members
        for run in edges[key]
        if run in units[key].runs and run not in units[key].builds
    }
    cut = edges_to_cut(edges, only_run) if only_run else ()
    broken = []
    if cut:
        way = shortest_cycle(edges, cut[0][0])
        broken.append(BrokenCycle(cycle=way, members=members, cut=cut))
    rest = _without(edges, cut)
    for part in components(rest):
        inner = {key: tuple(to for to in rest[key] if to in part) for key in part}
        seeds = seeds_for(inner, lambda key: units[key].pin.wheel is not None) or ()
        way = shortest_cycle(inner, seeds[0] if seeds else min(part))
        broken.append(BrokenCycle(cycle=way, members=part, seeds=seeds))
    return tuple(broken)


def find_cycles(units: Mapping[UnitId, Unit]) -> tuple[BrokenCycle, ...]:
    """Find and judge every cycle among the units that stand still."""
    graph = waiting_graph(units)
    return tuple(
        broken for members in components(graph) for broken in break_component(units, graph, members)
    )


def apply(units: Mapping[UnitId, Unit], broken: BrokenCycle) -> None:
    """Note on the units how their cycle is broken."""
    for unit, run in broken.cut:
        units[unit].cut.add(run)
    if not broken.seeds:
        return
    older = [group for member in broken.members if (group := units[member].group) is not None]
    members = broken.members.union(*(group.members for group in older))
    group = Group(members=members, seeds=dict.fromkeys(broken.seeds))
    for other in older:
        group.seeds.update(other.seeds)
    for member in members:
        units[member].group = group
