"""What other runs on the same state, earlier ones or those of this moment, make of a job.

What they answered is taken over, so that nothing is built twice; what they failed at is opened again,
because a new run may have better luck. A wheel that waits for a person's look is neither: it is told.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from wheelyard.coordinator.intake import Intake, stopped
from wheelyard.jobs.job import Job, State
from wheelyard.jobs.selection import Selection
from wheelyard.model.artifact import Artifact
from wheelyard.model.job import BuildKey, Finding, Outcome, Report, Verdict
from wheelyard.plan.events import Start
from wheelyard.ports import JobStore

POLL_SECONDS = 1.0
"""How often a job that another run has is looked at."""
_ANSWERS = frozenset({Outcome.BUILT, Outcome.NEEDS})
"""Ends of a job that hold for every run; others are tried again by a new one."""

Holds = Callable[[Finding], bool]
"""Whether a finding that held a wheel would hold it today."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """The end of a job that another run brought about; ``artifact`` is the one that counts."""

    report: Report
    artifact: Artifact | None = None
    held: bool = False


class OtherRuns:
    """Looks at a job before it is run here, and while somebody else runs it.

    ``recover`` gives back what processes held that ended. A failure since ``since`` is one that the run
    heard of itself, before its process ended.
    """

    def __init__(  # noqa: PLR0913 - the ports of a service, by name
        self,
        *,
        jobs: JobStore,
        intake: Intake,
        recover: Callable[[], Awaitable[object]],
        holds: Holds,
        poll_seconds: float,
        since: datetime | None = None,
    ) -> None:
        self._jobs = jobs
        self._intake = intake
        self._recover = recover
        self._holds = holds
        self._poll_seconds = poll_seconds
        self._since = since
        self._recovered = time.monotonic()

    async def known(self, start: Start) -> Known | None:
        """Return what an earlier run left of a job, and open it again where that was a failure."""
        key = start.offer.key
        job = await self._jobs.job(key)
        if job is None or job.state in {State.READY, State.LEASED}:
            return None
        report = await self._jobs.last_report(key)
        answered = report is not None and (_is_answered(job, report) or self._waits(job, report))
        if answered and report is not None:
            if await self._intake.has_bytes(report):
                return await self.outcome(start, job, report)
            if report.artifact is not None:
                await self._jobs.artifact_lost(report.artifact.digest)
        elif report is not None and self._heard(job):
            return await self.outcome(start, job, report)
        await self._jobs.retry(Selection(keys=(key,)))
        return None

    async def end(self, start: Start) -> Known | None:
        """Wait until whoever has a job is done with it or gone; None: it is free again."""
        job = await self._free(start.offer.key)
        if job is None or job.state is State.READY:
            return None
        report = await self._jobs.last_report(start.offer.key)
        return None if report is None else await self.outcome(start, job, report)

    async def outcome(self, start: Start, job: Job, report: Report) -> Known:
        """Return what the end of a job means for whoever wants it."""
        if job.state is not State.DONE:
            held = job.state is State.HELD and bool(job.artifact)
            return Known(report=stopped(job, report), held=held)
        artifact = report.artifact
        if artifact is not None and not start.bootstrap:
            # Its run may have ended before it was published.
            artifact = await self._intake.publish(artifact)
        return Known(report=report, artifact=artifact)

    def _heard(self, job: Job) -> bool:
        """Whether a job failed or was held since the run began."""
        late = self._since is not None and job.changed is not None and job.changed > self._since
        return late and job.state in {State.DONE, State.HELD}

    def _waits(self, job: Job, report: Report) -> bool:
        """Whether a wheel waits for a person, and would have to today."""
        findings = [finding for finding in report.findings if finding.verdict is Verdict.HOLD]
        return job.state is State.HELD and bool(job.artifact) and any(map(self._holds, findings))

    async def _free(self, key: BuildKey) -> Job | None:
        """Return a job as it stands when nobody runs it any more."""
        while (job := await self._jobs.job(key)) is not None and job.state is State.LEASED:
            await asyncio.sleep(self._poll_seconds)
            await self._recover_now_and_then()
        return job

    async def _recover_now_and_then(self) -> None:
        """Look for processes that ended: once for all jobs that are waited for."""
        now = time.monotonic()
        if now - self._recovered >= self._poll_seconds:
            self._recovered = now
            await self._recover()


def _is_answered(job: Job, report: Report) -> bool:
    return job.state is State.DONE and report.outcome in _ANSWERS
