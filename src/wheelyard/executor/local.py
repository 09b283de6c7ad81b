"""Runs attempts on this machine: the executor as the services know it.

Every way in which an attempt can end is a report. Only what keeps this machine from running any job
(a sandbox that is required and not there) is an error.
"""

import asyncio
import contextlib
import errno
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from wheelyard.cross.calls import count
from wheelyard.errors import (
    ConfigurationError,
    InterpreterError,
    InvalidArchiveError,
    OutOfSpaceError,
    SandboxError,
    StoreError,
    ToolError,
    WheelyardError,
)
from wheelyard.executor import catching, proofs, steps
from wheelyard.executor.attempt import INSIDE, Attempt, State, Workshop, known
from wheelyard.executor.commanding import (
    COMMANDING,
    allow_network,
    isolation_words,
    repeat_command,
)
from wheelyard.executor.describing import ask_metadata
from wheelyard.executor.environments import Environments, find_uv
from wheelyard.executor.folders import RunFolder, sweep
from wheelyard.executor.interpreters import native_platform
from wheelyard.executor.isolation import Isolation, find_isolation
from wheelyard.executor.outcomes import Stopped
from wheelyard.executor.parts import Parts
from wheelyard.executor.pool import Pool
from wheelyard.executor.pythons import Python, describe
from wheelyard.executor.reached import Across, Platforms
from wheelyard.executor.repeat import Tools, repeat_line
from wheelyard.executor.reproducible import difference
from wheelyard.executor.settings import ExecutorSettings
from wheelyard.model.job import Offer, Outcome, Report, StepName
from wheelyard.model.way import WayKind
from wheelyard.ports import Blobs, Described, Interpreters, Progress
from wheelyard.targets.interpreter import ANY
from wheelyard.targets.target import Target

_ORDER = tuple(StepName)
_TakeStep = Callable[[Attempt, State], Awaitable[State]]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ending:
    state: State
    stopped: Stopped | None


