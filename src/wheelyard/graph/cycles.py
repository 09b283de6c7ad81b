"""Strongly connected components, and the cheapest places to cut them.

Nodes are any hashable, orderable values. Nothing recurses, so a chain of 100,000 nodes works, and
every answer is the same whatever the order in which edges were given.
"""

from collections import deque
from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import TypeVar

import rustworkx

Node = TypeVar("Node", bound=Hashable)


def components(edges: Mapping[Node, Iterable[Node]]) -> list[frozenset[Node]]:
    """Return the components that hold a cycle (a node that points to itself is one), largest first."""
    graph: rustworkx.PyDiGraph[Node, None] = rustworkx.PyDiGraph()
    indices = {node: graph.add_node(node) for node in edges}
    loops = set()
    for node, successors in edges.items():
        for successor in successors:
            if successor == node:
                loops.add(node)
            elif successor in indices:
                graph.add_edge(indices[node], indices[successor], None)
    found = [
        frozenset(graph[index] for index in component)
        for component in rustworkx.strongly_connected_components(graph)
    ]
    cyclic = [part for part in found if len(part) > 1 or next(iter(part)) in loops]
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


def without_edge(
    edges: Mapping[Node, Iterable[Node]], cut: tuple[Node, Node]
) -> dict[Node, tuple[Node, ...]]:
    """Return the graph without one edge."""
    return {
        node: tuple(to for to in successors if (node, to) != cut)
        for node, successors in edges.items()
    }


def without_provider(
    edges: Mapping[Node, Iterable[Node]], provider: Node
) -> dict[Node, tuple[Node, ...]]:
    """Return the graph in which nobody waits for one node."""
    return {
        node: tuple(to for to in successors if to != provider) for node, successors in edges.items()
    }


def edges_to_cut(
    edges: Mapping[Node, Iterable[Node]], cheap: Iterable[tuple[Node, Node]]
) -> tuple[tuple[Node, Node], ...]:
    """Choose few of the cheap edges whose removal undoes as much of the tangle as removing all of them would.

    Greedy: an edge at a time, the one that frees most nodes, ties by name. Components are small in
    practice (a handful of build tools), where this is the minimum.
    """
    rest = {node: tuple(successors) for node, successors in edges.items()}
    candidates = sorted(set(cheap), key=repr)
    floor = rest
    for edge in candidates:
        floor = without_edge(floor, edge)
    goal = _tangle(floor)
    chosen: list[tuple[Node, Node]] = []
    while candidates and _tangle(rest) > goal:
        best = min(candidates, key=lambda edge: _tangle(without_edge(rest, edge)))
        candidates.remove(best)
        rest = without_edge(rest, best)
        chosen.append(best)
    return _needed(edges, chosen, goal)


def _needed(
    edges: Mapping[Node, Iterable[Node]], chosen: list[tuple[Node, Node]], goal: int
) -> tuple[tuple[Node, Node], ...]:
    """Drop what later choices made superfluous."""
    kept = list(chosen)
    for edge in chosen:
        rest = {node: tuple(successors) for node, successors in edges.items()}
        for other in kept:
            if other != edge:
                rest = without_edge(rest, other)
        if _tangle(rest) <= goal:
            kept.remove(edge)
    return tuple(kept)


def seeds_for(
    edges: Mapping[Node, Iterable[Node]],
    possible: Callable[[Node], bool],
) -> tuple[Node, ...] | None:
    """Choose few nodes that, given from outside, leave no cycle; None where the possible ones can't.

    Greedy like ``edges_to_cut``: the node that frees most, ties by name.
    """
    rest = {node: tuple(successors) for node, successors in edges.items()}
    chosen: list[Node] = []
    while cyclic := components(rest):
        candidates = sorted((node for part in cyclic for node in part if possible(node)), key=repr)
        candidates = [node for node in candidates if node not in chosen]
        if not candidates:
            return None
        best = min(candidates, key=lambda node: _tangle(without_provider(rest, node)))
        chosen.append(best)
        rest = without_provider(rest, best)
    return tuple(chosen)
