"""The order of a graph, how deep it goes, and how much hangs on each node.

Graphs are mappings of a node to its parents: those that come before it. All answers are the same whatever
the order in which they were given, nothing recurses, and each takes time that is linear in the edges
(``descendants``: in edges times nodes, many nodes at a time).
"""

from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from heapq import heapify, heappop, heappush

from wheelyard.graph.cycles import components

Parents = Mapping[str, Iterable[str]]
Within = Callable[[frozenset[str]], Iterable[str]]


def children_of(parents: Parents) -> dict[str, list[str]]:
    """Turn a graph round: each node with those that come after it, sorted; what is no node is left out."""
    children: dict[str, list[str]] = {node: [] for node in sorted(parents)}
    for node in children:
        for parent in set(parents[node]):
            if parent in children and parent != node:
                children[parent].append(node)
    return children


class Layout:
    """What is asked of a graph as a whole, each found once."""

    def __init__(self, parents: Parents) -> None:
        self._parents = parents
        self.cycles: list[frozenset[str]] = components(parents)
        """The components that hold a cycle."""
        self._group = {node: part for part in self.cycles for node in part}

    @cached_property
    def children(self) -> dict[str, list[str]]:
        """Each node with those that come right after it."""
        return children_of(self._parents)

    @cached_property
    def _heads(self) -> list[str]:
        """One node of each component, in order."""
        group = self._group
        lowest = {part: min(part) for part in self.cycles}
        head = {node: lowest[group[node]] if node in group else node for node in self.children}
        waits: dict[str, int] = dict.fromkeys(head.values(), 0)
        after: dict[str, list[str]] = {node: [] for node in waits}
        for node, nodes in self.children.items():
            for child in nodes:
                if head[node] != head[child]:
                    waits[head[child]] += 1
                    after[head[node]].append(head[child])
        ready = [node for node, count in waits.items() if not count]
        heapify(ready)
        found: list[str] = []
        while ready:
            node = heappop(ready)
            found.append(node)
            for to in after[node]:
                waits[to] -= 1
                if not waits[to]:
                    heappush(ready, to)
        return found

    def order(self, within: Within = sorted) -> list[str]:
        """Return every node once, parents first; of those that may come, the first by name.

        The members of a cycle come together, in the order that ``within`` gives them.
        """
        group = self._group
        found: list[str] = []
        for node in self._heads:
            found += within(group[node]) if node in group else (node,)
        return found

    @cached_property
    def depths(self) -> dict[str, int]:
        """How many steps each node is above those that need nothing; a cycle counts as one node."""
        depth = dict.fromkeys(self.children, 0)
        for node in self._heads:
            members = self._group.get(node, (node,))
            level = max(depth[member] for member in members)
            for member in members:
                depth[member] = level
                for child in self.children[member]:
                    if child not in members and depth[child] <= level:
                        depth[child] = level + 1
        return depth

    @cached_property
    def descendants(self) -> dict[str, int]:
        """How many nodes come after each, directly or not, without itself.

        Sets are the bits of numbers, each dropped as soon as the last parent has it.
        """
        children = self.children
        wanted = dict.fromkeys(children, 0)
        for below_it in children.values():
            for child in below_it:
                wanted[child] += 1
        counts: dict[str, int] = {}
        below: dict[str, int] = {}
        bit = 1
        for node in reversed(self._heads):
            members = self._group.get(node, (node,))
            reached = 0
            for member in members:
                reached |= bit
                bit <<= 1
                for child in children[member]:
                    reached |= below.get(child, 0)
            count = reached.bit_count() - 1
            for member in members:
                counts[member] = count
                below[member] = reached
            _drop(children, members, wanted, below)
        return counts


def _drop(
    children: Mapping[str, list[str]],
    members: Iterable[str],
    wanted: dict[str, int],
    below: dict[str, int],
) -> None:
    """Forget the sets that every parent has taken."""
    for member in members:
        for child in children[member]:
            wanted[child] -= 1
            if not wanted[child]:
                below.pop(child, None)
        if not wanted[member]:
            below.pop(member, None)


def order(parents: Parents, within: Within = sorted) -> list[str]:
    """Return every node once, parents first (``Layout.order``)."""
    return Layout(parents).order(within)


def reachable(edges: Mapping[str, Iterable[str]], starts: Iterable[str]) -> set[str]:
    """Return the nodes that can be reached from some, themselves included."""
    seen = {start for start in starts if start in edges}
    stack = list(seen)
    while stack:
        for to in edges[stack.pop()]:
            if to in edges and to not in seen:
                seen.add(to)
                stack.append(to)
    return seen
