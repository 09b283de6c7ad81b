"""Jobs and attempts in dictionaries, by the same ledger as every other store."""

import statistics
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from wheelyard.jobs import ledger
from wheelyard.jobs.commands import Grant, Record
from wheelyard.jobs.events import Approved, Cancelled, Held, Leased, Renewed
from wheelyard.jobs.job import Job, State
from wheelyard.jobs.selection import EVERYTHING, Selection
from wheelyard.model.artifact import Artifact
from wheelyard.model.job import Attempt, BuildKey, Offer, Outcome, Report
from wheelyard.model.release import ProjectName
from wheelyard.ports import Clock, Lease
from wheelyard.testing.artifacts import MemoryArtifactStore
from wheelyard.testing.clock import FixedClock


class _MemoryLedger:
    """The ledger of ``jobs.ledger`` over dictionaries."""

    def __init__(self, artifacts: MemoryArtifactStore) -> None:
        self.jobs: dict[BuildKey, Job] = {}
        self.attempts: list[Attempt] = []
        self._artifacts = artifacts

    def load(self, key: BuildKey) -> Job | None:
        return self.jobs.get(key)

    def save(self, job: Job) -> None:
        self.jobs[job.key] = job

    def open_attempt(self, job: Job, now: datetime) -> None:
        self.attempts.append(
            Attempt(
                id=len(self.attempts) + 1,
                key=job.key,
                number=job.attempt,
                release=job.release,
                target=job.target,
                builder=job.builder,
                started=now,
                finished=None,
                report=None,
            )
        )

    def close_attempt(self, key: BuildKey, record: Record, report: Report, now: datetime) -> None:
        for position, attempt in enumerate(self.attempts):
            if (attempt.key, attempt.number) == (key, record.attempt):
                self.attempts[position] = replace(attempt, finished=now, report=report)

    def keep(self, artifact: Artifact, *, counts: bool) -> None:
        self._artifacts.keep(artifact)
        if counts:
            self._artifacts.count(BuildKey(artifact.build_key), artifact.digest, counts=True)

    def count(self, key: BuildKey, digest: str, *, counts: bool) -> None:
        self._artifacts.count(key, digest, counts=counts)


