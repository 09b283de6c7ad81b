"""A farm in memory: the ports of a run, over the small world of the planner's tests."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path

from plan.world import Package, World, target, wheel
from wheelyard.builder.worker import Worker
from wheelyard.coordinator.intake import Intake
from wheelyard.coordinator.local_crew import LocalCrew
from wheelyard.coordinator.questions import Questions
from wheelyard.coordinator.run import Run
from wheelyard.coordinator.story import RunEvent
from wheelyard.errors import WheelyardError
from wheelyard.farm_ports import Incoming
from wheelyard.model.artifact import Artifact, Origin
from wheelyard.model.job import Offer, Outcome, Report, StepName
from wheelyard.model.recipe import DEFAULT_RECIPE
from wheelyard.model.release import ProjectName, Release
from wheelyard.model.resolution import Query, Resolution
from wheelyard.model.source import FileEntry, Source, SourceFacts
from wheelyard.plan.events import Start, UnitId
from wheelyard.plan.planner import Planner
from wheelyard.plan.unit import PlanOptions
from wheelyard.ports import Progress
from wheelyard.testing.artifacts import MemoryArtifactStore
from wheelyard.testing.clock import ManualClock
from wheelyard.testing.jobs import MemoryJobStore
from wheelyard.testing.memo import MemoryMemo
from wheelyard.testing.upstream import MemoryUpstream


class WorldResolver:
    """Resolves in the small world; ``errors`` are raised for a first requirement."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.errors: dict[str, WheelyardError] = {}
        self.asked: list[tuple[str, ...]] = []
        self.hold: asyncio.Event | None = None
        self.stopped = 0

    async def resolve(self, query: Query) -> Resolution:
        self.asked.append(query.requirements)
        if self.hold is not None:
            try:
                await self.hold.wait()
            except asyncio.CancelledError:
                self.stopped += 1
                raise
        if query.requirements[0] in self.errors:
            raise self.errors[query.requirements[0]]
        return self._world.resolve(query)


