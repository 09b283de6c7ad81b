"""One run: a plan carried out from the first question to the last wheel."""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from wheelyard.coordinator.dispatch import ReadyJobs
from wheelyard.coordinator.intake import Intake, Taken
from wheelyard.coordinator.others import POLL_SECONDS, Holds, Known, OtherRuns
from wheelyard.coordinator.questions import Questions
from wheelyard.coordinator.story import (
    BuildRetriedOlder,
    CycleBroken,
    JobAwaited,
    JobDelayed,
    JobEnded,
    JobHeld,
    JobQueued,
    JobStarted,
    Listener,
    OutputPrinted,
    SourceInspected,
    StepBegan,
    TargetResolved,
    UnitProvided,
)
from wheelyard.errors import (
    InvalidArchiveError,
    NotUpstreamError,
    OutOfSpaceError,
    WheelyardError,
)
from wheelyard.jobs.job import State as JobState
from wheelyard.model.artifact import Artifact
from wheelyard.model.job import Offer, Outcome, Report
from wheelyard.model.release import ProjectName
from wheelyard.model.source import FileEntry
from wheelyard.plan.events import (
    Command,
    Event,
    Finished,
    Inspected,
    RequestResolved,
    Start,
    UnitId,
)
from wheelyard.plan.forecast import DEFAULT_SECONDS, Forecast, Urgency
from wheelyard.plan.planner import Planner
from wheelyard.plan.summary import Row, summarise
from wheelyard.plan.unit import State
from wheelyard.ports import Builder, Clock, JobStore, Lease, Progress

_QUESTIONS_AT_ONCE = 48
"""How many questions are open at the same time: enough to hide latency, too few to exhaust sockets."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How far a run is; ``running`` maps units to seconds, ``seconds_left`` is an estimate."""

    units: int
    settled: int
    running: Mapping[UnitId, float]
    seconds_left: float


