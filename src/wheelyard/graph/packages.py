"""Packages, what they put out and what they need, as one graph.

A package is a recipe (a feedstock, or a project of a farm): it puts out names, and needs names. An edge
goes from the package that puts a name out to the package that needs it, so that the order of a graph
is the order in which things are built.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum


class EdgeKind(Enum):
    """What one package needs another for."""

    BUILD = "build"
    HOST = "host"
    RUN = "run"
    TEST = "test"


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Need:
    """A name that a package needs. ``platforms``: where; empty means everywhere."""

    name: str
    kind: EdgeKind = field(compare=False)
    platforms: frozenset[str] = field(default=frozenset(), compare=False)

    def counts_on(self, platforms: frozenset[str]) -> bool:
        """Whether it is needed on one of some platforms; none named means any."""
        return not platforms or not self.platforms or not platforms.isdisjoint(self.platforms)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunExport:
    """What comes with a need for ``output``: from the build section into host and run (``strong``), else from host into run."""

    output: str
    name: str
    strong: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """One package. ``outputs`` empty: it puts out its own name.

    ``noarch``: ``python`` or ``generic``, or empty. ``platforms``: where it is built; empty means everywhere.
    ``broken``: why its recipe cannot be read; such a package has no needs that are known.
    """

    name: str
    needs: tuple[Need, ...] = ()
    outputs: tuple[str, ...] = ()
    exports: tuple[RunExport, ...] = ()
    noarch: str = ""
    platforms: frozenset[str] = frozenset()
    archived: bool = False
    broken: str = ""

    def needed(self, *kinds: EdgeKind) -> frozenset[str]:
        """Return the names that it needs for some ends."""
        return frozenset(need.name for need in self.needs if need.kind in kinds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """``to`` needs ``source``, for these ends; ``platforms`` empty means everywhere."""

    source: str
    to: str
    kinds: frozenset[EdgeKind]
    platforms: frozenset[str] = frozenset()

    def counts_on(self, platforms: frozenset[str]) -> bool:
        """Whether it is there on one of some platforms; none named means any."""
        return not platforms or not self.platforms or not platforms.isdisjoint(self.platforms)


class PackageGraph:
    """All packages and the edges among them. A value: ``with_packages`` returns another graph."""

    def __init__(self, packages: Iterable[Package]) -> None:
        self.packages: Mapping[str, Package] = {
            one.name: one for one in sorted(packages, key=lambda one: one.name)
        }
        self._makers: dict[str, tuple[str, ...]] = {}
        exports: dict[str, list[RunExport]] = {}
        for package in self.packages.values():
            for output in sorted({*package.outputs} or {package.name}):
                self._makers[output] = (*self._makers.get(output, ()), package.name)
            for export in package.exports:
                exports.setdefault(export.output, []).append(export)
        self._exports = exports
        self._edges: dict[str, tuple[Edge, ...]] = {}

    def makers(self, output: str) -> tuple[str, ...]:
        """Return the packages that put a name out, sorted; empty where nobody does."""
        return self._makers.get(output, ())

    def needs_of(self, package: str) -> tuple[Need, ...]:
        """Return what a package needs, with what comes along by run exports."""
        needs = self.packages[package].needs
        return (*needs, *(added for need in needs for added in self._exported(need)))

    def _exported(self, need: Need) -> Iterable[Need]:
        for export in self._exports.get(need.name, ()):
            if export.strong and need.kind is EdgeKind.BUILD:
                yield replace(need, name=export.name, kind=EdgeKind.HOST)
                yield replace(need, name=export.name, kind=EdgeKind.RUN)
            elif need.kind is EdgeKind.HOST:
                yield replace(need, name=export.name, kind=EdgeKind.RUN)

    def edges_to(self, package: str) -> tuple[Edge, ...]:
        """Return the edges into a package, by the name of where they come from; never from itself."""
        known = self._edges.get(package)
        if known is None:
            known = self._edges[package] = self._found(package)
        return known

    def _found(self, package: str) -> tuple[Edge, ...]:
        kinds: dict[str, set[EdgeKind]] = {}
        places: dict[str, set[str]] = {}
        everywhere: set[str] = set()
        for need in self.needs_of(package):
            for maker in self._makers.get(need.name, ()):
                if maker == package:
                    continue
                kinds.setdefault(maker, set()).add(need.kind)
                places.setdefault(maker, set()).update(need.platforms)
                if not need.platforms:
                    everywhere.add(maker)
        return tuple(
            Edge(
                source=maker,
                to=package,
                kinds=frozenset(kinds[maker]),
                platforms=frozenset() if maker in everywhere else frozenset(places[maker]),
            )
            for maker in sorted(kinds)
        )

    def edge(self, source: str, to: str) -> Edge | None:
        """Return the edge between two packages, if there is one."""
        return next((edge for edge in self.edges_to(to) if edge.source == source), None)

    def parents(
        self,
        *,
        kinds: Iterable[EdgeKind] = tuple(EdgeKind),
        platforms: frozenset[str] = frozenset(),
    ) -> dict[str, tuple[str, ...]]:
        """Return for each package those that it needs, for some ends and on some platforms."""
        wanted = frozenset(kinds)
        if not platforms and wanted.issuperset(EdgeKind):
            return {name: self._parents_of(name) for name in self.packages}
        return {
            name: tuple(
                edge.source
                for edge in self.edges_to(name)
                if not wanted.isdisjoint(edge.kinds) and edge.counts_on(platforms)
            )
            for name in self.packages
        }

    def _parents_of(self, package: str) -> tuple[str, ...]:
        """Return all that a package needs, without making edges of it."""
        found = {
            maker for need in self.needs_of(package) for maker in self._makers.get(need.name, ())
        }
        return tuple(sorted(found - {package}))

    def with_packages(self, changed: Iterable[Package], gone: Iterable[str] = ()) -> "PackageGraph":
        """Return the graph in which some packages are others, or not there."""
        packages = dict(self.packages)
        for name in gone:
            packages.pop(name, None)
        packages.update({one.name: one for one in changed})
        return PackageGraph(packages.values())
