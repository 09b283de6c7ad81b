"""Why one package needs another: the shortest way between them, and the shortest way round a cycle."""

from collections import deque
from collections.abc import Iterable, Mapping
from itertools import pairwise

from wheelyard.graph.cycles import shortest_cycle
from wheelyard.graph.packages import Edge, PackageGraph


def shortest_way(edges: Mapping[str, Iterable[str]], start: str, end: str) -> tuple[str, ...]:
    """Return the shortest way from one node to another, both included; of equals the first by name."""
    if start == end:
        return (start,)
    previous: dict[str, str] = {}
    queue = deque([start])
    while queue:
        node = queue.popleft()
        for to in sorted(edges.get(node, ())):
            if to in previous or to == start:
                continue
            previous[to] = node
            if to == end:
                way = [end]
                while way[-1] != start:
                    way.append(previous[way[-1]])
                return tuple(reversed(way))
            queue.append(to)
    return ()


def why(graph: PackageGraph, package: str, needed: str) -> tuple[Edge, ...]:
    """Return the fewest edges that make ``package`` need ``needed``, from the former; empty: it doesn't."""
    return _edges(graph, shortest_way(graph.parents(), package, needed))


def why_cycle(graph: PackageGraph, package: str) -> tuple[Edge, ...]:
    """Return the fewest edges by which a package needs itself, from it; empty where it doesn't."""
    way = shortest_cycle(graph.parents(), package)
    return _edges(graph, (*way, package)) if way else ()


def _edges(graph: PackageGraph, way: tuple[str, ...]) -> tuple[Edge, ...]:
    found = []
    for to, source in pairwise(way):
        edge = graph.edge(source, to)
        if edge is not None:
            found.append(edge)
    return tuple(found)
