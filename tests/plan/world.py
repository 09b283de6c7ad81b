"""A small world in which plans are carried out at once, for tests of the planner."""

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random

from packaging.requirements import Requirement
from packaging.tags import Tag, parse_tag
from packaging.utils import canonicalize_name

from wheelyard.errors import InvalidArchiveError, NoSolutionError, UpstreamError
from wheelyard.model.artifact import Artifact, Origin
from wheelyard.model.job import Offer, Outcome, Report, Step, StepName
from wheelyard.model.recipe import DEFAULT_RECIPE, Recipe
from wheelyard.model.release import ProjectName, Release
from wheelyard.model.resolution import FromSource, Pin, Query, Resolution
from wheelyard.model.source import FileEntry, Source, SourceFacts, SourceKind
from wheelyard.model.way import WayKind
from wheelyard.plan.events import (
    BuildResolved,
    Command,
    Event,
    FetchFailed,
    FetchWheel,
    Finished,
    HostResolved,
    Inspect,
    Inspected,
    InspectFailed,
    Recall,
    Recalled,
    RequestResolved,
    ResolveBuild,
    ResolveHost,
    ResolveRequest,
    ResolveTest,
    Start,
    TestResolved,
    UnitFailed,
    UnitId,
    WheelFetched,
)
from wheelyard.plan.key import recipe_digest
from wheelyard.plan.planner import Planner
from wheelyard.plan.summary import Ending, Row, summarise
from wheelyard.plan.unit import PlanOptions
from wheelyard.targets.target import Target

PLATFORM = "manylinux_2_28_x86_64"


def target(text: str) -> Target:
    return Target.parse(text, native=PLATFORM)


@dataclass(kw_only=True)
class Package:
    """One release of a project: version 1.0 unless said otherwise."""

    build: tuple[str, ...] = ()
    run: tuple[str, ...] = ()
    dynamic: tuple[str, ...] = ()
    tags: str = "py3-none-any"
    tags_by: Mapping[str, str] = field(default_factory=dict)
    requires_python: str = ""
    wheel_requires_python: str = ""
    fails_on: tuple[str, ...] = ()
    fails_with: tuple[str, ...] = ()
    fails_by: tuple[WayKind, ...] = ()
    fails_in: StepName = StepName.BUILD
    wheel: bool = True
    sdist: bool = True
    version: str = "1.0"
    older: str = ""
    uploaded: datetime | None = None
    unreadable: bool = False
    wheel_only_for: tuple[str, ...] = ()
    wheel_lost: bool = False
    empty: bool = False
    metadata_requires_python: str = ""

    def has_wheel_for(self, wanted: Target) -> bool:
        """Whether upstream has a wheel of it for a target."""
        only = self.wheel_only_for
        return self.wheel and (not only or str(wanted.interpreter) in only)


