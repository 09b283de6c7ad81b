"""Joins what one machine needs to plan and build."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from packaging.markers import Marker

from wheelyard.blobs.folder import FolderBlobs
from wheelyard.builder.worker import Worker
from wheelyard.coordinator.command_run import CommandRun
from wheelyard.coordinator.describing import Describer, Question, provided
from wheelyard.coordinator.local_crew import LocalCrew
from wheelyard.coordinator.others import Holds
from wheelyard.coordinator.run import Run
from wheelyard.coordinator.story import Listener
from wheelyard.executor.checks import CheckPolicy
from wheelyard.executor.interpreters import MachineInterpreters
from wheelyard.executor.isolation import kind_of_isolation
from wheelyard.executor.local import LocalExecutor
from wheelyard.executor.reached import Platforms
from wheelyard.executor.rust import find_rust
from wheelyard.executor.settings import CompilerCache, ExecutorSettings, Sandbox
from wheelyard.executor.standard import standard_parts
from wheelyard.executor.toolchain import Toolchain, describe_toolchain
from wheelyard.model.artifact import Artifact
from wheelyard.model.channel import CondaPackage
from wheelyard.model.command import CommandRequest
from wheelyard.model.job import Limits, Verdict
from wheelyard.model.recipe import Recipe
from wheelyard.model.release import ProjectName, Release
from wheelyard.model.way import NATIVE
from wheelyard.plan.command import CommandPlan
from wheelyard.plan.planner import Planner
from wheelyard.plan.record import Answer
from wheelyard.plan.recording import query_key
from wheelyard.plan.unit import PlanOptions
from wheelyard.ports import ArtifactStore, Blobs, DirectSource, JobStore
from wheelyard.settings.direct import DirectRequirement
from wheelyard.store.clock import SystemClock
from wheelyard.store.folder import StateFolder
from wheelyard.targets.compatibility import allows
from wheelyard.targets.target import Target
from wheelyard.upstream.candidates import ExtraCandidate, joined
from wheelyard.upstream.client import IndexUpstream
from wheelyard.upstream.installers import certificate_file, default_index
from wheelyard.upstream.memo import MemoResolver
from wheelyard.upstream.pinning import PinningResolver
from wheelyard.upstream.recorded import RecordedResolver, RecordingResolver
from wheelyard.upstream.settings import UpstreamSettings
from wheelyard.upstream.target_metadata import holds
from wheelyard.upstream.transport import shown
from wheelyard.upstream.uv import UvResolver
from wheelyard.wiring.facts import check_needs, facts_of_this_machine
from wheelyard.wiring.keeping import channel_door, upkeep_of
from wheelyard.wiring.places import find_interpreters
from wheelyard.wiring.planning import Planning
from wheelyard.wiring.platforms import platforms_of, shown_of, ways_to


@dataclass(frozen=True, slots=True, kw_only=True)
class FarmSettings:
    """What the farm of one machine is told; ``slots`` None means one a core.

    ``network``: commands that ask for it are given it.
    """

    state: Path
    indexes: tuple[str, ...] = ()
    offline: bool = False
    sandbox: str = "auto"
    compiler_cache: str = "none"
    slots: int | None = None
    network: bool = False
    checks: Mapping[str, str] = field(default_factory=dict)


class Farm:
    """The parts of one machine's farm, joined."""

    def __init__(self, parts: "_Parts") -> None:
        self._parts = parts
        self.artifacts: ArtifactStore = parts.folder.artifacts
        self.blobs: Blobs = parts.blobs
        self.jobs: JobStore = parts.folder.jobs
        self.interpreters = parts.interpreters

    async def add_direct(
        self,
        wanted: DirectRequirement,
        options: PlanOptions,
        recipe_of: Callable[[Release], Recipe],
        listener: Listener = lambda _: None,
    ) -> str:
        """Make a path, URL or git reference a candidate, and return the requirement that means it.

        Where only its back end knows what it is, what that needs is built first, as ``options`` say.
        Empty where it is not wanted on any target.
        """
        marker = Marker(wanted.marker) if wanted.marker else None
        targets = tuple(sorted(t for t in options.targets if holds(marker, t)))
        if not targets:
            return ""
        found = await self._parts.upstream.direct(wanted.reference)
        if found.release is None or found.metadata is None:
            python = (await self._parts.upstream.facts(found.source)).requires_python
            meant = tuple(target for target in targets if allows(python, target.interpreter))
            targets = meant or targets
            # What it takes to ask is not asked for itself: the build that follows makes it anew.
            asked = replace(options, rebuild=False)
            # For another machine it is asked on this one, where it will be built, too.
            ways = [(asked.ways.get(str(one)) or (NATIVE,))[0].runs_on(one) for one in targets]
            asked = self.on_this_machine(replace(asked, targets=tuple(ways[:1])))
            describer = self._describer(recipe_of, listener)
            name = shown(found.source.location)
            found = await describer.describe(Question(found=found, name=repr(name), options=asked))
        return self._admit(wanted, found)

    def _admit(self, wanted: DirectRequirement, found: DirectSource) -> str:
        release, extra = found.release, self._parts.extra
        if release is None or found.metadata is None:
            raise AssertionError(found.source.location)
        candidate = ExtraCandidate(
            release=release,
            metadata=found.metadata,
            source=found.source,
            markers=(wanted.marker,) if wanted.marker else (),
        )
        extra[release.project] = joined(extra.get(release.project), candidate)
        extras = f"[{','.join(wanted.extras)}]" if wanted.extras else ""
        marker = f" ; {wanted.marker}" if wanted.marker else ""
        return f"{release.project}{extras}=={release.version}{marker}"

    def _describer(
        self,
        recipe_of: Callable[[Release], Recipe],
        listener: Listener,
    ) -> Describer:
        async def provide(wanted: PlanOptions) -> Mapping[Release, Artifact]:
            run = self.run(Planner(wanted, recipe_of), listener, build=True)
            return provided(await run.carry_out(), run.planner.exclusions)

        parts = self._parts
        return Describer(
            upstream=parts.upstream,
            resolver=parts.resolver,
            memory=parts.folder.memory,
            back_ends=parts.executor,
            provide=provide,
            recipe_of=recipe_of,
            listener=listener,
        )

    def on_this_machine(self, options: PlanOptions) -> PlanOptions:
        """Add what only this machine knows."""
        # Another key for the same inputs: what was built under the old one stays as it is.
        rebuild = str(time.time_ns()) if options.rebuild else ""
        machines = [way.build for ways in options.ways.values() for way in ways if way.build]
        wanted = dict.fromkeys((*options.targets, *machines))
        toolchains = {str(target): self._toolchain(target) for target in wanted}
        return replace(
            options,
            toolchains=toolchains,
            tools=self._parts.toolchain.tools,
            isolation=self._parts.isolation,
            rebuild_name=rebuild,
        )

    async def reach(self, options: PlanOptions) -> PlanOptions:
        """Add the ways to targets that none of this machine's Pythons builds for. Raises WheelyardError."""
        targets = tuple(t for t in options.targets if self.interpreters.executable(t) is None)
        ways = await ways_to(targets, self.interpreters, self._parts.platforms)
        return replace(options, ways=ways)

    def _toolchain(self, target: Target) -> str:
        found = self.interpreters.interpreter(target)
        return f"{found.build if found else 'no Python'}; {self._parts.toolchain.text}"

    def answers(self) -> tuple[Answer, ...]:
        """Return every answer of the resolver so far, in the order of their questions' names."""
        known = self._parts.resolver.answers
        return tuple(Answer(query=known[key][0], resolution=known[key][1]) for key in sorted(known))

    def run(self, planner: Planner, listener: Listener, *, build: bool) -> Run:
        """Return a run that carries a plan out."""
        planning = self._planning()
        return Run(
            planner=planner,
            questions=planning.questions(),
            crew=self._crew(planning),
            jobs=self.jobs,
            listener=listener,
            build=build,
        )

    async def plan_command(
        self, request: CommandRequest, *, limits: Limits, rebuild: bool
    ) -> CommandPlan:
        """Plan a command on a git tree, for this machine. Raises ConfigurationError where it lacks something."""
        parts = self._parts
        plan = await self._planning().command(
            request,
            surroundings=f"{parts.isolation}; {parts.toolchain.text}{_again() if rebuild else ''}",
            limits=limits,
        )
        facts = await asyncio.to_thread(facts_of_this_machine, parts.executor, self.interpreters)
        check_needs(plan.needs, {**facts, "network": "yes"})
        return plan

    async def take_packages(self, artifact: Artifact) -> Sequence[CondaPackage]:
        """Let the conda packages of a command's archive into the channel; return them."""
        door = channel_door(self._parts.folder, self._parts.blobs)
        return await door.take_archive(artifact, actor="")

    def command_run(self, listener: Listener) -> CommandRun:
        """Return a run that carries out a command on a git tree."""
        return CommandRun(
            jobs=self.jobs,
            artifacts=self.artifacts,
            blobs=self.blobs,
            crew=self._crew(self._planning()),
            listener=listener,
        )

    def _planning(self) -> Planning:
        parts = self._parts
        return Planning(
            folder=parts.folder,
            blobs=parts.blobs,
            upstream=parts.upstream,
            resolver=parts.resolver,
            clock=parts.clock,
        )

    def _crew(self, planning: Planning) -> LocalCrew:
        parts = self._parts
        return LocalCrew(
            intake=planning.intake(),
            builder=Worker(name=parts.builder, jobs=parts.folder.jobs, executor=parts.executor),
            jobs=parts.folder.jobs,
            clock=parts.clock,
            recover=parts.folder.recover,
            prepare=planning.prepare,
            holds=parts.holds,
            slots=parts.slots,
        )