class WorldUpstream(MemoryUpstream):
    """Gives the sources of the small world, and wheels where that is allowed."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self._world = world
        self.wheels = False
        self.errors: dict[str, WheelyardError] = {}

    async def fetch(self, source: Source) -> Source:
        return source

    async def facts(self, source: Source) -> SourceFacts:
        name = source.location.partition("-1.0")[0]
        if name in self.errors:
            raise self.errors[name]
        return SourceFacts(
            build_requires=self._world.packages[name].build, backend="", backend_path=()
        )

    async def fetch_wheel(self, entry: FileEntry) -> Artifact:
        assert self.wheels
        release = Release.of(*entry.filename.split("-")[:2])
        return wheel(UnitId(release, target("cp311")), "py3-none-any", Origin.UPSTREAM)

    async def wheel_files(self, entry: FileEntry) -> tuple[str, ...]:
        raise AssertionError(entry)


class EndlessBlobs:
    """Has everything, but for what was lost."""

    def __init__(self) -> None:
        self.lost: set[str] = set()

    def path(self, digest: str) -> Path | None:
        return None if digest in self.lost else Path(digest)

    async def add_bytes(self, content: bytes) -> str:
        raise AssertionError

    async def add_file(self, path: Path, *, digest: str = "") -> str:
        raise AssertionError

    def receive(self, digest: str, *, size: int) -> AbstractAsyncContextManager[Incoming]:
        raise AssertionError

    async def read(self, digest: str) -> bytes:
        raise AssertionError

    def digests(self) -> tuple[str, ...]:
        return ()

    async def remove(self, digest: str) -> None:
        raise AssertionError


class ScriptedExecutor:
    """Builds as the small world says; ``script`` has other endings, one an attempt, by project.

    With ``manual``, each build goes on only when ``release`` is called.
    """

    def __init__(self, world: World, *, manual: bool = False) -> None:
        self._world = world
        self._manual = manual
        self.script: dict[str, list[Report | Exception]] = {}
        self.running: dict[str, asyncio.Event] = {}
        self.most_at_once = 0
        self.order: list[str] = []
        self.killed: list[str] = []
        self.changed = asyncio.Condition()

    def capabilities(self) -> dict[str, str]:
        return {}

    async def close(self) -> None:
        pass

    async def run(self, offer: Offer, progress: Callable[[Progress], None]) -> Report:
        project = offer.release.project
        self.order.append(project)
        go = self.running[project] = asyncio.Event()
        self.most_at_once = max(self.most_at_once, len(self.running))
        progress(Progress(key=offer.key, step=StepName.BUILD))
        progress(Progress(key=offer.key, step=StepName.BUILD, line="cc -c a.c"))
        async with self.changed:
            self.changed.notify_all()
        try:
            if self._manual:
                await go.wait()
            else:
                await asyncio.sleep(0)
        except asyncio.CancelledError:
            self.killed.append(project)
            raise
        finally:
            del self.running[project]
        return self._report(offer)

    def _report(self, offer: Offer) -> Report:
        if self.script.get(offer.release.project):
            ending = self.script[offer.release.project].pop(0)
            if isinstance(ending, Exception):
                raise ending
            return ending
        seeded = any(wheel.origin == "seed" for wheel in offer.requirements)
        unit = UnitId(offer.release, offer.target)
        start = Start(
            unit=unit,
            offer=offer,
            bootstrap=seeded,
            portable_key=offer.key,
            ordinary_key=offer.key,
        )
        return self._world.build(start).report

    async def until(self, *projects: str) -> None:
        """Wait until exactly these builds run."""
        async with self.changed:
            await self.changed.wait_for(lambda: set(self.running) == set(projects))

    async def release(self, project: str) -> None:
        """Let a build end."""
        self.running[project].set()


@dataclass(kw_only=True)
class Farm:
    """State that outlives a run."""

    world: World
    manual: bool = False
    told: list[RunEvent] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.clock = ManualClock()
        self.artifacts = MemoryArtifactStore(clock=self.clock)
        self.jobs = MemoryJobStore(clock=self.clock, artifacts=self.artifacts)
        self.memory = MemoryMemo()
        self.resolver = WorldResolver(self.world)
        self.upstream = WorldUpstream(self.world)
        self.blobs = EndlessBlobs()
        self.executor = ScriptedExecutor(self.world, manual=self.manual)
        self.unprepared: dict[str, WheelyardError] = {}
        self.recovered = 0
        self.tolerated: set[str] = set()

    def run(
        self,
        requirements: tuple[str, ...],
        *,
        slots: int = 2,
        build: bool = True,
        name: str = "builder",
        executor: ScriptedExecutor | None = None,
        pythons: tuple[str, ...] = ("cp311",),
        toolchain: str = "gcc 12",
        tools: tuple[str, ...] = ("cc", "ld"),
        isolation: str = "bubblewrap",
        rebuild: str = "",
    ) -> Run:
        options = PlanOptions(
            requirements=requirements,
            requested=frozenset(map(ProjectName, requirements)),
            targets=tuple(map(target, pythons)),
            retry_as_of=False,
            toolchains={str(target(python)): toolchain for python in pythons},
            tools=tools,
            isolation=isolation,
            rebuild=bool(rebuild),
            rebuild_name=rebuild,
        )
        return Run(
            planner=Planner(options, lambda _: DEFAULT_RECIPE),
            questions=Questions(
                upstream=self.upstream,
                resolver=self.resolver,
                artifacts=self.artifacts,
                blobs=self.blobs,
                memory=self.memory,
            ),
            crew=LocalCrew(
                intake=self.intake(),
                builder=Worker(name=name, jobs=self.jobs, executor=executor or self.executor),
                jobs=self.jobs,
                clock=self.clock,
                recover=self._recover,
                prepare=self._prepare,
                slots=slots,
                poll_seconds=0.01,
                holds=lambda finding: finding.check not in self.tolerated,
            ),
            jobs=self.jobs,
            listener=self.told.append,
            build=build,
        )

    def intake(self) -> Intake:
        return Intake(
            jobs=self.jobs,
            artifacts=self.artifacts,
            blobs=self.blobs,
            memory=self.memory,
            clock=self.clock,
            renumber=self._renumber,
        )

    async def until_told(self, kind: type, times: int = 1) -> None:
        """Wait until so many events of a kind were told."""
        await until(lambda: sum(isinstance(event, kind) for event in self.told) >= times)

    async def _prepare(self, offer: Offer, upstream: FileEntry | None) -> Offer:
        if offer.release.project in self.unprepared:
            raise self.unprepared[offer.release.project]
        return offer

    async def _recover(self) -> None:
        self.recovered += 1

    async def _renumber(self, artifact: Artifact, number: int) -> Artifact:
        name, _, rest = artifact.filename.partition("-1.0-")
        return replace(artifact, filename=f"{name}-1.0-{number}-{rest}")


async def until(condition: Callable[[], bool]) -> None:
    """Let everything else go on until a condition holds."""
    while not condition():
        await asyncio.sleep(0)


def farm(packages: Mapping[str, Package], *, manual: bool = False) -> Farm:
    return Farm(world=World(packages), manual=manual)


def ended(outcome: Outcome, reason: str = "") -> Report:
    return Report(outcome=outcome, reason=reason)
