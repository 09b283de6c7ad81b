"""Who is in a migration, and who there waits for whom.

A package that is not in it is not built again, but it may stand between two that are: then the lower
one still comes first. Such a way counts as a need at run time, since all that it says is that the one cannot
be installed without the other.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum

from wheelyard.graph.cuts import Cut, cuts
from wheelyard.graph.cycles import components
from wheelyard.graph.order import Layout, reachable
from wheelyard.graph.packages import EdgeKind, Package, PackageGraph

_BUILDING = frozenset({EdgeKind.BUILD, EdgeKind.HOST})


class LeftOut(Enum):
    """Why a package is not in a migration that it might have been in."""

    ARCHIVED = "archived"
    BROKEN = "broken"
    EXCLUDED = "excluded"
    NOARCH = "noarch"
    PLATFORM = "platform"
    PINNED = "pinned"
    NO_NEED = "no need"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Whom a migration is for.

    ``pins``: names whose pins move; whoever has one in its host section (in build, where there is no host) is
    in. ``ports``: packages that are to be there, with all that they need. ``chosen``: packages that a rule named.
    ``platforms``: where it happens; empty means everywhere. ``ignored``: for a package, those that it does not
    wait for. ``with_pinned``: those that put the pins out may be in, too.
    """

    pins: frozenset[str] = frozenset()
    ports: frozenset[str] = frozenset()
    chosen: frozenset[str] = frozenset()
    exclude: frozenset[str] = frozenset()
    platforms: frozenset[str] = frozenset()
    ignored: Mapping[str, frozenset[str]] = field(default_factory=dict)
    with_noarch: bool = False
    with_build: bool = False
    with_pinned: bool = False


class Rank(Enum):
    """How much it costs to leave an edge of a cycle out."""

    TEST = 0
    RUN = 1
    BUILD = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Membership:
    """Who is in: ``parents`` has them all, with those among them that each waits for, and why (``ranks``).

    ``left_out``: who would be in, were it not for the reason. ``ignored``: edges that are there but not waited for.
    """

    parents: Mapping[str, tuple[str, ...]]
    ranks: Mapping[Cut, Rank]
    left_out: Mapping[str, LeftOut] = field(default_factory=dict)
    ignored: frozenset[Cut] = frozenset()

    def without(self, settled: Iterable[str] = ()) -> frozenset[Cut]:
        """Return the edges that need not be waited for, so that no cycle is left.

        The fewest needs for building are cut that can be, then the fewest at run time, then tests. What leads to
        a settled package costs nothing.
        """
        done = frozenset(settled)
        tangled = frozenset().union(*components(self.parents))
        live = {
            node: tuple(
                one
                for one in self.parents[node]
                if one in tangled and one not in done and (one, node) not in self.ignored
            )
            for node in tangled - done
        }
        return frozenset(cuts(live, lambda source, to: self.ranks[source, to].value))

    def order(self, settled: Iterable[str] = ()) -> list[str]:
        """Return every member once: parents first, a cycle in the order that is left without its cuts."""
        cut = self.without(settled)

        def within(part: frozenset[str]) -> list[str]:
            return Layout(
                {
                    node: [
                        one for one in self.parents[node] if one in part and (one, node) not in cut
                    ]
                    for node in part
                }
            ).order()

        return Layout(self.parents).order(within)


def membership(graph: PackageGraph, scope: Scope) -> Membership:
    """Find who is in a migration."""
    wanted = _wanted(graph, scope)
    left_out = {}
    for name in wanted:
        reason = _left_out(graph.packages[name], scope, graph)
        if reason is not None:
            left_out[name] = reason
    members = wanted - left_out.keys()
    parents = _all_parents(graph, scope, members)
    direct = {
        node: [parent for parent in parents[node] if parent in members] for node in sorted(members)
    }
    passed = _passed_by(parents, members)
    ranks: dict[Cut, Rank] = {}
    found: dict[str, tuple[str, ...]] = {}
    for node, its_parents in direct.items():
        for parent in its_parents:
            ranks[parent, node] = _rank(graph, parent, node)
        for parent in passed[node]:
            ranks.setdefault((parent, node), Rank.RUN)
        found[node] = tuple(sorted({*its_parents, *passed[node]}))
    return Membership(
        parents=found,
        ranks=ranks,
        left_out=left_out,
        ignored=frozenset(
            (parent, node)
            for node in found
            for parent in scope.ignored.get(node, ())
            if (parent, node) in ranks
        ),
    )


