"""The life of a job.

``step`` is the only place where a job changes state: it takes what happened and answers with the
new job and the commands to carry out. It does neither itself, so that every path through a job's
life can be tested without a builder, a clock or a database.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import assert_never

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
    Approved,
    ArtifactLost,
    Cancelled,
    Event,
    Finished,
    Held,
    Leased,
    LeaseExpired,
    OwnerGone,
    RefusalForgotten,
    Renewed,
    Retried,
)
from wheelyard.jobs.job import Job, State
from wheelyard.jobs.outcomes import conclude
from wheelyard.model.job import Outcome

Answer = tuple[Job, tuple[Command, ...]]


def step(job: Job, event: Event, now: datetime) -> Answer:
    """Say what a job becomes when something happens to it, and what must be done about that."""
    after, commands = _answer(job, event, now)
    return (after if after == job else replace(after, changed=now)), commands


def _answer(job: Job, event: Event, now: datetime) -> Answer:  # noqa: C901 - one arm an event
    match event:
        case Leased():
            return _leased(job, event, now)
        case Renewed():
            return _renewed(job, event, now)
        case Finished():
            return _finished(job, event, now)
        case LeaseExpired():
            return _lease_expired(job, now)
        case OwnerGone():
            return _owner_gone(job, event)
        case Cancelled():
            return _cancelled(job, event)
        case Held():
            return _held(job, event)
        case Approved():
            return _approved(job)
        case Retried():
            return _retried(job)
        case ArtifactLost():
            return _artifact_lost(job, event)
        case RefusalForgotten():
            return _refusal_forgotten(job, event)
        case _:
            assert_never(event)


def _refuse(job: Job, reason: str) -> Answer:
    return job, (Refuse(reason=reason),)


def _leased(job: Job, event: Leased, now: datetime) -> Answer:
    match job.state:
        case State.LEASED:
            return _refuse(job, f"{job.builder} runs it")
        case State.DONE:
            return _refuse(job, f"it is finished: {job.outcome}")
        case State.HELD | State.CANCELLED:
            return _refuse(job, f"it is {job.state}: {job.reason}")
        case State.READY:
            pass
        case _:
            assert_never(job.state)
    if job.not_before is not None and now < job.not_before:
        return _refuse(job, f"it waits until {job.not_before.isoformat()}")
    if event.builder in job.refused_by:
        return _refuse(job, f"{event.builder} refused it before")
    expires = now + timedelta(seconds=event.seconds)
    after = replace(
        job,
        state=State.LEASED,
        fence=job.fence + 1,
        attempt=job.attempt + 1,
        builder=event.builder,
        lease_expires=expires,
        not_before=None,
        outcome=None,
        accepted="",
    )
    return after, (Grant(fence=after.fence, attempt=after.attempt, expires=expires),)


def _renewed(job: Job, event: Renewed, now: datetime) -> Answer:
    if job.state is not State.LEASED or event.fence != job.fence:
        return _refuse(job, "the lease was lost")
    expires = now + timedelta(seconds=event.seconds)
    return replace(job, lease_expires=expires), (Prolong(expires=expires),)


def _finished(job: Job, event: Finished, now: datetime) -> Answer:
    """Take a report in, once. A lease that is over but that nobody else took is still the holder's."""
    if event.fence == job.fence and job.accepted and event.fingerprint == job.accepted:
        return job, (Acknowledge(),)
    if job.state is not State.LEASED or event.fence != job.fence:
        return job, (Discard(reason=f"fence {event.fence} is not the holder's any more"),)
    return conclude(replace(job, accepted=event.fingerprint), event, now)


def _lease_expired(job: Job, now: datetime) -> Answer:
    if not job.lapsed(now):
        return _refuse(job, "no lease of it is over")
    lost = Finished(
        fence=job.fence,
        outcome=Outcome.LOST,
        fingerprint="",
        reason=f"{job.builder} was not heard of any more",
    )
    return conclude(job, lost, now)


def _owner_gone(job: Job, event: OwnerGone) -> Answer:
    """Give a lease back without a count: a process that was stopped says nothing about the package."""
    if job.holder != event.builder:
        return _refuse(job, f"{event.builder} does not run it")
    record = Record(
        attempt=job.attempt,
        outcome=Outcome.LOST,
        counted=False,
        reason=event.reason,
    )
    after = replace(job, state=State.READY, lease_expires=None, not_before=None)
    return after, (record, Requeue(after_seconds=0, size=job.size))


def _interrupt(job: Job) -> tuple[Command, ...]:
    """Close what runs, where something runs; its report will find its fence without a lease."""
    if job.state is not State.LEASED:
        return ()
    record = Record(attempt=job.attempt, outcome=Outcome.CANCELLED, counted=False)
    return record, Stop(builder=job.builder, fence=job.fence)


def _cancelled(job: Job, event: Cancelled) -> Answer:
    if job.state in {State.DONE, State.CANCELLED}:
        return _refuse(job, f"it is {job.state} already")
    after = replace(
        job,
        state=State.CANCELLED,
        outcome=Outcome.CANCELLED,
        reason=event.reason,
        lease_expires=None,
        not_before=None,
    )
    return after, _interrupt(job)


def _held(job: Job, event: Held) -> Answer:
    if job.state not in {State.READY, State.LEASED}:
        return _refuse(job, f"it is {job.state} already")
    after = replace(
        job, state=State.HELD, reason=event.reason, lease_expires=None, not_before=None, artifact=""
    )
    return after, (*_interrupt(job), Hold(reason=event.reason))


def _approved(job: Job) -> Answer:
    if job.state is not State.HELD or not job.artifact:
        return _refuse(job, "it has no wheel that waits to be looked at")
    after = replace(job, state=State.DONE, outcome=Outcome.BUILT)
    return after, (Publish(digest=job.artifact),)


def _retried(job: Job) -> Answer:
    match job.state:
        case State.LEASED:
            return _refuse(job, f"{job.builder} runs it")
        case State.DONE if job.outcome in {Outcome.BUILT, Outcome.NEEDS}:
            return _refuse(job, "its answer is known")
        case State.READY | State.DONE | State.HELD | State.CANCELLED:
            return _anew(job), (Requeue(after_seconds=0),)
        case _:
            assert_never(job.state)


def _artifact_lost(job: Job, event: ArtifactLost) -> Answer:
    if not job.artifact or job.artifact != event.digest:
        return _refuse(job, f"{event.digest} is not what it built")
    withdraw = Withdraw(digest=event.digest)
    match job.state:
        case State.DONE | State.HELD:
            return _anew(job), (withdraw, Requeue(after_seconds=0))
        case State.READY | State.LEASED | State.CANCELLED:
            return replace(job, artifact=""), (withdraw,)
        case _:
            assert_never(job.state)


def _refusal_forgotten(job: Job, event: RefusalForgotten) -> Answer:
    if event.builder not in job.refused_by:
        return _refuse(job, f"{event.builder} did not refuse it")
    rest = tuple(name for name in job.refused_by if name != event.builder)
    return replace(job, refused_by=rest), ()


def _anew(job: Job) -> Job:
    """Forget what was met before, but no number: fences and attempts only grow."""
    return replace(
        job,
        state=State.READY,
        counts=(),
        lost_by=(),
        refused_by=(),
        not_before=None,
        outcome=None,
        artifact="",
    )