class Run:
    """Carries out a plan with this machine's slots.

    ``recover`` gives back what processes held that ended. ``prepare`` completes an offer right before it is run; it is told upstream's wheel for the same target.
    ``holds`` judges by the policy of now what held a wheel in an earlier run. With ``build=False`` nothing is built: the plan
    grows as far as it can without.
    """

    def __init__(  # noqa: PLR0913 - the ports of a service, by name
        self,
        *,
        planner: Planner,
        questions: Questions,
        intake: Intake,
        builder: Builder,
        jobs: JobStore,
        clock: Clock,
        recover: Callable[[], Awaitable[object]],
        prepare: Callable[[Offer, FileEntry | None], Awaitable[Offer]],
        listener: Listener = lambda _: None,
        holds: Holds = lambda _: True,
        slots: int = 1,
        build: bool = True,
        poll_seconds: float = POLL_SECONDS,
    ) -> None:
        self.planner = planner
        self._questions = questions
        self._intake = intake
        self._builder = builder
        self._jobs = jobs
        self._clock = clock
        self._others = OtherRuns(
            jobs=jobs, intake=intake, recover=recover, holds=holds, poll_seconds=poll_seconds
        )
        self._poll_seconds = poll_seconds
        self._prepare = prepare
        self._tell = listener
        self._slots = slots
        self._build = build
        self._events: asyncio.Queue[Event] = asyncio.Queue()
        self._open = 0
        self._asking = asyncio.Semaphore(_QUESTIONS_AT_ONCE)
        self._lock = threading.Lock()
        self._durations: dict[ProjectName, float | None] = {}
        self._started: dict[UnitId, float] = {}
        self._forecast = Forecast(planner.board, self._seconds)
        self._urgency = Urgency(planner.board, self._seconds)
        self._ready = ReadyJobs(lambda start: self._urgency.of(start.unit))
        self._told_cycles = 0

    async def carry_out(self) -> tuple[Row, ...]:
        """Run until nothing more can be done and return how each unit ended."""
        try:
            async with asyncio.TaskGroup() as group:
                slots = [group.create_task(self._slot(group)) for _ in range(self._slots)]
                await self._issue(self.planner.begin(), group)
                while self._open:
                    event = await self._events.get()
                    self._open -= 1
                    with self._lock:
                        commands = self.planner.handle(event)
                    await self._issue(commands, group)
                    self._narrate(event)
                for slot in slots:
                    slot.cancel()
        finally:
            await self._questions.close()
        return self.summary(over=self._build)

    def summary(self, *, over: bool) -> tuple[Row, ...]:
        """Return how each unit stands; ``over``: nothing more will happen."""
        board = self.planner.board
        skips = {
            key: self.planner.recipe_of(key.release).skip or ""
            for key, unit in board.units.items()
            if unit.state is State.SKIPPED
        }
        return summarise(board, self.planner.roots, skips, over=over)

    def standing(self) -> Standing:
        """Return how far the run is. Any thread may ask: a display draws in its own."""
        now = time.monotonic()
        running = {unit: now - began for unit, began in self._started.copy().items()}
        units = self.planner.board.units
        with self._lock:
            settled = sum(1 for unit in units.values() if not unit.may_come)
            left = self._forecast.seconds_left(self._slots, running)
            return Standing(units=len(units), settled=settled, running=running, seconds_left=left)

    def _seconds(self, unit: UnitId) -> float:
        known = self._durations.get(unit.release.project)
        return known if known is not None else DEFAULT_SECONDS

    async def _issue(self, commands: list[Command], group: asyncio.TaskGroup) -> None:
        if self._build and any(isinstance(command, Start) for command in commands):
            await self._learn_durations()
        for command in commands:
            if not isinstance(command, Start):
                self._open += 1
                group.create_task(self._ask(command))
            elif self._build:
                self._open += 1
                self._tell(JobQueued(unit=command.unit, offer=command.offer))
                await self._ready.add(command)

    async def _ask(self, command: Command) -> None:
        if not isinstance(command, Start):
            async with self._asking:
                answer = await self._questions.answer(command)
            self._events.put_nowait(answer)

    async def _learn_durations(self) -> None:
        """Ask once for each project of the plan how long it took: urgency is about whole chains."""
        projects = {unit.release.project for unit in self.planner.board.units}
        new = sorted(projects - self._durations.keys())
        if new:
            found = await self._jobs.durations(new)
            with self._lock:
                self._durations |= {project: found.get(project) for project in new}
                self._forecast.forget()
            self._urgency.forget()

    async def _slot(self, group: asyncio.TaskGroup) -> None:
        """Run one job after another."""
        while True:
            start = await self._ready.take()
            known = await self._others.known(start)
            if known is not None:
                self._take_over(start, known)
                continue
            lease = await self._builder.take(start.offer)
            if lease is None:
                group.create_task(self._wait(start))
                continue
            try:
                await self._run(start, lease, group)
            finally:
                self._started.pop(start.unit, None)

    async def _wait(self, start: Start) -> None:
        """Wait for what keeps a job from being run: a pause between two tries, or another run."""
        job = await self._jobs.job(start.offer.key)
        if job is not None and job.state is JobState.READY:
            pause = self._seconds_to(job.not_before) if job.not_before else 0.0
            if pause > self._poll_seconds:
                self._tell(
                    JobDelayed(unit=start.unit, key=job.key, seconds=pause, reason=job.reason)
                )
            # Never at once: a builder that refused a job is not given it again.
            await self._again(start, max(pause, self._poll_seconds))
            return
        self._tell(JobAwaited(unit=start.unit, key=start.offer.key))
        known = await self._others.end(start)
        if known is None:
            await self._ready.add(start)
        else:
            self._take_over(start, known)

    def _take_over(self, start: Start, known: Known) -> None:
        """Use the end that another run brought about."""
        if known.held:
            self._tell(JobHeld(unit=start.unit, key=start.offer.key, report=known.report))
        self._finish(start, known.report, known.artifact)

    async def _run(self, start: Start, lease: Lease, group: asyncio.TaskGroup) -> None:
        self._started[start.unit] = time.monotonic()
        self._tell(
            JobStarted(
                unit=start.unit,
                key=start.offer.key,
                attempt=lease.attempt,
                expected_seconds=self._durations.get(start.unit.release.project),
            )
        )
        offer = start.offer
        try:
            wheel = self.planner.board.units[start.unit].pin.wheel
            offer = await self._prepare(start.offer, wheel)
            report = await self._builder.run(offer, lease, self._relay(start.unit))
        except WheelyardError as error:
            report = _report_of(error)
        taken = await self._take_in(start, offer, lease, report)
        again = self._seconds_until(taken)
        self._tell(
            JobEnded(
                unit=start.unit,
                key=offer.key,
                attempt=lease.attempt,
                report=taken.report,
                bootstrap=start.bootstrap,
                again_in=again,
            )
        )
        # One builder alone cannot hand what it refused to another.
        if again is not None and taken.report.outcome is not Outcome.REFUSED:
            group.create_task(self._again(start, again))
            return
        self._finish(start, taken.report, taken.artifact)

    async def _take_in(self, start: Start, offer: Offer, lease: Lease, report: Report) -> Taken:
        """Take a result in; a wheel that cannot be taken in is a failure of its job."""
        try:
            return await self._intake.take(start, offer, lease, report)
        except WheelyardError as error:
            if report.artifact is None:
                raise
            failed = _report_of(error)
            return await self._intake.take(start, offer, lease, failed)

    def _seconds_until(self, taken: Taken) -> float | None:
        """Return in how many seconds a job is to be tried again; None: its end is known."""
        if not taken.accepted:
            return 0.0
        return None if taken.again_at is None else self._seconds_to(taken.again_at)

    def _seconds_to(self, moment: datetime) -> float:
        return max(0.0, (moment - self._clock.now()).total_seconds())

    async def _again(self, start: Start, seconds: float) -> None:
        await asyncio.sleep(seconds)
        await self._ready.add(start)

    def _finish(self, start: Start, report: Report, artifact: Artifact | None = None) -> None:
        self._events.put_nowait(
            Finished(
                unit=start.unit,
                key=start.offer.key,
                report=report,
                artifact=artifact or report.artifact,
            )
        )

    def _relay(self, unit: UnitId) -> Callable[[Progress], None]:
        def relay(progress: Progress) -> None:
            if progress.line:
                self._tell(OutputPrinted(unit=unit, line=progress.line))
            else:
                self._tell(StepBegan(unit=unit, step=progress.step))

        return relay

    def _narrate(self, event: Event) -> None:
        """Tell the listener what an event changed in the plan."""
        if isinstance(event, RequestResolved):
            self._tell(
                TargetResolved(
                    target=event.target,
                    releases=len(event.resolution.pins),
                    exclusions=event.exclusions,
                )
            )
        elif isinstance(event, Inspected):
            self._tell(SourceInspected(release=event.release))
        for broken in self.planner.cycles[self._told_cycles :]:
            self._tell(CycleBroken(broken=broken))
        self._told_cycles = len(self.planner.cycles)
        for unit in self.planner.take_provided():
            if unit.provision is not None and unit.artifact is not None:
                self._tell(
                    UnitProvided(unit=unit.id, provision=unit.provision, artifact=unit.artifact)
                )
        for key, day in self.planner.take_older():
            self._tell(BuildRetriedOlder(unit=key, day=day))


def _report_of(error: WheelyardError) -> Report:
    """Say how an attempt ended that could not even begin."""
    if isinstance(error, OutOfSpaceError):
        outcome = Outcome.RESOURCES
    elif isinstance(error, NotUpstreamError):
        outcome = Outcome.UPSTREAM
    elif isinstance(error, InvalidArchiveError):
        outcome = Outcome.FAILED
    else:
        outcome = Outcome.INFRASTRUCTURE
    return Report(outcome=outcome, reason=error.message, detail=error.hint)