def _again() -> str:
    return f"; rebuilt {time.time_ns()}"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Parts:
    """What a farm is made of."""

    folder: StateFolder
    builder: str
    blobs: FolderBlobs
    upstream: IndexUpstream
    resolver: RecordingResolver
    extra: dict[ProjectName, ExtraCandidate]
    executor: LocalExecutor
    interpreters: MachineInterpreters
    toolchain: Toolchain
    isolation: str
    platforms: Platforms | None
    holds: Holds
    clock: SystemClock
    slots: int


@asynccontextmanager
async def open_farm(settings: FarmSettings, recorded: Sequence[Answer] = ()) -> AsyncIterator[Farm]:
    """Open the farm of this machine; ``recorded`` answers come before the resolver's."""
    async with AsyncExitStack() as stack:
        clock = SystemClock()
        folder = await stack.enter_async_context(
            await StateFolder.open(settings.state, clock=clock)
        )
        builder = await folder.builder()
        await folder.recover()
        blobs = FolderBlobs(folder.place("blobs"), own=folder.path)
        await upkeep_of(folder, blobs).tidy()
        upstream = IndexUpstream(settings=upstream_settings(settings, folder), blobs=blobs)
        stack.push_async_callback(upstream.close)
        extra: dict[ProjectName, ExtraCandidate] = {}
        resolver = UvResolver(upstream=upstream, extra=extra)
        stack.push_async_callback(resolver.close)
        chosen = _executor_settings(settings)
        interpreters, (toolchain, compilers), isolation = await asyncio.gather(
            find_interpreters(settings.state),
            _find_toolchain(),
            asyncio.to_thread(kind_of_isolation, chosen),
        )
        policy, platforms = CheckPolicy.parse(settings.checks), platforms_of(settings.state)
        executor = LocalExecutor(
            replace(chosen, readable=compilers, shown=shown_of(settings.state)),
            blobs=blobs,
            interpreters=interpreters,
            parts=standard_parts(policy),
            platforms=platforms,
        )
        stack.push_async_callback(executor.close)
        memo = MemoResolver(resolver, memory=folder.memory)
        yield Farm(
            _Parts(
                folder=folder,
                builder=builder,
                blobs=blobs,
                upstream=upstream,
                resolver=_with_answers(recorded, memo, upstream),
                extra=extra,
                executor=executor,
                interpreters=interpreters,
                toolchain=toolchain,
                isolation=isolation,
                platforms=platforms,
                holds=lambda finding: policy.verdict(finding.check) is Verdict.HOLD,
                clock=clock,
                slots=settings.slots or os.cpu_count() or 1,
            )
        )


