"""Strongly connected components, and the cheapest places to cut them.

Nodes are any hashable, orderable values. Nothing recurses, so a chain of 100,000 nodes works, and
every answer is the same whatever the order in which edges were given.
"""

from collections import deque
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping
from itertools import combinations
from math import comb
from typing import TypeVar

import rustworkx

Node = TypeVar("Node", bound=Hashable)

_EXACT_TRIES = 3000
"""How many sets of seeds are tried for the smallest before the search becomes greedy."""
_GREEDY_NODES = 40
"""How many candidates, the best connected first, a greedy step compares."""
_GREEDY_EDGES = 60
"""Up to how many cheap edges are compared one by one; where there are more, an order decides."""
_PRUNED_WORK = 200_000
"""Up to how much work (edges cut times nodes) superfluous cuts are looked for."""


def components(edges: Mapping[Node, Iterable[Node]]) -> list[frozenset[Node]]:
    """Return the components that hold a cycle (a node that points to itself is one), largest first."""
    graph: rustworkx.PyDiGraph[Node, None] = rustworkx.PyDiGraph()
    indices = dict(zip(edges, graph.add_nodes_from(list(edges)), strict=True))
    loops = set()
    pairs = []
    for node, successors in edges.items():
        for successor in successors:
            if successor == node:
                loops.add(node)
            elif successor in indices:
                pairs.append((indices[node], indices[successor]))
    graph.add_edges_from_no_data(pairs)
    cyclic = [
        frozenset(graph[index] for index in component)
        for component in rustworkx.strongly_connected_components(graph)
        if len(component) > 1 or (loops and graph[component[0]] in loops)
    ]
    return sorted(cyclic, key=lambda part: (-len(part), min(map(repr, part))))


def shortest_cycle(edges: Mapping[Node, Iterable[Node]], start: Node) -> tuple[Node, ...]:
    """Return the shortest way from a node back to itself, without repeating it at the end; empty if none."""
    previous: dict[Node, Node] = {}
    queue = deque([start])
    while queue:
        node = queue.popleft()
        for successor in sorted(edges.get(node, ()), key=repr):
            if successor == start:
                way = [node]
                while way[-1] != start:
                    way.append(previous[way[-1]])
                return tuple(reversed(way))
            if successor not in previous:
                previous[successor] = node
                queue.append(successor)
    return ()


def _tangle(edges: Mapping[Node, Iterable[Node]]) -> int:
    return sum(len(part) for part in components(edges))


def inside(
    edges: Mapping[Node, Iterable[Node]], members: Collection[Node]
) -> dict[Node, tuple[Node, ...]]:
    """Return the part of a graph that lies among some nodes, in the order of their names."""
    return {
        node: tuple(to for to in edges[node] if to in members) for node in sorted(members, key=repr)
    }


def without_edges(
    edges: Mapping[Node, Iterable[Node]], cut: Collection[tuple[Node, Node]]
) -> dict[Node, tuple[Node, ...]]:
    """Return the graph without some edges."""
    return {
        node: tuple(to for to in successors if (node, to) not in cut)
        for node, successors in edges.items()
    }


def without_providers(
    edges: Mapping[Node, Iterable[Node]], providers: Collection[Node]
) -> dict[Node, tuple[Node, ...]]:
    """Return the graph in which nobody waits for some nodes."""
    return {
        node: tuple(to for to in successors if to not in providers)
        for node, successors in edges.items()
    }


def edges_to_cut(
    edges: Mapping[Node, Iterable[Node]], cheap: Iterable[tuple[Node, Node]]
) -> tuple[tuple[Node, Node], ...]:
    """Choose few of the cheap edges whose removal undoes as much of the tangle as removing all of them would.

    Where there are few: greedy, an edge at a time, the one that frees most nodes, ties by name. Where
    there are many: those that lead back in an order of the nodes.
    """
    rest = {node: tuple(successors) for node, successors in edges.items()}
    candidates = sorted(set(cheap), key=repr)
    floor = without_edges(rest, set(candidates))
    goal = _tangle(floor)
    if len(candidates) > _GREEDY_EDGES:
        return _needed(rest, _backward(rest, candidates, floor), goal)
    chosen: list[tuple[Node, Node]] = []
    while candidates and _tangle(rest) > goal:
        best = min(candidates, key=lambda edge: _tangle(without_edges(rest, {edge})))
        candidates.remove(best)
        rest = without_edges(rest, {best})
        chosen.append(best)
    return _needed(edges, chosen, goal)


