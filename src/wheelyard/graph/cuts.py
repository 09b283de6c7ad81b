"""Which edges to leave out so that no cycle is left: the least weight of them.

The smallest set is hard to find (Karp's feedback arc set), but cycles of packages are small: a search
from a good first answer finds the best and proves it, or gives up after so many steps with the best that
it has seen. The answer is the same for the same graph.
"""

from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping

from wheelyard.graph.cycles import components

Cut = tuple[str, str]
"""Parent and child: the edge from the former to the latter."""
Rank = Callable[[str, str], int]

_STEPS = 3000
"""How many partial answers are looked at for one component at most."""
_SEARCHED_WORK = 2_000_000
"""Up to how much work (partial answers times edges, squared) one component is searched."""
_PRUNED_WORK = 2_000_000
"""Up to how much work (cuts times edges) superfluous cuts are looked for."""


def cuts(parents: Mapping[str, Iterable[str]], rank: Rank) -> tuple[Cut, ...]:
    """Return edges without which there is no cycle, sorted.

    As few as can be of the highest rank, among those answers as few as can be of the next, and so on:
    one edge of rank 1 weighs more than all edges of rank 0 together.
    """
    found: list[Cut] = []
    for part in components(parents):
        edges = sorted(
            {(parent, node) for node in part for parent in parents[node] if parent in part}
        )
        found += _Component(edges, rank).cuts()
    return tuple(sorted(found))


class _Component:
    """One strongly connected component."""

    def __init__(self, edges: list[Cut], rank: Rank) -> None:
        base = len(edges) + 1
        self._weight = {edge: base ** rank(*edge) for edge in edges}
        self._next: dict[str, list[str]] = {node: [] for edge in edges for node in edge}
        for source, to in edges:
            self._next[source].append(to)

    def cuts(self) -> list[Cut]:
        """Return the best answer that is found."""
        first = self._needed(self._backward())
        return self._searched(first, min(_STEPS, _SEARCHED_WORK // len(self._weight) ** 2))

    def _total(self, edges: Iterable[Cut]) -> int:
        return sum(self._weight[edge] for edge in edges)

    def _backward(self) -> list[Cut]:
        """Put the nodes in a row, each time the one whose unplaced parents weigh least; what leads back is cut."""
        owed = dict.fromkeys(self._next, 0)
        gives = dict.fromkeys(self._next, 0)
        for (source, to), weight in self._weight.items():
            owed[to] += weight if source != to else 0
            gives[source] += weight
        place: dict[str, int] = {}
        while owed:
            node = min(owed, key=lambda one: (owed[one], -gives[one], one))
            del owed[node]
            place[node] = len(place)
            for to in self._next[node]:
                if to in owed:
                    owed[to] -= self._weight[node, to]
        return [edge for edge in self._weight if place[edge[0]] >= place[edge[1]]]

    def _needed(self, chosen: list[Cut]) -> list[Cut]:
        """Give back what was not needed, the heaviest first."""
        if len(chosen) * len(self._weight) > _PRUNED_WORK:
            return chosen
        kept = set(chosen)
        for edge in sorted(chosen, key=lambda one: (-self._weight[one], one)):
            if not self._leads(edge[1], edge[0], kept):
                kept.discard(edge)
        return sorted(kept)

    def _leads(self, start: str, end: str, cut: set[Cut]) -> bool:
        return bool(self._way(start, end, cut))

    def _way(self, start: str, end: str, cut: Collection[Cut]) -> list[str]:
        """Return the shortest way from one node to another; a node leads to itself."""
        previous = {start: start}
        queue = deque([start])
        while queue:
            node = queue.popleft()
            if node == end:
                way = [end]
                while way[-1] != start:
                    way.append(previous[way[-1]])
                return way[::-1]
            for to in self._next[node]:
                if to not in previous and (node, to) not in cut:
                    previous[to] = node
                    queue.append(to)
        return []

    def _cycle(self, cut: frozenset[Cut]) -> list[Cut]:
        """Return the edges of a short cycle that is left."""
        best: list[Cut] = []
        for source, to in self._weight:
            if (source, to) in cut:
                continue
            way = self._way(to, source, cut)
            if way and (not best or len(way) < len(best)):
                best = list(zip(way, [*way[1:], to], strict=True))
                if len(best) <= 2:  # noqa: PLR2004 - none is shorter but a loop
                    break
        return best

    def _searched(self, first: list[Cut], steps: int) -> list[Cut]:
        """Try to cut each edge of some cycle in turn, as long as that can be better than the best."""
        best, least = first, self._total(first)
        stack: list[tuple[frozenset[Cut], frozenset[Cut]]] = [(frozenset(), frozenset())]
        for _ in range(steps):
            if not stack:
                break
            cut, kept = stack.pop()
            total = self._total(cut)
            if total >= least:
                continue
            cycle = self._cycle(cut)
            if not cycle:
                best, least = sorted(cut), total
                continue
            branches = []
            for edge in sorted(cycle, key=lambda one: (self._weight[one], one)):
                if edge in kept:
                    continue
                if total + self._weight[edge] < least:
                    branches.append((cut | {edge}, kept))
                kept |= {edge}
            stack += reversed(branches)
        return best