class LocalExecutor:
    """Carries out ``ports.Executor`` with processes of this machine."""

    def __init__(
        self,
        settings: ExecutorSettings,
        *,
        blobs: Blobs,
        interpreters: Interpreters,
        parts: Parts,
        platforms: Platforms | None = None,
    ) -> None:
        self._settings = settings
        self._blobs = blobs
        self._interpreters = interpreters
        self._parts = parts
        self._platforms = platforms
        self._pythons: dict[Path, Python] = {}
        self._isolation: Isolation | None = None
        self._workshop: Workshop | None = None
        self._run: RunFolder | None = None
        self._opening, self._asking = asyncio.Lock(), asyncio.Lock()

    def capabilities(self) -> dict[str, str]:
        """Say what this machine can do. Raises SandboxError where it is less than required."""
        return {"sandbox": ", ".join(self._find_isolation().words)}

    async def run(self, offer: Offer, progress: Callable[[Progress], None]) -> Report:
        """Carry out an offer. Cancelling the task kills the whole process tree."""
        way = _BUILDING if offer.command is None else COMMANDING
        report, _ = await self._conduct(offer, progress, way)
        return report

    async def describe(self, offer: Offer, progress: Callable[[Progress], None]) -> Described:
        """Ask the back end of an offer's source what it would build, in the sandbox."""
        report, state = await self._conduct(offer, progress, _DESCRIBING)
        return Described(report=report, metadata=state.metadata)

    async def _conduct(
        self, offer: Offer, progress: Callable[[Progress], None], way: Sequence[_TakeStep]
    ) -> tuple[Report, State]:
        workshop, run = await self._open()
        try:
            python = await self._python(offer)
            allow_network(offer, self._settings)
            reached = await self._reached(offer)
        except (ConfigurationError, InterpreterError, SandboxError, ToolError) as error:
            return Report(outcome=Outcome.REFUSED, reason=error.message, hint=error.hint), State()
        name = f"{offer.key[:16]}-{offer.attempt}"
        folder = run.new(name)
        attempt = Attempt(workshop, offer, python, folder, progress)
        attempt.across = reached
        try:
            ending = await _carry_out(attempt, way)
            return await self._report(attempt, ending), ending.state
        finally:
            attempt.close()
            await asyncio.shield(asyncio.to_thread(run.discard, folder, bulky=attempt.bulky))

    async def close(self) -> None:
        """Stop every process that was kept warm, and remove what they worked in."""
        workshop, run = self._workshop, self._run
        self._workshop = self._run = None
        if workshop is not None:
            await workshop.pool.close()
            workshop.environments.close()
        if run is not None:
            await asyncio.to_thread(run.close)

    def _find_isolation(self) -> Isolation:
        if self._isolation is None:
            self._isolation = find_isolation(self._settings)
        return self._isolation

    async def _open(self) -> tuple[Workshop, RunFolder]:
        async with self._opening:
            if self._workshop is None or self._run is None:
                self._run = await asyncio.to_thread(self._new_run)
                self._workshop = await asyncio.to_thread(self._new_workshop, self._run)
            return self._workshop, self._run

    def _new_run(self) -> RunFolder:
        jobs = self._settings.scratch or self._settings.state / "jobs"
        try:
            sweep(jobs)
            return RunFolder(jobs)
        except OSError as error:
            raise StoreError(
                f"The folder of jobs {str(jobs)!r} cannot be used: {error}",
                hint="Give another state folder, or make room in this one.",
            ) from error

    def _new_workshop(self, run: RunFolder) -> Workshop:
        settings = self._settings
        isolation = self._find_isolation()
        environments = Environments(
            settings.state / "environments",
            cache=settings.state / "uv",
            names=settings.state / "wheels",
            uv=settings.uv,
            blobs=self._blobs,
        )
        return Workshop(
            settings=settings,
            isolation=isolation,
            pool=Pool(settings, isolation, run, environments),
            environments=environments,
            blobs=self._blobs,
            parts=self._parts,
        )

    async def _python(self, offer: Offer) -> Python:
        if offer.target.interpreter == ANY:
            # No Python is asked for, but one has to open the sandbox: ours is always there.
            executable: Path | None = Path(sys.executable)
        else:
            executable = self._interpreters.executable(_running(offer))
        if executable is None:
            raise InterpreterError(
                f"There is no interpreter for {_running(offer)} on this machine",
                hint="wheelyard target list says which there are.",
            )
        async with self._asking:  # once, however many jobs begin at once
            if executable not in self._pythons:
                remembered = self._settings.state / "cache" / "pythons"
                self._pythons[executable] = await asyncio.to_thread(
                    describe, executable, remembered=remembered
                )
            return self._pythons[executable]

    async def _reached(self, offer: Offer) -> Across | None:
        """Have what the way to another machine takes. Raises ToolError and ConfigurationError."""
        if offer.way.kind is WayKind.NATIVE:
            return None
        if self._platforms is None:
            raise ToolError(
                f"this builder builds for no other machine, {offer.target.platform} included",
                hint="Let a builder with that platform take it: wheelyard platform list.",
            )
        packages = offer.recipe.host_packages or ()
        return Across(ready=await self._platforms.ready(offer.way, offer.target, packages))

    async def _report(self, attempt: Attempt, ending: _Ending) -> Report:
        stopped, state, offer, hide = ending.stopped, ending.state, attempt.offer, attempt.mask.text
        if stopped is not None:
            attempt.log.note(f"{stopped.outcome}: {stopped.reason}")
        log_digest = await self._keep_log(attempt)
        calls_digest = await catching.keep(attempt, self._blobs)
        return Report(
            outcome=Outcome.BUILT if stopped is None else stopped.outcome,
            steps=tuple(sorted(attempt.steps, key=lambda step: _ORDER.index(step.name))),
            artifact=state.artifact,
            needs=() if stopped is None else stopped.needs,
            reason="" if stopped is None else hide(stopped.reason),
            detail="" if stopped is None else hide(stopped.detail),
            hint="" if stopped is None else hide(_hint(stopped, offer)),
            needs_system=stopped is not None and stopped.system,
            limited=stopped is not None and stopped.limited,
            findings=tuple(
                replace(finding, message=hide(finding.message)) for finding in state.findings
            ),
            log_digest=log_digest,
            log_bytes=attempt.log.size,
            calls_digest=calls_digest,
            calls=replace(
                count(attempt.calls), cached=attempt.hits.there, cachable=attempt.hits.asked
            ),
            sandbox=isolation_words(attempt),
            repeat=self._repeat(attempt, state),
            environment=tuple(sorted(str(wheel.release) for wheel in offer.requirements)),
            peak_memory_bytes=attempt.watch.usage().peak_bytes,
            cpu_seconds=attempt.cpu_seconds,
            wall_seconds=time.monotonic() - attempt.began,
            irreproducible=state.irreproducible,
            system_libraries=state.libraries,
            way="" if offer.way.kind is WayKind.NATIVE else str(offer.way),
        )

    async def _keep_log(self, attempt: Attempt) -> str:
        packed = attempt.folder / "log.gz"
        try:
            await asyncio.to_thread(attempt.log.compress, packed)
            return await self._blobs.add_file(packed)
        except (OSError, StoreError):
            return ""  # a full disk must not hide how the attempt ended

    def _repeat(self, attempt: Attempt, state: State) -> str:
        if attempt.offer.command is not None:
            return repeat_command(attempt.offer, attempt.offer.command)
        archive = self._blobs.path(attempt.offer.source.archive)
        if archive is None or not state.project:
            return ""
        with contextlib.suppress(StoreError, ToolError, OSError):
            wheels = [
                attempt.shop.environments.named(wheel) for wheel in attempt.offer.requirements
            ]
            uv = self._settings.uv or find_uv()
            tools = Tools(python=attempt.python.executable, uv=uv)
            return repeat_line(attempt.offer, state, tools=tools, archive=archive, wheels=wheels)
        return ""


