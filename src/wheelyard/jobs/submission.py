"""What becomes of a job when it is submitted, chosen, handed back or lost, whatever keeps the queue.

As in ``jobs.ledger`` each function is the body of one transaction, and no store decides by itself.
"""

from collections.abc import Collection
from datetime import datetime

from wheelyard.jobs import ledger
from wheelyard.jobs.commands import Discard, Grant, Refuse
from wheelyard.jobs.events import Finished, Leased, OwnerGone, Retried
from wheelyard.jobs.job import Job, State
from wheelyard.jobs.ledger import Ledger
from wheelyard.model.job import BuildKey, Offer, Outcome, Report

_ANSWERED = frozenset({Outcome.BUILT, Outcome.NEEDS})


def submit(kept: Ledger, offer: Offer, now: datetime) -> tuple[Job, bool]:
    """Let a job wait for a builder, where it has no answer yet.

    Return how it stands, and whether it waits from now on. What runs, waits already, or waits for a
    person is left as it is.
    """
    job = kept.load(offer.key)
    if job is None:
        job = Job(
            key=offer.key,
            release=offer.release,
            target=offer.target,
            uploaded=offer.source.uploaded,
            changed=now,
        )
        kept.save(job)
        return job, True
    if not _ended_without_answer(job):
        return job, False
    return ledger.apply(kept, job, Retried(), now)[0], True


def passed_over(job: Job, builder: str, others: Collection[str]) -> bool:
    """Whether a builder must not have a job now: it refused it, or lost it while another one could have it."""
    if builder in job.refused_by:
        return True
    if builder not in job.lost_by:
        return False
    return bool({*others} - {*job.lost_by, *job.refused_by, builder})


def choose(kept: Ledger, job: Job, event: Leased, now: datetime) -> tuple[Job, Grant | None]:
    """Take the right to run a job that was chosen; no lease where it cannot be had after all."""
    after, commands = ledger.apply(kept, job, event, now)
    return after, next((one for one in commands if isinstance(one, Grant)), None)


def hand_back(kept: Ledger, key: BuildKey, fence: int, reason: str, now: datetime) -> bool:
    """Take a lease back without a count; False where it was lost."""
    job = kept.load(key)
    if job is None or job.state is not State.LEASED or job.fence != fence:
        return False
    _, commands = ledger.apply(kept, job, OwnerGone(builder=job.builder, reason=reason), now)
    return not any(isinstance(command, Refuse | Discard) for command in commands)


def lose(kept: Ledger, job: Job, now: datetime) -> bool:
    """Take the lease of a builder that is not heard of any more, however much of it is left."""
    if job.state is not State.LEASED:
        return False
    reason = f"{job.builder} was not heard of any more"
    event = Finished(fence=job.fence, outcome=Outcome.LOST, fingerprint="", reason=reason)
    report = Report(outcome=Outcome.LOST, reason=reason)
    ledger.apply(kept, job, event, now, report)
    return True


def _ended_without_answer(job: Job) -> bool:
    """Whether a new request may try a job again."""
    return job.state is State.CANCELLED or (
        job.state is State.DONE and job.outcome not in _ANSWERED
    )