def _backward(
    edges: Mapping[Node, tuple[Node, ...]],
    cheap: list[tuple[Node, Node]],
    floor: Mapping[Node, tuple[Node, ...]],
) -> list[tuple[Node, Node]]:
    """Choose the cheap edges that go against one order of the nodes, which all other edges follow.

    The order puts what the rest of the graph needs, dear edges, first, and among equals what most wait for.
    """
    group = {node: part for part in components(floor) for node in part}
    wanted = dict.fromkeys(edges, 0)
    for _, needed in cheap:
        wanted[needed] = wanted.get(needed, 0) + 1
    place: dict[Node, int] = {}
    for start in sorted(edges, key=lambda node: (-wanted[node], repr(node))):
        stack = [start]
        while stack:
            node = stack[-1]
            part = group.get(node, frozenset({node}))
            below = [
                to
                for member in part
                for to in floor[member]
                if to in floor and to not in part and to not in place
            ]
            if node in place or not below:
                stack.pop()
                place |= dict.fromkeys(part - place.keys(), len(place))
            else:
                stack += below
    return [(node, to) for node, to in cheap if to in place and place[to] >= place[node]]


def _needed(
    edges: Mapping[Node, Iterable[Node]], chosen: list[tuple[Node, Node]], goal: int
) -> tuple[tuple[Node, Node], ...]:
    """Drop what later choices made superfluous."""
    if len(chosen) * len(edges) > _PRUNED_WORK:
        return tuple(chosen)
    kept = dict.fromkeys(chosen)
    for edge in chosen:
        if _tangle(without_edges(edges, kept.keys() - {edge})) <= goal:
            del kept[edge]
    return tuple(kept)


def seeds_for(
    edges: Mapping[Node, Iterable[Node]],
    possible: Callable[[Node], bool],
) -> tuple[Node, ...] | None:
    """Choose few nodes that, given from outside, leave no cycle; None where the possible ones can't.

    The fewest that there are where all small sets can be tried, ties by name; else greedy like
    ``edges_to_cut``. (The smallest feedback vertex set is hard; cycles of build tools are small.)
    """
    chosen: list[Node] = []
    for part in components(edges):
        inner = inside(edges, part)
        candidates = [node for node in inner if possible(node)]
        if components(without_providers(inner, set(candidates))):
            return None
        chosen += _fewest(inner, candidates) or _greedy(inner, candidates)
    return tuple(chosen)


def _fewest(
    edges: Mapping[Node, tuple[Node, ...]], candidates: list[Node]
) -> tuple[Node, ...] | None:
    """Return the first smallest set that leaves no cycle, or None where there are too many to try."""
    tries = 0
    for size in range(1, len(candidates) + 1):
        tries += comb(len(candidates), size)
        if tries > _EXACT_TRIES:
            return None
        for chosen in combinations(candidates, size):
            if not components(without_providers(edges, chosen)):
                return chosen
    return None


def _greedy(edges: Mapping[Node, tuple[Node, ...]], candidates: list[Node]) -> list[Node]:
    """Take the node that frees most, again and again, then give back what was not needed."""
    rest: Mapping[Node, tuple[Node, ...]] = edges
    left = list(candidates)
    chosen: list[Node] = []
    while cyclic := components(rest):
        tangled = frozenset().union(*cyclic)
        wanted = dict.fromkeys(rest, 0)
        for node in tangled:
            for to in rest[node]:
                wanted[to] = wanted.get(to, 0) + len(rest.get(to, ()))
        left = sorted(
            (n for n in left if n in tangled), key=lambda node: (-wanted[node], repr(node))
        )
        graph = rest
        best = min(left[:_GREEDY_NODES], key=lambda node: _tangle(without_providers(graph, {node})))
        left.remove(best)
        chosen.append(best)
        rest = without_providers(rest, {best})
    for node in list(chosen):
        others = [other for other in chosen if other != node]
        if not components(without_providers(edges, others)):
            chosen = others
    return chosen
