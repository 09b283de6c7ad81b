"""Joins services and edges: one function per process.

Nothing here decides anything; it says which adapter stands behind which port.
"""

import os
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import platformdirs

from wheelyard.builder.worker import Worker
from wheelyard.coordinator.intake import Intake
from wheelyard.coordinator.questions import Questions
from wheelyard.coordinator.run import Run
from wheelyard.coordinator.story import Listener
from wheelyard.executor.interpreters import MachineInterpreters
from wheelyard.executor.toolchain import describe_toolchain
from wheelyard.index.listing import IndexPorts
from wheelyard.model.artifact import Artifact
from wheelyard.model.job import Offer
from wheelyard.model.release import Release
from wheelyard.plan.planner import Planner
from wheelyard.plan.record import Answer
from wheelyard.plan.unit import PlanOptions
from wheelyard.ports import ArtifactStore, Blobs, JobStore, Memory, Upstream


def state_path(given: Path | None) -> Path:
    """Return the state folder that was named, or the user's own."""
    if given is not None:
        return given.expanduser().absolute()
    return Path(platformdirs.user_state_dir("wheelyard"))


@dataclass(frozen=True, slots=True, kw_only=True)
class FarmSettings:
    """What the farm of one machine is told; ``slots`` None means one a core."""

    state: Path
    indexes: tuple[str, ...] = ()
    offline: bool = False
    sandbox: str = "auto"
    compiler_cache: str = "off"
    slots: int | None = None
    checks: Mapping[str, str] = field(default_factory=dict)


class Farm:
    """The parts of one machine's farm, joined."""

    def __init__(self, parts: "_Parts") -> None:
        self._parts = parts
        self.artifacts: ArtifactStore = parts.store
        self.blobs: Blobs = parts.blobs
        self.jobs: JobStore = parts.store
        self.interpreters = parts.interpreters

    async def add_direct(self, reference: str) -> Release:
        """Make a path, URL or git reference a candidate, and return which release it is.

        Raises ConfigurationError where only its back end knows that.
        """
        found = await self._parts.upstream.direct(reference)
        if found.release is None:
            raise ConfigurationError(
                f"{reference!r} does not say its name and version without running its code",
                hint="Build an sdist of it first ('uv build --sdist') and name that file.",
            )
        self._parts.extra[found.release.project] = ExtraCandidate(
            release=found.release,
            metadata=found.metadata or _bare_metadata(found.release),
            source=found.source,
        )
        return found.release

    def on_this_machine(self, options: PlanOptions) -> PlanOptions:
        """Add what only this machine knows."""
        toolchains = {str(target): self._parts.toolchain for target in options.targets}
        return replace(options, toolchains=toolchains)

    def answers(self) -> tuple[Answer, ...]:
        """Return every answer of the resolver so far, in the order of their questions' names."""
        known = self._parts.resolver.answers
        return tuple(Answer(query=known[key][0], resolution=known[key][1]) for key in sorted(known))

    def run(self, planner: Planner, listener: Listener, *, build: bool) -> Run:
        """Return a run that carries a plan out."""
        parts = self._parts
        questions = Questions(
            upstream=parts.upstream,
            resolver=parts.resolver,
            artifacts=parts.store,
            blobs=parts.blobs,
            memory=parts.store,
        )
        intake = Intake(
            jobs=parts.store,
            artifacts=parts.store,
            memory=parts.store,
            clock=parts.clock,
            renumber=self._renumber,
        )
        return Run(
            planner=planner,
            questions=questions,
            intake=intake,
            builder=Worker(name=parts.folder.owner, jobs=parts.store, executor=parts.executor),
            jobs=parts.store,
            prepare=self._prepare,
            listener=listener,
            slots=parts.slots,
            build=build,
        )

    async def _prepare(self, offer: Offer, wheel: FileEntry | None) -> Offer:
        """Bring what an offer names to this machine, and learn what upstream's wheel holds."""
        source = await self._parts.upstream.fetch(offer.source)
        files = None
        if wheel is not None:
            # Without the network, or where upstream fails, the comparison is left out.
            with suppress(UpstreamError):
                files = await self._parts.upstream.wheel_files(wheel)
        return replace(offer, source=source, upstream_files=files)

    async def _renumber(self, artifact: Artifact, number: int) -> Artifact:
        """Give a stored wheel a build number."""
        blobs = self._parts.blobs
        path = blobs.path(artifact.digest)
        if path is None:
            raise StoreError(
                f"the bytes of {artifact.filename} are not on this machine",
                hint="Build it again with --rebuild.",
            )
        with tempfile.TemporaryDirectory(dir=self._parts.folder.temporary) as folder:
            named = Path(folder) / artifact.filename
            await asyncio.to_thread(shutil.copyfile, path, named)
            renumbered = await asyncio.to_thread(renumber_wheel, named, Path(folder), number)
            size = renumbered.stat().st_size
            digest = await blobs.add_file(renumbered)
        return replace(artifact, filename=renumbered.name, digest=digest, size=size)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Parts:
    """What a farm is made of."""

    folder: StateFolder
    store: SqlStore
    blobs: FolderBlobs
    upstream: IndexUpstream
    resolver: RecordingResolver
    extra: dict[ProjectName, ExtraCandidate]
    executor: LocalExecutor
    interpreters: MachineInterpreters
    toolchain: str
    clock: Clock
    slots: int


@asynccontextmanager
async def open_farm(settings: FarmSettings, recorded: Sequence[Answer] = ()) -> AsyncIterator[Farm]:
    """Open the farm of this machine; ``recorded`` answers come before the resolver's."""
    async with AsyncExitStack() as stack:
        ...
        yield Farm(parts)


def _bare_metadata(release: Release) -> bytes:
    return f"Metadata-Version: 2.1\nName: {release.project}\nVersion: {release.version}\n".encode()