class World:
    """Answers every command, and remembers what was built, in order.

    Questions are answered at once and jobs run in waves, as many as are ready together; with an ``order``
    answers and ends of jobs come one at a time in any order.
    """

    def __init__(self, packages: Mapping[str, Package], order: int | None = None) -> None:
        self.packages = packages
        self.random = Random(order) if order is not None else None  # noqa: S311 - not a secret
        self.starts: list[Start] = []
        self.built: list[tuple[str, str]] = []
        self.environments: dict[tuple[str, str, bool], tuple[str, ...]] = {}
        self.kept: dict[str, Artifact] = {}
        self.needs: dict[str, tuple[str, ...]] = {}
        self.published: dict[Release, list[Artifact]] = {}
        self.resolved_builds = 0
        self.seeds_fetched: list[str] = []
        self.waves: list[list[str]] = []

    def plan(
        self,
        requirements: Iterable[str],
        targets: Iterable[str] = ("cp311",),
        recipes: Mapping[str, Recipe] | None = None,
        **options: object,
    ) -> tuple[Planner, dict[str, Row]]:
        lines = tuple(requirements)
        planner = Planner(
            PlanOptions(
                requirements=lines,
                requested=frozenset(_name(line) for line in lines),
                targets=tuple(target(text) for text in targets),
                **options,  # type: ignore[arg-type]
            ),
            lambda release: (recipes or {}).get(release.project, DEFAULT_RECIPE),
        )
        self._carry_out(planner)
        rows = summarise(planner.board, planner.roots, {})
        return planner, {
            f"{row.unit.release.project} {row.unit.target.interpreter}": row for row in rows
        }

    def _carry_out(self, planner: Planner) -> None:
        """Answer questions at once; run jobs in waves, as many as are ready together."""
        if self.random is not None:
            self._carry_out_in_any_order(planner, self.random)
            return
        queue = deque(planner.begin())
        while queue:
            ready: list[Start] = []
            while queue:
                command = queue.popleft()
                if isinstance(command, Start):
                    ready.append(command)
                else:
                    queue.extend(planner.handle(self.answer(command)))
            self.waves.append([str(start.unit) for start in ready])
            for start in ready:
                queue.extend(planner.handle(self.build(start)))

    def _carry_out_in_any_order(self, planner: Planner, random: Random) -> None:
        commands = planner.begin()
        while commands:
            command = commands.pop(random.randrange(len(commands)))
            starting = isinstance(command, Start)
            event = self.build(command) if isinstance(command, Start) else self.answer(command)
            commands += planner.handle(event)
            if starting:
                self.waves.append([])

    def answer(self, command: Command) -> Event:
        match command:
            case ResolveRequest(query=query):
                return RequestResolved(target=query.target, resolution=self.resolve(query))
            case ResolveBuild() | ResolveHost() | ResolveTest():
                return self._resolved(command)
            case Inspect(release=release, source=source):
                package = self.packages[release.project]
                if package.unreadable:
                    corrupt = InvalidArchiveError(f"{release} is corrupt")
                    return InspectFailed(release=release, error=corrupt)
                facts = SourceFacts(
                    build_requires=package.build,
                    backend="",
                    backend_path=(),
                    requires_python=package.requires_python or package.metadata_requires_python,
                )
                return Inspected(
                    release=release,
                    source=source,
                    facts=facts,
                    published=tuple(self.published.get(release, ())),
                )
            case Recall(unit=unit, key=key, portable_key=portable):
                return Recalled(
                    unit=unit, key=key, artifact=self.kept.get(key), needs=self.needs.get(portable)
                )
            case FetchWheel(unit=unit, origin=origin):
                if self.packages[unit.release.project].wheel_lost:
                    lost = UpstreamError(f"the wheel of {unit.release} is gone")
                    return FetchFailed(unit=unit, origin=origin, error=lost)
                self.seeds_fetched.append(str(unit.release))
                return WheelFetched(unit=unit, artifact=wheel(unit, "py3-none-any", origin))
        raise AssertionError(command)

    def _resolved(self, command: ResolveBuild | ResolveHost | ResolveTest) -> Event:
        kinds: dict[type, Callable[..., Event]] = {
            ResolveBuild: BuildResolved,
            ResolveHost: HostResolved,
            ResolveTest: TestResolved,
        }
        kind = kinds[type(command)]
        self.resolved_builds += isinstance(command, ResolveBuild)
        try:
            return kind(unit=command.unit, resolution=self.resolve(command.query))
        except NoSolutionError as no_solution:
            return UnitFailed(unit=command.unit, error=no_solution)

    def resolve(self, query: Query) -> Resolution:
        roots = [_name(line) for line in query.requirements]
        pins: dict[ProjectName, Pin] = {}
        queue = list(roots)
        while queue:
            name = queue.pop()
            if name in pins:
                continue
            if name not in self.packages:
                raise NoSolutionError(f"{name} is unknown")
            package = self.packages[name]
            dependencies = tuple(
                _name(line)
                for line in package.run
                if (marker := Requirement(line).marker) is None
                or marker.evaluate({"python_version": _python(query.target)})
            )
            pins[name] = self._pin(name, package, dependencies, query)
            queue += dependencies
        return Resolution(
            pins=tuple(pins[name] for name in sorted(pins)), roots=tuple(sorted(set(roots)))
        )

    def _pin(
        self,
        name: ProjectName,
        package: Package,
        dependencies: tuple[ProjectName, ...],
        query: Query,
    ) -> Pin:
        version = package.version
        if query.policy.exclude_newer is not None and package.older:
            version = package.older
        source = Source(
            kind=SourceKind.SDIST,
            location=f"{name}-{version}.tar.gz",
            digest=f"sha256:{name}-{version}",
            uploaded=package.uploaded,
        )
        entry = FileEntry(filename=f"{name}-{version}-py3-none-any.whl", url="", digest=f"w:{name}")
        return Pin(
            release=Release.of(name, version),
            source=source if package.sdist else None,
            wheel=entry if package.has_wheel_for(query.target) else None,
            dependencies=dependencies,
            requires_python=package.requires_python,
        )

    def build(self, start: Start) -> Finished:
        offer, unit = start.offer, start.unit
        self.starts.append(start)
        package = self.packages[unit.release.project]
        interpreter = str(unit.target.interpreter)
        present = {str(wheel.release) for wheel in offer.requirements}
        names = {str(wheel.release.project) for wheel in offer.requirements}
        self.environments[str(unit.release), interpreter, start.bootstrap] = tuple(
            sorted(f"{wheel.release}:{wheel.origin}" for wheel in offer.requirements)
        )
        if not {_name(line) for line in package.dynamic} <= names:
            self.needs[start.portable_key] = package.dynamic
            report = Report(outcome=Outcome.NEEDS, needs=package.dynamic)
            return Finished(unit=unit, key=offer.key, report=report)
        self.built.append((unit.release.project, interpreter))
        fails = interpreter in package.fails_on or present & set(package.fails_with)
        if fails or offer.way.kind in package.fails_by:
            steps = (Step(name=package.fails_in, started=0, seconds=1),)
            report = Report(outcome=Outcome.FAILED, reason="Python.h not found", steps=steps)
            return Finished(unit=unit, key=offer.key, report=report)
        if package.empty:
            report = Report(outcome=Outcome.BUILT)
            return Finished(unit=unit, key=offer.key, report=report)
        artifact = self._wheel(offer, package, bootstrap=start.bootstrap)
        report = Report(outcome=Outcome.BUILT, artifact=artifact)
        return Finished(unit=unit, key=offer.key, report=report, artifact=artifact)

    def _wheel(self, offer: Offer, package: Package, *, bootstrap: bool) -> Artifact:
        unit = UnitId(offer.release, offer.target)
        interpreter = str(offer.target.interpreter)
        tags = package.tags_by.get(interpreter, package.tags)
        own = f"{interpreter}-{interpreter}-{offer.target.platform}"
        origin = Origin.BOOTSTRAP if bootstrap else Origin.BUILT
        artifact = wheel(
            unit,
            own if tags == "own" else tags,
            origin,
            requires_python=package.wheel_requires_python,
            build_key=offer.key,
            source_digest=offer.source.digest,
            recipe_digest=recipe_digest(offer.recipe),
        )
        self.kept[offer.key] = artifact
        if not bootstrap:
            self.published.setdefault(offer.release, []).append(artifact)
        return artifact


def _name(line: str) -> ProjectName:
    return ProjectName(canonicalize_name(Requirement(line).name))


def _python(wanted: Target) -> str:
    return ".".join(map(str, wanted.interpreter.version))


def wheel(unit: UnitId, tags: str, origin: Origin, **fields: str) -> Artifact:
    found: frozenset[Tag] = frozenset(parse_tag(tags))
    return Artifact(
        filename=f"{unit.release.project}-{unit.release.version}-{tags}.whl",
        digest=f"sha256:{unit.release}-{tags}-{origin}",
        size=1,
        release=unit.release,
        tags=found,
        origin=origin,
        target=unit.target,
        created=datetime(2026, 1, 1, tzinfo=UTC),
        **fields,  # type: ignore[arg-type]
    )


def endings(rows: Mapping[str, Row]) -> dict[str, Ending]:
    return {name: row.ending for name, row in rows.items()}


__all__ = ["FromSource", "Package", "World", "endings", "target", "wheel"]