def _wanted(graph: PackageGraph, scope: Scope) -> set[str]:
    wanted = {name for name in scope.chosen if name in graph.packages}
    if scope.pins:
        wanted |= {
            name
            for name in graph.packages
            if not scope.pins.isdisjoint(_pinned(graph, name, scope))
        }
    if scope.ports:
        wanted |= reachable(graph.parents(platforms=scope.platforms), scope.ports)
    return wanted


def _pinned(graph: PackageGraph, name: str, scope: Scope) -> set[str]:
    """Return the names of a package's host section on the platforms of a migration."""
    named: dict[EdgeKind, set[str]] = {kind: set() for kind in EdgeKind}
    for need in graph.needs_of(name):
        if need.counts_on(scope.platforms):
            named[need.kind].add(need.name)
    host, build = named[EdgeKind.HOST], named[EdgeKind.BUILD]
    return host | build if scope.with_build else host or build


def _left_out(package: Package, scope: Scope, graph: PackageGraph) -> LeftOut | None:
    if package.archived:
        return LeftOut.ARCHIVED
    if package.broken:
        return LeftOut.BROKEN
    if package.noarch and not scope.with_noarch:
        return LeftOut.NOARCH
    if scope.platforms and package.platforms and scope.platforms.isdisjoint(package.platforms):
        return LeftOut.PLATFORM
    if package.name in scope.exclude:
        return LeftOut.EXCLUDED
    if not scope.with_pinned and any(package.name in graph.makers(pin) for pin in scope.pins):
        return LeftOut.PINNED
    return None


def _all_parents(
    graph: PackageGraph, scope: Scope, building: set[str]
) -> dict[str, tuple[str, ...]]:
    """Return what each package needs; those that are not built again need nothing for building."""
    found = {}
    for name in graph.packages:
        edges = (edge for edge in graph.edges_to(name) if edge.counts_on(scope.platforms))
        found[name] = tuple(
            edge.source for edge in edges if name in building or EdgeKind.RUN in edge.kinds
        )
    return found


def _rank(graph: PackageGraph, parent: str, node: str) -> Rank:
    edge = graph.edge(parent, node)
    if edge is None:
        return Rank.RUN
    if not _BUILDING.isdisjoint(edge.kinds):
        return Rank.BUILD
    return Rank.RUN if EdgeKind.RUN in edge.kinds else Rank.TEST


def _passed_by(parents: Mapping[str, tuple[str, ...]], members: set[str]) -> dict[str, list[str]]:
    """Return for each member those that it needs by way of packages that are none."""
    names = sorted(members)
    bit = {name: 1 << number for number, name in enumerate(names)}
    others = {
        node: [parent for parent in its_parents if parent not in members]
        for node, its_parents in parents.items()
        if node not in members
    }
    layout = Layout(others)
    group = {node: part for part in layout.cycles for node in part}
    above: dict[str, int] = {}
    for node in layout.order():
        if node in above:
            continue
        part = group.get(node, (node,))
        reached = 0
        for member in part:
            for parent in parents[member]:
                reached |= bit.get(parent, 0) | above.get(parent, 0)
        above |= dict.fromkeys(part, reached)
    found = {}
    for name in names:
        reached = 0
        for parent in parents[name]:
            reached |= above.get(parent, 0)
        found[name] = _members_of(reached & ~bit[name], names)
    return found


def _members_of(bits: int, names: list[str]) -> list[str]:
    found = []
    while bits:
        lowest = bits & -bits
        found.append(names[lowest.bit_length() - 1])
        bits ^= lowest
    return found
