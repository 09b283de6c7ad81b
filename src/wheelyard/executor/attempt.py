"""One attempt while it runs: its folder, its log, its clock, and what it was given to work with."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from wheelyard.cross.calls import Call
from wheelyard.executor import bubblewrap
from wheelyard.executor.compiler_cache import Hits
from wheelyard.executor.environments import Environment, Environments
from wheelyard.executor.hosts import View
from wheelyard.executor.isolation import Isolation
from wheelyard.executor.joblog import JobLog
from wheelyard.executor.limits import Watch
from wheelyard.executor.masking import mask_of
from wheelyard.executor.parts import Parts
from wheelyard.executor.pool import Pool
from wheelyard.executor.projects import BuildSystem
from wheelyard.executor.pythons import Python
from wheelyard.executor.reached import Across
from wheelyard.executor.sessions import Answer, Session, Terms
from wheelyard.executor.settings import ExecutorSettings
from wheelyard.executor.surroundings import build_environment, expanded
from wheelyard.executor.wheel_content import Content
from wheelyard.executor.wheelfile import WheelFacts
from wheelyard.model.artifact import Artifact
from wheelyard.model.caught import Caught
from wheelyard.model.job import Finding, Offer, Step, StepName
from wheelyard.ports import Blobs, Progress

# What a build sees of its folder; the rest of the folder is ours.
INSIDE = "inside"
SOURCE, OUTPUT = "source", "out"
T = TypeVar("T")
Binds = tuple[tuple[str, str], ...]
_SMALL_BYTES, _SHORT_SECONDS = 2 << 20, 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Workshop:
    """What all attempts share."""

    settings: ExecutorSettings
    isolation: Isolation
    pool: Pool
    environments: Environments
    blobs: Blobs
    parts: Parts


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """What the steps found so far. ``project`` is relative to what the build sees."""

    project: str = ""
    system: BuildSystem = field(default_factory=BuildSystem)
    environment: Environment | None = None
    test_environment: Environment | None = None
    tools_environment: Environment | None = None
    wheel: Path | None = None
    contents: Mapping[str, Content] = field(default_factory=dict)
    facts: WheelFacts | None = None
    findings: tuple[Finding, ...] = ()
    artifact: Artifact | None = None
    irreproducible: str = ""
    libraries: tuple[str, ...] = ()
    metadata: bytes | None = None


def known(value: T | None) -> T:
    """Return what an earlier step found; its absence is a fault in the order of the steps."""
    if value is None:
        raise RuntimeError("a step was taken before the one that it stands on")  # pragma: no cover
    return value


class Attempt:
    """The tools of one attempt. ``steps`` grows while it runs.

    ``across`` is the way to another machine, ``compiled`` how many of the project's own files compilers were
    given on it, ``hits`` what the compiler cache had. ``exported`` are variables that a script of its recipe set for the build.
    """

    def __init__(
        self,
        workshop: Workshop,
        offer: Offer,
        python: Python,
        folder: Path,
        progress: Callable[[Progress], None],
    ) -> None:
        self.shop = workshop
        self.offer = offer
        self.python = python
        self.folder = folder
        self.steps: list[Step] = []
        self.cpu_seconds = 0.0
        self.began = time.monotonic()
        self._progress = progress
        self._step: StepName | None = None
        self.across: Across | None = None
        self.compiled = 0
        self.calls: tuple[Call, ...] = ()
        self.hits = Hits()
        self.exported: dict[str, str] = {}
        self.mask = mask_of(offer.recipe)
        self.log = JobLog(
            folder / "log", limit=offer.limits.log_bytes, told=self._tell, mask=self.mask
        )
        self.watch = Watch(offer.limits, self.log, workshop.isolation.groups)

    @asynccontextmanager
    async def step(self, name: StepName) -> AsyncIterator[None]:
        """Time what is done here as a step, and say so; a step in several parts is one."""
        if self._step is not name:
            self._step = name
            self._progress(Progress(key=self.offer.key, step=name, log=self.log.path))
        started, cpu = time.monotonic(), self.cpu_seconds
        try:
            yield
        finally:
            seconds, used = time.monotonic() - started, self.cpu_seconds - cpu
            self._count(name, started - self.began, seconds, used)
            self.log.note(f"{name}: {seconds:.3f} s, {used:.3f} s of processor time")

    def _count(self, name: StepName, started: float, seconds: float, used: float) -> None:
        """Add a part of a step to what was done of it before."""
        before = next((step for step in self.steps if step.name is name), None)
        if before is not None:
            self.steps.remove(before)
            started, seconds, used = (
                before.started,
                before.seconds + seconds,
                before.cpu_seconds + used,
            )
        self.steps.append(Step(name=name, started=started, seconds=seconds, cpu_seconds=used))

    @asynccontextmanager
    async def running(
        self,
        environment: Environment,
        preload: tuple[str, ...],
        inside: Path,
        *,
        network: bool = False,
        prepare: Callable[[Path, View], Binds] | None = None,
    ) -> AsyncIterator["Running"]:
        """Open a session whose build folder is ``inside``, and bring the folder back afterwards.

        ``prepare`` is called when the folder has come where it stays, and before anything runs in it.
        """
        name = f"{self.folder.name}-{inside.name}"
        lent = self.shop.pool.lend(self.python, environment, preload, name, network=network)
        async with lent as host:
            place = host.jobs / name
            _move(inside, place)
            try:
                binds: Binds = ()
                if prepare is not None:
                    binds = await asyncio.to_thread(prepare, place, host.view(name))
                session = Session(host, name, self._terms(binds), self.log)
                running = Running(self, session, place)
                try:
                    async with session:
                        yield running
                finally:
                    # Those whose parents did not wait for them show up at the end only.
                    self.cpu_seconds += max(0.0, session.cpu_seconds - running.cpu_seconds)
            finally:
                _move(place, inside)

    def _terms(self, binds: Binds) -> Terms:
        return Terms(
            binds=(*bubblewrap.hidden(self.shop.settings.shown), *binds),
            limits=self.offer.limits,
            temporary_bytes=self.shop.settings.temporary_bytes,
        )

    def variables(self, view: View) -> dict[str, str]:
        """Return the environment variables of a call."""
        chosen = build_environment(view, self.shop.settings, self.shop.isolation, self.offer)
        return expanded(chosen | self.exported)

    @property
    def bulky(self) -> bool:
        """Whether the folder may hold much; what took long may have written much."""
        archive = self.shop.blobs.path(self.offer.source.archive)
        large = archive is None or archive.stat().st_size > _SMALL_BYTES
        return large or time.monotonic() - self.began > _SHORT_SECONDS

    def caught(self, caught: Caught) -> None:
        """Tell how far the compilers are."""
        step = self._step or StepName.BUILD
        self._progress(Progress(key=self.offer.key, step=step, caught=caught))

    def close(self) -> None:
        """Let go of the log and the groups."""
        self.log.close()
        self.watch.close()

    def _tell(self, line: str) -> None:
        step = self._step or StepName.FETCH
        self._progress(Progress(key=self.offer.key, step=step, line=line))


def _move(folder: Path, place: Path) -> None:
    """Rename within a folder: quicker than to have a thread do it."""
    folder.rename(place)


class Running:
    """An open session of an attempt, whose ``folder`` is the build's own."""

    def __init__(self, attempt: Attempt, session: Session, folder: Path) -> None:
        self.view = session.view
        self.cpu_seconds = 0.0
        self._attempt = attempt
        self._session = session
        self.folder = folder

    async def call(self, request: dict[str, object]) -> Answer:
        """Make a call within the limits of the attempt. Raises Stopped."""
        attempt = self._attempt
        message = {"environment": attempt.variables(self.view), **request}
        call = self._session.call(message)
        answer = await attempt.watch.over(call, self._session, self.folder)
        self.cpu_seconds += answer.cpu_seconds
        attempt.cpu_seconds += answer.cpu_seconds
        attempt.watch.peak_bytes = max(attempt.watch.peak_bytes, answer.peak_bytes)
        return answer
