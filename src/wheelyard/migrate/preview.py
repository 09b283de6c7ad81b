"""What a migration will be, before it starts: who is in, how deep it goes, what it costs, and when it may end."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from heapq import heappop, heappush

from wheelyard.graph.cuts import Cut
from wheelyard.graph.order import Layout, children_of
from wheelyard.migrate.membership import LeftOut, Membership
from wheelyard.migrate.priority import Limits

_HOUR = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How fast things go.

    ``build_seconds`` of a package is that of all its targets together; ``review_seconds`` pass until a
    proposal is merged; ``slots`` builds run at once.
    """

    build_seconds: Callable[[str], float]
    review_seconds: float = 0.0
    slots: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """The answer. ``order`` is that of the work; ``levels`` are counts by depth; ``seconds`` is wall time until the end."""

    order: tuple[str, ...]
    levels: tuple[int, ...]
    cycles: tuple[tuple[str, ...], ...]
    cut: tuple[Cut, ...]
    left_out: Mapping[str, LeftOut]
    machine_hours: float
    seconds: float

    @property
    def depth(self) -> int:
        """How many packages stand above each other at most."""
        return len(self.levels)


def preview(members: Membership, limits: Limits, pace: Pace) -> Preview:
    """Look ahead."""
    layout = Layout(members.parents)
    levels = [0] * (1 + max(layout.depths.values(), default=-1))
    for depth in layout.depths.values():
        levels[depth] += 1
    cut = members.without()
    return Preview(
        order=tuple(members.order()),
        levels=tuple(levels),
        cycles=tuple(tuple(sorted(part)) for part in layout.cycles),
        cut=tuple(sorted(cut)),
        left_out=dict(sorted(members.left_out.items())),
        machine_hours=sum(map(pace.build_seconds, members.parents)) / _HOUR,
        seconds=_Simulation(members, cut, limits, pace).run(),
    )


class _Simulation:
    """Proposals and builds played through, event by event."""

    def __init__(
        self, members: Membership, cut: frozenset[Cut], limits: Limits, pace: Pace
    ) -> None:
        skipped = cut | members.ignored
        parents = {
            node: [one for one in of_node if (one, node) not in skipped]
            for node, of_node in members.parents.items()
        }
        self._layout = Layout(parents)
        self._children = children_of(parents)
        self._waits = {node: len(of_node) for node, of_node in parents.items()}
        self._limits = limits
        self._pace = pace
        self._ready: list[tuple[int, int, str]] = []
        self._merged: list[tuple[int, int, str]] = []
        self._events: list[tuple[float, bool, str]] = []
        self._open = 0
        self._free = pace.slots
        self._published = 0
        self._now = 0.0

    def run(self) -> float:
        """Return how many seconds it takes."""
        for node, count in self._waits.items():
            if not count:
                heappush(self._ready, self._worth(node))
        self._go_on()
        while self._events:
            self._now, built, node = heappop(self._events)
            if built:
                self._publish(node)
            else:
                heappush(self._merged, self._worth(node))
            self._go_on()
        return self._now

    def _worth(self, node: str) -> tuple[int, int, str]:
        return (self._layout.depths[node], -self._layout.descendants[node], node)

    def _go_on(self) -> None:
        most = self._limits.open_at_once(published=self._published, failed=0)
        while self._ready and self._open < most:
            node = heappop(self._ready)[-1]
            self._open += 1
            heappush(self._events, (self._now + self._pace.review_seconds, False, node))
        while self._merged and self._free:
            node = heappop(self._merged)[-1]
            self._free -= 1
            heappush(self._events, (self._now + self._pace.build_seconds(node), True, node))

    def _publish(self, node: str) -> None:
        self._open -= 1
        self._free += 1
        self._published += 1
        for child in self._children[node]:
            self._waits[child] -= 1
            if not self._waits[child]:
                heappush(self._ready, self._worth(child))