class MemoryJobStore:
    """The ``JobStore`` port in memory; what is built goes into ``artifacts``."""

    def __init__(
        self, *, clock: Clock | None = None, artifacts: MemoryArtifactStore | None = None
    ) -> None:
        self.clock = clock or FixedClock()
        self.artifacts = artifacts or MemoryArtifactStore(clock=self.clock)
        self.ledger = _MemoryLedger(self.artifacts)

    async def lease(self, offer: Offer, builder: str, *, seconds: float) -> Lease | None:
        """Take the right to run a job, creating the job where it is new."""
        event = Leased(builder=builder, seconds=seconds)
        _, answer = ledger.lease(self.ledger, offer, event, self.clock.now())
        if not isinstance(answer, Grant):
            return None
        return Lease(
            key=offer.key, fence=answer.fence, attempt=answer.attempt, expires=answer.expires
        )

    async def renew(self, key: BuildKey, fence: int, *, seconds: float) -> bool:
        """Prolong a lease; False where it was lost."""
        event = Renewed(fence=fence, seconds=seconds)
        return ledger.tell(self.ledger, key, event, self.clock.now())

    async def finish(self, key: BuildKey, fence: int, report: Report) -> Job | None:
        """Record how an attempt ended, with its artifact, and return its job; None where the lease was lost."""
        return ledger.finish(self.ledger, key, fence, report, self.clock.now())

    async def release_owner(self, builder: str) -> int:
        """Give back all leases of a builder that is gone; return how many there were."""
        jobs = [job for job in self.ledger.jobs.values() if job.holder == builder]
        return ledger.release(self.ledger, jobs, builder, self.clock.now())

    async def expire(self) -> int:
        """Take back every lease that is over; return how many there were."""
        return ledger.expire(self.ledger, list(self.ledger.jobs.values()), self.clock.now())

    async def holders(self) -> frozenset[str]:
        """Return the builders that have a lease now."""
        jobs = self.ledger.jobs.values()
        return frozenset(job.builder for job in jobs if job.state is State.LEASED)

    async def job(self, key: BuildKey) -> Job | None:
        """Return where a job stands."""
        return self.ledger.load(key)

    async def jobs(self, selection: Selection = EVERYTHING, *, limit: int = 1000) -> Sequence[Job]:
        """Return jobs, the last changed first."""
        found = sorted(filter(selection.wants, self.ledger.jobs.values()), key=lambda j: j.key)
        oldest = datetime.min.replace(tzinfo=self.clock.now().tzinfo)
        found.sort(key=lambda job: job.changed or oldest, reverse=True)
        return found[:limit]

    async def keys(self, prefix: str, *, limit: int = 10) -> Sequence[BuildKey]:
        """Return the keys of the jobs that begin so, in order."""
        return sorted(key for key in self.ledger.jobs if key.startswith(prefix))[:limit]

    async def retry(self, selection: Selection, *, preview: bool = False) -> Sequence[Job]:
        """Try again what did not end well; return those jobs as they stood before."""
        jobs = sorted(filter(selection.wants, self.ledger.jobs.values()), key=lambda j: j.key)
        return ledger.retry(self.ledger, jobs, self.clock.now(), preview=preview)

    async def cancel(self, key: BuildKey, reason: str = "") -> bool:
        """End a job that nobody wants any more; False where it had ended or there is none."""
        return ledger.tell(self.ledger, key, Cancelled(reason=reason), self.clock.now())

    async def hold(self, key: BuildKey, reason: str) -> bool:
        """Let a job wait for a person; False where it had ended or there is none."""
        return ledger.tell(self.ledger, key, Held(reason=reason), self.clock.now())

    async def approve(self, key: BuildKey) -> bool:
        """Let a wheel count that was held; False where none waits."""
        return ledger.tell(self.ledger, key, Approved(), self.clock.now())

    async def artifact_lost(self, digest: str) -> Sequence[BuildKey]:
        """Take back a wheel whose bytes are gone; return the keys of the jobs that had built it."""
        jobs = [job for job in self.ledger.jobs.values() if job.artifact == digest]
        return ledger.lose(self.ledger, jobs, digest, self.clock.now())

    async def last_report(self, key: BuildKey) -> Report | None:
        """Return how the newest finished attempt of a job ended."""
        reports = [a.report for a in await self.attempts(key=key) if a.report is not None]
        return reports[0] if reports else None

    async def attempts(
        self, *, project: ProjectName | None = None, key: BuildKey | None = None, limit: int = 1000
    ) -> Sequence[Attempt]:
        """Return attempts, newest first."""
        keys = () if key is None else (key,)
        return await self.find_attempts(Selection(project=project, keys=keys), limit=limit)

    async def find_attempts(self, selection: Selection, *, limit: int = 1000) -> Sequence[Attempt]:
        """Return the attempts that a selection means, newest first."""
        return list(filter(selection.wants_attempt, reversed(self.ledger.attempts)))[:limit]

    async def attempt(self, name: str) -> Attempt | None:
        """Return the attempt that is called ``a17`` or ``17``."""
        called = name.strip().removeprefix("a")
        return next((a for a in self.ledger.attempts if str(a.id) == called), None)

    async def durations(self, projects: Sequence[ProjectName]) -> dict[ProjectName, float]:
        """Return the median wall seconds of earlier successful attempts, where there are any."""
        seconds: dict[ProjectName, list[float]] = {}
        for attempt in self.ledger.attempts:
            report = attempt.report
            if report is not None and report.outcome is Outcome.BUILT and report.wall_seconds > 0:
                seconds.setdefault(attempt.release.project, []).append(report.wall_seconds)
        return {
            project: statistics.median(values)
            for project, values in seconds.items()
            if project in projects
        }
