"""What the place of a waiting job is made of, and when it is likely to begin."""

import statistics
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from wheelyard.farm_ports import QueuedJob
from wheelyard.jobs.needs import Needs, meets
from wheelyard.jobs.priority import rank, terms
from wheelyard.jobs.selection import Selection
from wheelyard.jobs.waiting import Standing
from wheelyard.model.builder import Mode
from wheelyard.model.job import Attempt, Outcome
from wheelyard.web.ports import Jobs

_LOOKED_AT = 50
_BOOST = "put ahead by hand"
_AGE = "age"


def terms_of(queued: QueuedJob, now: datetime) -> Mapping[str, float]:
    """Say what speaks for a job, each in seconds of waiting; empty where nobody said.

    Their sum is by how much it is ahead of a job of no priority, wanted by nothing, that is submitted now.
    """
    worth = queued.terms.worth
    if worth is None:
        return {}
    said = {one.name: one.seconds for one in terms(worth)}
    said[_AGE] = max(0.0, (now - worth.submitted).total_seconds())
    moved = (rank(worth) - queued.terms.rank) / 1000
    return {**said, _BOOST: moved} if moved else said


async def usual_seconds(jobs: Jobs) -> float | None:
    """Return how long builds took lately, in the middle; None where there were none."""
    found = await jobs.find_attempts(Selection(outcome=Outcome.BUILT), limit=_LOOKED_AT)
    took = [one.report.wall_seconds for one in found if _says_its_time(one) and one.report]
    return statistics.median(took) if took else None


def _says_its_time(attempt: Attempt) -> bool:
    return attempt.report is not None and attempt.report.wall_seconds > 0


def begins(
    queued: QueuedJob,
    standings: Sequence[Standing],
    now: datetime,
    *,
    ahead: int,
    seconds: float | None,
) -> datetime | None:
    """Estimate when a job begins that has ``ahead`` others before it; None where nobody can say.

    As if every slot that can run it took one job of the usual length after the other, and nothing came
    in between: other pools share the builders, so it is the earliest likely moment.
    """
    earliest = max(now, queued.job.not_before or now)
    needs = Needs.of(queued.terms.needs)
    able = [one for one in standings if _can(one, needs, queued)]
    slots = sum(max(one.builder.facts.slots, one.free) for one in able)
    if not slots:
        return None
    free = sum(one.free for one in able)
    if ahead < free:
        return earliest
    if seconds is None:
        return None
    rounds = (ahead - free) // slots + 1
    return max(earliest, now + timedelta(seconds=rounds * seconds))


def _can(one: Standing, needs: Needs, queued: QueuedJob) -> bool:
    builder = one.builder
    return (
        one.present
        and one.accepting
        and builder.mode is Mode.ACTIVE
        and builder.name not in queued.job.refused_by
        and meets(dict(builder.facts.values), needs)
    )
