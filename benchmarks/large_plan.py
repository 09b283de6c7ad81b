"""A made-up ecosystem that is as large as asked for, and the same each time: what planning is measured on.

Each project needs up to three others when it runs and is built by two of twenty build tools, of which all
but the first two need those. ``answer`` gives what was recorded of it; nothing is read or resolved.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from packaging.requirements import Requirement

from wheelyard.model.release import ProjectName, Release
from wheelyard.model.resolution import Pin, Query, Resolution
from wheelyard.model.source import Source, SourceFacts, SourceKind
from wheelyard.plan.unit import PlanOptions
from wheelyard.targets.target import Target

_TOOLS = 20
_REACH = 400
_VERSION = "1.0"
_PLATFORM = "manylinux_2_28_x86_64"


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """What one project needs to be built, and to run."""

    build: tuple[ProjectName, ...]
    run: tuple[ProjectName, ...] = ()


class Ecosystem:
    """Projects, and the answers that a plan of all of them asks for."""

    def __init__(self, releases: int) -> None:
        self.projects = dict(_projects(releases))

    def options(self) -> PlanOptions:
        """Ask for everything, for one target."""
        return PlanOptions(
            requirements=tuple(self.projects),
            requested=frozenset(self.projects),
            targets=(Target.parse("cp312", native=_PLATFORM),),
        )

    def facts(self, release: Release) -> SourceFacts:
        """Return what a release's source says of itself."""
        build = self.projects[release.project].build
        return SourceFacts(build_requires=build, backend="", backend_path=())

    def resolve(self, query: Query) -> Resolution:
        """Return the one solution that there is."""
        roots = [ProjectName(Requirement(line).name) for line in query.requirements]
        pins: dict[ProjectName, Pin] = {}
        queue = list(roots)
        while queue:
            name = queue.pop()
            if name not in pins:
                pins[name] = _pin(name, self.projects[name].run)
                queue += self.projects[name].run
        return Resolution(
            pins=tuple(pins[name] for name in sorted(pins)), roots=tuple(sorted(set(roots)))
        )


def _projects(count: int) -> Iterator[tuple[ProjectName, Project]]:
    random = Random(1)  # noqa: S311 - not a secret
    tools = [ProjectName(f"tool{number}") for number in range(_TOOLS)]
    for rank, tool in enumerate(tools):
        yield tool, Project(build=tuple(tools[: min(rank, 2)]))
    for number in range(count - _TOOLS):
        near = range(max(0, number - _REACH), number)
        run = {ProjectName(f"p{random.choice(near)}") for _ in range(3)} if near else set()
        build = tuple(random.sample(tools, 2))
        yield ProjectName(f"p{number}"), Project(build=build, run=tuple(sorted(run)))


def _pin(name: ProjectName, dependencies: tuple[ProjectName, ...]) -> Pin:
    source = Source(
        kind=SourceKind.SDIST,
        location=f"https://localhost/{name}-{_VERSION}.tar.gz",
        digest=f"sha256:{name}",
        filename=f"{name}-{_VERSION}.tar.gz",
    )
    return Pin(
        release=Release.of(name, _VERSION),
        source=source,
        wheel=None,
        dependencies=dependencies,
        requires_python="",
    )
