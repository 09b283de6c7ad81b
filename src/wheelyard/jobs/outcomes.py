"""What follows when an attempt ends: the end of the job, another try, or a person's look.

Part of the machine: only ``jobs.machine`` calls ``conclude``.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import assert_never

from wheelyard.jobs.commands import Command, Hold, Publish, Record, Requeue
from wheelyard.jobs.events import Finished
from wheelyard.jobs.job import Job, State
from wheelyard.jobs.retry import (
    COUNTED,
    INFRASTRUCTURE_BACK_OFF,
    INFRASTRUCTURE_CAP,
    LOST_CAP,
    RESOURCES_BACK_OFF,
    RESOURCES_CAP,
    UPSTREAM_BACK_OFF,
    UPSTREAM_GRACE,
)
from wheelyard.model.job import Outcome

_Answer = tuple[Job, tuple[Command, ...]]


def conclude(job: Job, event: Finished, now: datetime) -> _Answer:
    """Close the attempt of a leased job and say what follows from how it ended."""
    event = _judged(job, event, now)
    closed = replace(
        job,
        lease_expires=None,
        not_before=None,
        counts=_raised(job, event.outcome),
        reason=event.reason,
        artifact="",
    )
    record = Record(
        attempt=job.attempt,
        outcome=event.outcome,
        counted=event.outcome in COUNTED,
        reason=event.reason,
    )
    after, commands = _follow(closed, event, now)
    return after, (record, *commands)


def _judged(job: Job, event: Finished, now: datetime) -> Finished:
    """Give an outcome its true name where the builder could not know it."""
    if event.outcome is Outcome.BUILT and not event.artifact:
        # A success without a file is nothing; what lost the file is on our side.
        reason = "it was reported as built, but without a wheel"
        return replace(event, outcome=Outcome.INFRASTRUCTURE, reason=reason)
    if event.outcome is Outcome.UPSTREAM and not _fresh(job, now):
        return replace(event, outcome=Outcome.FAILED)
    return event


def _fresh(job: Job, now: datetime) -> bool:
    """Say whether what is missing may still be on its way from upstream."""
    # Both ways, because an upload that seems to lie far ahead says that a clock is wrong.
    return job.uploaded is not None and abs(now - job.uploaded) <= UPSTREAM_GRACE


def _raised(job: Job, outcome: Outcome) -> tuple[tuple[Outcome, int], ...]:
    return tuple(sorted({**dict(job.counts), outcome: job.count(outcome) + 1}.items()))


def _follow(job: Job, event: Finished, now: datetime) -> _Answer:
    match event.outcome:
        case Outcome.BUILT:
            return _built(job, event)
        case Outcome.NEEDS | Outcome.FAILED | Outcome.TIMED_OUT | Outcome.OVER_LIMIT:
            return _done(job, event.outcome)
        case Outcome.RESOURCES:
            # The same limit would stop it again, and an offer to anybody else names the same.
            if event.limited or job.count(Outcome.RESOURCES) >= RESOURCES_CAP:
                return _done(job, Outcome.RESOURCES)
            return _again(job, RESOURCES_BACK_OFF.seconds(job.count(Outcome.RESOURCES)), now)
        case Outcome.UPSTREAM:
            return _again(job, UPSTREAM_BACK_OFF.seconds(job.count(Outcome.UPSTREAM)), now)
        case Outcome.INFRASTRUCTURE:
            return _infrastructure(job, now)
        case Outcome.LOST:
            return _lost(job, now)
        case Outcome.REFUSED:
            refused_by = tuple(sorted({*job.refused_by, job.builder}))
            return _again(replace(job, refused_by=refused_by), 0, now)
        case Outcome.CANCELLED:
            return replace(job, state=State.CANCELLED, outcome=Outcome.CANCELLED), ()
        case _:
            assert_never(event.outcome)


def _built(job: Job, event: Finished) -> _Answer:
    kept = replace(job, artifact=event.artifact)
    if event.hold:
        return _hold(kept, Outcome.BUILT, event.hold)
    return replace(kept, state=State.DONE, outcome=Outcome.BUILT), (Publish(digest=event.artifact),)


def _infrastructure(job: Job, now: datetime) -> _Answer:
    met = job.count(Outcome.INFRASTRUCTURE)
    if met >= INFRASTRUCTURE_CAP:
        return _hold(job, Outcome.INFRASTRUCTURE, f"the farm failed it {met} times: {job.reason}")
    return _again(job, INFRASTRUCTURE_BACK_OFF.seconds(met), now)


def _lost(job: Job, now: datetime) -> _Answer:
    after = replace(job, lost_by=(*job.lost_by, job.builder))
    if after.count(Outcome.LOST) >= LOST_CAP:
        return _hold(after, Outcome.LOST, f"its builders were lost: {', '.join(after.lost_by)}")
    return _again(after, 0, now)


def _done(job: Job, outcome: Outcome) -> _Answer:
    return replace(job, state=State.DONE, outcome=outcome), ()


def _hold(job: Job, outcome: Outcome, reason: str) -> _Answer:
    return replace(job, state=State.HELD, outcome=outcome, reason=reason), (Hold(reason=reason),)


def _again(job: Job, seconds: float, now: datetime) -> _Answer:
    not_before = now + timedelta(seconds=seconds) if seconds else None
    after = replace(job, state=State.READY, not_before=not_before)
    return after, (Requeue(after_seconds=seconds, size=job.size),)
