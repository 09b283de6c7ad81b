"""One run: a plan carried out from the first question to the last wheel."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from wheelyard.coordinator.dispatch import ReadyJobs
from wheelyard.coordinator.intake import Intake, Taken
from wheelyard.coordinator.questions import Questions
from wheelyard.coordinator.story import (
    BuildRetriedOlder,
    CycleBroken,
    JobAwaited,
    JobEnded,
    JobQueued,
    JobStarted,
    Listener,
    OutputPrinted,
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
from wheelyard.jobs.selection import Selection
from wheelyard.model.artifact import Artifact
from wheelyard.model.job import Offer, Outcome, Report
from wheelyard.model.release import ProjectName
from wheelyard.model.source import FileEntry
from wheelyard.plan.events import (
    Command,
    Event,
    Finished,
    RequestResolved,
    Start,
    UnitId,
)
from wheelyard.plan.forecast import DEFAULT_SECONDS, Forecast, Urgency
from wheelyard.plan.planner import Planner
from wheelyard.plan.summary import Row, summarise
from wheelyard.plan.unit import State
from wheelyard.ports import Builder, Clock, JobStore, Lease, Progress

_SETTLED = frozenset(
    {Outcome.BUILT, Outcome.NEEDS, Outcome.FAILED, Outcome.TIMED_OUT, Outcome.OVER_LIMIT}
)
"""Outcomes that another run of the same job would repeat."""
_POLL_SECONDS = 0.2
"""How often a job that another run has is looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How far a run is; ``running`` maps units to seconds, ``seconds_left`` is an estimate."""

    units: int
    settled: int
    running: Mapping[UnitId, float]
    seconds_left: float


class Run:
    """Carries out a plan with this machine's slots.

    ``recover`` gives back what processes held that ended. ``prepare`` completes an offer right before it is run; it is told upstream's wheel for the same target. With ``build=False`` nothing is built: the plan
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
        slots: int = 1,
        build: bool = True,
    ) -> None:
        self.planner = planner
        self._questions = questions
        self._intake = intake
        self._builder = builder
        self._jobs = jobs
        self._clock = clock
        self._recover = recover
        self._prepare = prepare
        self._tell = listener
        self._slots = slots
        self._build = build
        self._events: asyncio.Queue[Event] = asyncio.Queue()
        self._open = 0
        self._durations: dict[ProjectName, float] = {}
        self._started: dict[UnitId, float] = {}
        self._urgency = Urgency(planner.board, self._seconds)
        self._forecast = Forecast(planner.board, self._seconds)
        self._ready = ReadyJobs(lambda start: self._urgency.of(start.unit))
        self._told_cycles = 0

    async def carry_out(self) -> tuple[Row, ...]:
        """Run until nothing more can be done and return how each unit ended."""
        async with asyncio.TaskGroup() as group:
            slots = [group.create_task(self._slot(group)) for _ in range(self._slots)]
            await self._issue(self.planner.begin(), group)
            while self._open:
                event = await self._events.get()
                self._open -= 1
                await self._issue(self.planner.handle(event), group)
                self._narrate(event)
            for slot in slots:
                slot.cancel()
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
        """Return how far the run is."""
        now = asyncio.get_running_loop().time()
        running = {unit: now - began for unit, began in self._started.items()}
        board = self.planner.board
        settled = sum(1 for unit in board.units.values() if unit.final)
        left = self._forecast.seconds_left(self._slots, running)
        return Standing(units=len(board.units), settled=settled, running=running, seconds_left=left)

    def _seconds(self, unit: UnitId) -> float:
        return self._durations.get(unit.release.project, DEFAULT_SECONDS)

    async def _issue(self, commands: list[Command], group: asyncio.TaskGroup) -> None:
        for command in commands:
            if not isinstance(command, Start):
                self._open += 1
                group.create_task(self._ask(command))
            elif self._build:
                self._open += 1
                await self._learn_duration(command.unit.release.project)
                self._tell(JobQueued(unit=command.unit, offer=command.offer))
                await self._ready.add(command)

    async def _ask(self, command: Command) -> None:
        if not isinstance(command, Start):
            self._events.put_nowait(await self._questions.answer(command))

    async def _learn_duration(self, project: ProjectName) -> None:
        if project not in self._durations:
            self._durations.update(await self._jobs.durations([project]))
            self._urgency.forget()
            self._forecast.forget()

    async def _slot(self, group: asyncio.TaskGroup) -> None:
        """Run one job after another."""
        while True:
            start = await self._ready.take()
            if await self._answered_before(start):
                continue
            lease = await self._builder.take(start.offer)
            if lease is None:
                self._tell(JobAwaited(unit=start.unit, key=start.offer.key))
                group.create_task(self._await_other(start))
                continue
            try:
                await self._run(start, lease, group)
            finally:
                self._started.pop(start.unit, None)

    async def _answered_before(self, start: Start) -> bool:
        """Use what an earlier run left of a job, and open it again where that was a failure."""
        key = start.offer.key
        job = await self._jobs.job(key)
        if job is None or job.state in {JobState.READY, JobState.LEASED}:
            return False
        report = await self._jobs.last_report(key)
        if report is not None and report.outcome in {Outcome.BUILT, Outcome.NEEDS}:
            if job.state is JobState.DONE and await self._intake.has_bytes(report):
                self._finish(start, report)
                return True
        await self._jobs.retry(Selection(keys=(key,)))
        return False

    async def _await_other(self, start: Start) -> None:
        """Wait until whoever has a job is done or gone; take its result, or the job."""
        key = start.offer.key
        while (job := await self._jobs.job(key)) is not None and job.state is JobState.LEASED:
            await asyncio.sleep(_POLL_SECONDS)
            await self._recover()
        report = await self._jobs.last_report(key)
        if report is None or report.outcome not in _SETTLED:
            await self._ready.add(start)
            return
        self._finish(start, report)

    async def _run(self, start: Start, lease: Lease, group: asyncio.TaskGroup) -> None:
        self._started[start.unit] = asyncio.get_running_loop().time()
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
        taken = await self._intake.take(offer, lease, report, bootstrap=start.bootstrap)
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
        if again is not None:
            group.create_task(self._again(start, again))
            return
        self._finish(start, taken.report, taken.artifact)

    def _seconds_until(self, taken: Taken) -> float | None:
        """Return in how many seconds a job is to be tried again; None: its end is known."""
        if not taken.accepted:
            return 0.0
        if taken.again_at is None:
            return None
        return max(0.0, (taken.again_at - self._clock.now()).total_seconds())

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
