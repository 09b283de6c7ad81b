"""Breaking cycles among wheels that need each other.

A cycle that runs through a run requirement is cut there: the wheel is built, and its import is
tested without that requirement. A cycle of build requirements alone is broken with a seed: one
member comes as upstream's wheel for as long as it takes to build what builds it. What was built with
a seed in its environment is never published; it is built again with what it helped to build. A cycle
that runs through the gate of a release costs nothing: what waits there need not wait for the probe.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from wheelyard.graph.cycles import (
    components,
    edges_to_cut,
    inside,
    seeds_for,
    shortest_cycle,
    without_edges,
)
from wheelyard.plan.board import Board
from wheelyard.plan.events import UnitId
from wheelyard.plan.offers import provider
from wheelyard.plan.unit import Group, State, Unit


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokenCycle:
    """A cycle that was found, and how it was broken. Without seeds and cut edges it could not be."""

    cycle: tuple[UnitId, ...]
    members: frozenset[UnitId]
    seeds: tuple[UnitId, ...] = ()
    cut: tuple[tuple[UnitId, UnitId], ...] = ()

    @property
    def way(self) -> str:
        """The cycle, as an arrow from each member to the one that it needs."""
        return " → ".join(str(unit.release) for unit in (*self.cycle, self.cycle[0]))

    def __str__(self) -> str:
        if self.seeds:
            names = ", ".join(str(seed.release) for seed in self.seeds)
            return f"build cycle {self.way}: broken with upstream's wheel of {names}, then rebuilt"
        if self.cut:
            edges = ", ".join(f"{a.release} without {b.release}" for a, b in self.cut)
            return f"cycle {self.way}: broken by testing {edges}"
        return f"build cycle {self.way}: upstream has no wheel of any member to break it with"


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Cycles of the present plan: those that were judged, and those that run through gates.

    ``gated`` are the units to let through, ``hoping`` those that wait for another target of what failed
    for theirs, in vain; ``unsettled`` all members of such cycles, to be looked at again.
    """

    broken: tuple[BrokenCycle, ...] = ()
    gated: tuple[UnitId, ...] = ()
    hoping: tuple[UnitId, ...] = ()
    unsettled: tuple[UnitId, ...] = ()


def _waiting_graph(board: Board, changed: Iterable[UnitId]) -> dict[UnitId, tuple[UnitId, ...]]:
    """Return who waits for whom among what stands still and is in reach of units whose edges changed.

    A new cycle runs through a new edge, so that the rest of the plan need not be looked at.
    """
    graph: dict[UnitId, tuple[UnitId, ...]] = {}
    stack = list(changed)
    while stack:
        key = stack.pop()
        unit = board.units[key]
        if key not in graph and _stands(unit):
            graph[key] = tuple(to for to in _waits_for(board, unit) if _stands(board.units[to]))
            stack += graph[key]
    return graph


def _stands(unit: Unit) -> bool:
    return unit.state in {State.WAITING, State.GATED} and not unit.knot


def _waits_for(board: Board, unit: Unit) -> tuple[UnitId, ...]:
    if unit.state is State.GATED:
        probes = board.gates[unit.id.release].probes()
        return tuple(UnitId(unit.id.release, target) for target in probes)
    needed = unit.waits_for()
    if unit.group is not None:
        needed = tuple(to for to in needed if not _is_given(board, unit, to))
    return (*needed, *_hopes_for(board, needed))


def _is_given(board: Board, unit: Unit, needed: UnitId) -> bool:
    """Whether a bootstrap of its cycle gives a unit what it needs, or a seed will for its own bootstrap."""
    if provider(board.units, needed, unit) is not None:
        return True
    seeds = unit.group.seeds if unit.group is not None and unit.bootstrap is None else {}
    return needed in seeds and needed in (*unit.builds, *unit.hosts)


def _hopes_for(board: Board, needed: Iterable[UnitId]) -> tuple[UnitId, ...]:
    """Return the other targets that may still give a wheel for what is lost."""
    return tuple(
        other.id
        for key in needed
        if board.units[key].is_lost
        for other in board.of_release(key.release)
        if other.may_come
    )


def _break_component(
    units: Mapping[UnitId, Unit], edges: Mapping[UnitId, tuple[UnitId, ...]]
) -> tuple[BrokenCycle, ...]:
    """Decide how one component is broken. Changes nothing."""
    only_run = {
        (key, run)
        for key in edges
        for run in edges[key]
        if run not in (*units[key].builds, *units[key].hosts)
    }
    cut = edges_to_cut(edges, only_run) if only_run else ()
    broken = []
    if cut:
        way = shortest_cycle(edges, cut[0][0])
        broken.append(BrokenCycle(cycle=way, members=frozenset(edges), cut=cut))
    rest = without_edges(edges, set(cut))
    for part in components(rest):
        inner = inside(rest, part)
        seeds = seeds_for(inner, lambda key: _may_be_seed(units[key])) or ()
        way = shortest_cycle(inner, seeds[0] if seeds else min(part))
        broken.append(BrokenCycle(cycle=way, members=part, seeds=seeds))
    return tuple(broken)


def _may_be_seed(unit: Unit) -> bool:
    return unit.pin.wheel is not None and not unit.seedless


def find_cycles(board: Board, changed: Iterable[UnitId]) -> Found:
    """Find and judge every cycle that runs through units whose edges changed."""
    graph = _waiting_graph(board, changed)
    broken: list[BrokenCycle] = []
    gated: list[UnitId] = []
    hoping: list[UnitId] = []
    unsettled: list[UnitId] = []
    for members in components(graph):
        held = [key for key in members if board.units[key].state is State.GATED]
        hopeful = [
            key for key in members if members & set(_hopes_for(board, board.units[key].waits_for()))
        ]
        if held:
            gated.append(min(held))
        elif hopeful:
            hoping += sorted(hopeful)
        else:
            broken += _break_component(board.units, inside(graph, members))
            continue
        unsettled += sorted(members)
    return Found(
        broken=tuple(broken), gated=tuple(gated), hoping=tuple(hoping), unsettled=tuple(unsettled)
    )


def apply(units: Mapping[UnitId, Unit], broken: BrokenCycle) -> None:
    """Note on the units how their cycle is broken."""
    for unit, run in broken.cut:
        units[unit].cut.add(run)
    if broken.cut:
        return
    if not broken.seeds:
        for member in broken.members:
            units[member].knot = broken.way
        return
    older = [group for member in broken.members if (group := units[member].group) is not None]
    members = broken.members.union(*(group.members for group in older))
    group = Group(members=members, seeds=dict.fromkeys(broken.seeds))
    for other in older:
        group.seeds.update(other.seeds)
    for member in members:
        units[member].group = group