def _with_answers(
    recorded: Sequence[Answer], memo: MemoResolver, upstream: IndexUpstream
) -> RecordingResolver:
    """Return a resolver that gives recorded answers first, digests to all, and keeps what it said."""
    known = {query_key(answer.query): answer.resolution for answer in recorded}
    return RecordingResolver(
        PinningResolver(
            RecordedResolver(known, fallback=memo),
            fetch=upstream.fetch,
            fetch_wheel=upstream.fetch_wheel,
        )
    )


async def _find_toolchain() -> tuple[Toolchain, tuple[Path, ...]]:
    """Describe the compilers that builds find, and name the folders outside of the system's own."""
    rust = await find_rust()
    folders = () if rust is None else (rust,)
    return await describe_toolchain(folders), folders


def upstream_settings(settings: FarmSettings, folder: StateFolder) -> UpstreamSettings:
    """Say which indexes are asked, and how."""
    return UpstreamSettings(
        indexes=settings.indexes or (default_index(),),
        cache=folder.place("cache"),
        offline=settings.offline,
        ca_file=certificate_file(),
    )


def _executor_settings(settings: FarmSettings) -> ExecutorSettings:
    slots = settings.slots or os.cpu_count() or 1
    return ExecutorSettings(
        state=settings.state,
        sandbox=Sandbox(settings.sandbox),
        compiler_cache=CompilerCache(settings.compiler_cache),
        parallel=max(1, (os.cpu_count() or 1) // slots),
        network=settings.network,
    )
