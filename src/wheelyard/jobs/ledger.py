"""What a store does with each event, whatever the store is: load, step, save, act.

Each function is the body of one transaction over a ``Ledger``. The ledger is told what to write and
never decides; so a store in memory and one in a database cannot differ in what they do.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Protocol, assert_never

from wheelyard.jobs.commands import (
    Acknowledge,
    Command,
    Discard,
    Grant,
    Hold,
    Prolong,
    Publish,
    Record,
    Refuse,
    Requeue,
    Stop,
    Withdraw,
)
from wheelyard.jobs.events import (
    ArtifactLost,
    Event,
    Finished,
    Leased,
    LeaseExpired,
    OwnerGone,
    Retried,
)
from wheelyard.jobs.job import Job, State
from wheelyard.jobs.machine import step
from wheelyard.model.artifact import Artifact
from wheelyard.model.job import BuildKey, Offer, Outcome, Report, Verdict


class Ledger(Protocol):
    """Jobs, attempts and wheels inside one transaction."""

    def load(self, key: BuildKey) -> Job | None:
        """Return a job as it stands."""
        ...

    def save(self, job: Job) -> None:
        """Write a job, new or not."""
        ...

    def open_attempt(self, job: Job, now: datetime) -> None:
        """Begin the attempt that the job's number, fence and builder name."""
        ...

    def close_attempt(self, key: BuildKey, record: Record, report: Report, now: datetime) -> None:
        """End an attempt with its report."""
        ...

    def keep(self, artifact: Artifact, *, counts: bool) -> None:
        """Remember a wheel; ``counts``: as what its job built."""
        ...

    def count(self, key: BuildKey, digest: str, *, counts: bool) -> None:
        """Let a wheel count as what its job built, or no longer; what does not count is not published."""
        ...


def fingerprint(report: Report) -> str:
    """Name a report, so that the same one delivered again is known."""
    artifact = report.artifact.digest if report.artifact else ""
    parts = (
        *(report.outcome, artifact, report.log_digest, report.reason, report.detail),
        *(repr(report.wall_seconds), repr(report.cpu_seconds), *report.needs),
    )
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def lease(ledger: Ledger, offer: Offer, event: Leased, now: datetime) -> tuple[Job, Grant | Refuse]:
    """Take the right to run a job, creating it where it is new and giving a lapsed lease back first."""
    job = ledger.load(offer.key) or Job(
        key=offer.key, release=offer.release, target=offer.target, uploaded=offer.source.uploaded
    )
    if job.lapsed(now):
        job, _ = apply(ledger, job, LeaseExpired(), now)
    job, commands = apply(ledger, job, event, now)
    answer = next(command for command in commands if isinstance(command, Grant | Refuse))
    return job, answer


def tell(ledger: Ledger, key: BuildKey, event: Event, now: datetime) -> bool:
    """Tell a job what happened; False where there is no such job or it did not follow."""
    job = ledger.load(key)
    return job is not None and _followed(apply(ledger, job, event, now)[1])


def finish(ledger: Ledger, key: BuildKey, fence: int, report: Report, now: datetime) -> Job | None:
    """Record how an attempt ended and return how its job stands then; None where its lease was lost."""
    job = ledger.load(key)
    if job is None:
        return None
    event = Finished(
        fence=fence,
        outcome=report.outcome,
        fingerprint=fingerprint(report),
        reason=report.reason,
        artifact=report.artifact.digest if report.artifact else "",
        hold=_hold(report),
        limited=report.limited,
    )
    after, commands = apply(ledger, job, event, now, report)
    return after if _followed(commands) else None


def expire(ledger: Ledger, jobs: Iterable[Job], now: datetime) -> int:
    """Take back every lease that is over; return how many there were."""
    return _count(ledger, jobs, LeaseExpired(), now)


def release(ledger: Ledger, jobs: Iterable[Job], builder: str, now: datetime) -> int:
    """Give back the leases of a builder that is gone; return how many there were."""
    return _count(ledger, jobs, OwnerGone(builder=builder), now)


def retry(ledger: Ledger, jobs: Iterable[Job], now: datetime, *, preview: bool) -> tuple[Job, ...]:
    """Try again what did not end well; return the jobs as they stood before."""
    revived = []
    for job in jobs:
        _, commands = step(job, Retried(), now)
        if _followed(commands):
            revived.append(job)
            if not preview:
                apply(ledger, job, Retried(), now)
    return tuple(revived)


def lose(ledger: Ledger, jobs: Iterable[Job], digest: str, now: datetime) -> tuple[BuildKey, ...]:
    """Take back a wheel whose bytes are gone; return the keys of the jobs that had built it."""
    return tuple(
        job.key
        for job in jobs
        if _followed(apply(ledger, job, ArtifactLost(digest=digest), now)[1])
    )


def apply(
    ledger: Ledger, job: Job, event: Event, now: datetime, report: Report | None = None
) -> tuple[Job, tuple[Command, ...]]:
    """Step a job, save it where it changed, and act on the commands that are a store's."""
    after, commands = step(job, event, now)
    if after != job:
        ledger.save(after)
    for command in commands:
        _act(ledger, after, command, now, report)
    return after, commands


def _act(ledger: Ledger, job: Job, command: Command, now: datetime, report: Report | None) -> None:
    match command:
        case Grant():
            ledger.open_attempt(job, now)
        case Record():
            told = report or Report(outcome=command.outcome)
            told = replace(told, outcome=command.outcome, reason=command.reason)
            ledger.close_attempt(job.key, command, told, now)
            if told.artifact is not None and job.artifact:
                ledger.keep(_owned(told.artifact, job, now), counts=_counts(job))
        case Publish():
            # What comes with a report counts since it was kept.
            if report is None:
                ledger.count(job.key, command.digest, counts=True)
        case Withdraw():
            ledger.count(job.key, command.digest, counts=False)
        case Prolong() | Refuse() | Requeue() | Hold() | Stop() | Acknowledge() | Discard():
            # The job says it already, or it is for whoever called the store.
            pass
        case _:
            assert_never(command)


def _counts(job: Job) -> bool:
    """Whether what an attempt just brought is what its job built, and nobody has to look at it before."""
    return job.state is State.DONE and job.outcome is Outcome.BUILT


def _owned(artifact: Artifact, job: Job, now: datetime) -> Artifact:
    """Say of a wheel whose it is, whatever its builder wrote there."""
    return replace(
        artifact,
        build_key=job.key,
        target=artifact.target or job.target,
        created=artifact.created or now,
    )


def _hold(report: Report) -> str:
    held = (finding.message for finding in report.findings if finding.verdict is Verdict.HOLD)
    return "; ".join(held)


def _followed(commands: Iterable[Command]) -> bool:
    return not any(isinstance(command, Refuse | Discard) for command in commands)


def _count(ledger: Ledger, jobs: Iterable[Job], event: Event, now: datetime) -> int:
    return sum(_followed(apply(ledger, job, event, now)[1]) for job in jobs)