def _running(offer: Offer) -> Target:
    """Return the target of the Python that opens a job's sandbox."""
    if offer.way.kind is WayKind.NATIVE:
        return offer.target
    return offer.way.build or Target(offer.target.interpreter, native_platform())


async def _carry_out(attempt: Attempt, way: Sequence[_TakeStep]) -> _Ending:
    """Take the steps until one stops the attempt."""
    state = State()
    try:
        for step in way:
            state = await step(attempt, state)
    except Stopped as stopped:
        return _Ending(state=state, stopped=stopped)
    except InvalidArchiveError as error:
        return _Ending(state=state, stopped=Stopped(Outcome.FAILED, error.message, hint=error.hint))
    except WheelyardError as error:
        full = isinstance(error, OutOfSpaceError)
        outcome = Outcome.RESOURCES if full else Outcome.INFRASTRUCTURE
        return _Ending(state=state, stopped=Stopped(outcome, error.message, hint=error.hint))
    except OSError as error:
        return _Ending(state=state, stopped=_of_the_machine(error))
    return _Ending(state=state, stopped=None)


def _of_the_machine(error: OSError) -> Stopped:
    full = error.errno in {errno.ENOSPC, errno.EDQUOT}
    return Stopped(Outcome.RESOURCES if full else Outcome.INFRASTRUCTURE, str(error))


async def _build_again(attempt: Attempt, state: State) -> State:
    """Build a second time where that is asked for, and hold the wheels against each other."""
    if not attempt.offer.check_reproducible:
        return state
    first, second = known(state.wheel), f"{INSIDE}-again"
    again = await steps.unpack(attempt, state, second)
    again = await proofs.repair(attempt, await steps.make(attempt, again, second))
    said = await asyncio.to_thread(difference, first, known(again.wheel))
    attempt.log.note(f"built twice: {said}" if said else "built twice: the same bytes")
    return replace(state, irreproducible=said)


_BUILDING: tuple[_TakeStep, ...] = (
    steps.fetch,
    steps.unpack,
    steps.environment,
    steps.make,
    proofs.repair,
    _build_again,
    proofs.inspect,
    proofs.test,
    proofs.deliver,
)
_DESCRIBING: tuple[_TakeStep, ...] = (steps.fetch, steps.unpack, steps.environment, ask_metadata)


def _hint(stopped: Stopped, offer: Offer) -> str:
    """Add what the recipe says that a system must have, where the package itself failed."""
    packages = offer.recipe.system_packages
    if not packages or stopped.outcome is not Outcome.FAILED:
        return stopped.hint
    wanted = f"Its recipe says that it needs: apt install {' '.join(packages)}"
    return f"{stopped.hint} {wanted}".strip()
