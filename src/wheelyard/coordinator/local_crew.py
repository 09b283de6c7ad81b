"""The crew of one machine: so many slots, and always the most urgent job for the next free one."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime

from wheelyard.coordinator.crew import Site, report_of
from wheelyard.coordinator.dispatch import ReadyJobs
from wheelyard.coordinator.intake import Intake, Taken, keys_of
from wheelyard.coordinator.others import POLL_SECONDS, Holds, Known, OtherRuns
from wheelyard.coordinator.story import (
    CommandsCaught,
    JobAwaited,
    JobDelayed,
    JobEnded,
    JobHeld,
    JobStarted,
    OutputPrinted,
    StepBegan,
)
from wheelyard.errors import WheelyardError
from wheelyard.jobs.job import State as JobState
from wheelyard.model.job import Offer, Outcome, Report
from wheelyard.model.source import FileEntry
from wheelyard.plan.events import Start, UnitId
from wheelyard.ports import Builder, Clock, JobStore, Lease, Progress

Prepare = Callable[[Offer, FileEntry | None], Awaitable[Offer]]
"""Completes an offer right before it is run; it is told upstream's wheel for the same target."""


class LocalCrew:
    """Runs jobs in this machine's slots.

    ``recover`` gives back what processes held that ended. ``holds`` judges by the policy of now what
    held a wheel in an earlier run.
    """

    def __init__(  # noqa: PLR0913 - the ports of a service, by name
        self,
        *,
        intake: Intake,
        builder: Builder,
        jobs: JobStore,
        clock: Clock,
        recover: Callable[[], Awaitable[object]],
        prepare: Prepare,
        holds: Holds = lambda _: True,
        slots: int = 1,
        poll_seconds: float = POLL_SECONDS,
    ) -> None:
        self.slots = slots
        self._intake = intake
        self._builder = builder
        self._jobs = jobs
        self._clock = clock
        self._others = OtherRuns(
            jobs=jobs, intake=intake, recover=recover, holds=holds, poll_seconds=poll_seconds
        )
        self._poll_seconds = poll_seconds
        self._prepare = prepare
        self._started: dict[UnitId, float] = {}
        self._tasks: list[asyncio.Task[None]] = []

    def begin(self, site: Site, group: asyncio.TaskGroup) -> None:
        """Open the slots."""
        self._site = site
        self._group = group
        self._ready = ReadyJobs(site.urgency)
        self._tasks = [group.create_task(self._slot()) for _ in range(self.slots)]

    async def add(self, start: Start) -> None:
        """Let a job wait for a slot."""
        await self._ready.add(start)

    def running(self) -> Mapping[UnitId, float]:
        """Return what runs, and for how many seconds."""
        now = time.monotonic()
        return {unit: now - began for unit, began in self._started.copy().items()}

    def end(self) -> None:
        """Close the slots."""
        for task in self._tasks:
            task.cancel()

    async def _slot(self) -> None:
        """Run one job after another."""
        while True:
            start = await self._ready.take()
            known = await self._others.known(start)
            if known is not None:
                self._take_over(start, known)
                continue
            lease = await self._builder.take(start.offer)
            if lease is None:
                self._group.create_task(self._wait(start))
                continue
            try:
                await self._run(start, lease)
            finally:
                self._started.pop(start.unit, None)

    async def _wait(self, start: Start) -> None:
        """Wait for what keeps a job from being run: a pause between two tries, or another run."""
        job = await self._jobs.job(start.offer.key)
        if job is not None and job.state is JobState.READY:
            pause = self._seconds_to(job.not_before) if job.not_before else 0.0
            if pause > self._poll_seconds:
                self._site.tell(
                    JobDelayed(unit=start.unit, key=job.key, seconds=pause, reason=job.reason)
                )
            # Never at once: a builder that refused a job is not given it again.
            await self._again(start, max(pause, self._poll_seconds))
            return
        self._site.tell(JobAwaited(unit=start.unit, key=start.offer.key))
        known = await self._others.end(start)
        if known is None:
            await self._ready.add(start)
        else:
            self._take_over(start, known)

    def _take_over(self, start: Start, known: Known) -> None:
        """Use the end that another run brought about."""
        if known.held:
            self._site.tell(JobHeld(unit=start.unit, key=start.offer.key, report=known.report))
        self._site.finish(start, known.report, known.artifact)

    async def _run(self, start: Start, lease: Lease) -> None:
        self._started[start.unit] = time.monotonic()
        self._site.tell(
            JobStarted(
                unit=start.unit,
                key=start.offer.key,
                attempt=lease.attempt,
                expected_seconds=self._site.expected_seconds(start.unit),
            )
        )
        offer = start.offer
        try:
            wheel = self._site.wheel(start.unit)
            offer = await self._prepare(start.offer, wheel)
            report = await self._builder.run(offer, lease, self._relay(start.unit))
        except WheelyardError as error:
            report = report_of(error)
        taken = await self._take_in(start, offer, lease, report)
        again = self._seconds_until(taken)
        self._site.tell(
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
            self._group.create_task(self._again(start, again))
            return
        self._site.finish(start, taken.report, taken.artifact)

    async def _take_in(self, start: Start, offer: Offer, lease: Lease, report: Report) -> Taken:
        """Take a result in; a wheel that cannot be taken in is a failure of its job."""
        try:
            return await self._intake.take(
                offer, lease, report, bootstrap=start.bootstrap, keys=keys_of(start)
            )
        except WheelyardError as error:
            if report.artifact is None:
                raise
            failed = report_of(error)
            return await self._intake.take(
                offer, lease, failed, bootstrap=start.bootstrap, keys=keys_of(start)
            )

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

    def _relay(self, unit: UnitId) -> Callable[[Progress], None]:
        def relay(progress: Progress) -> None:
            if progress.caught is not None:
                self._site.tell(CommandsCaught(unit=unit, caught=progress.caught))
            elif progress.line:
                self._site.tell(OutputPrinted(unit=unit, line=progress.line))
            else:
                self._site.tell(StepBegan(unit=unit, step=progress.step))

        return relay
