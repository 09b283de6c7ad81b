"""What was said of a job when it was submitted, in the database."""

from dataclasses import asdict, dataclass
from datetime import datetime

from wheelyard.farm_ports import QueuedJob, Terms
from wheelyard.jobs.commands import Grant
from wheelyard.jobs.job import Job, State
from wheelyard.jobs.priority import Worth
from wheelyard.model.job import BuildKey, Offer
from wheelyard.model.request import RequestId
from wheelyard.ports import Lease
from wheelyard.store.database import Connection, Row
from wheelyard.store.moments import to_moment, to_ticks
from wheelyard.store.pool_depths import count_job, keep_needs, read_needs
from wheelyard.store.rows import read_job
from wheelyard.store.texts import read_value, write_value

QUEUED = """
SELECT jobs.*, offers.offer, offers.context, offers.request, pools.needs
FROM jobs JOIN offers ON offers.key = jobs.key JOIN pools ON pools.pool = jobs.pool
"""
_LOCK = f"{QUEUED} WHERE jobs.key = :key AND jobs.open FOR UPDATE OF jobs SKIP LOCKED"
_PLACE = "SELECT pool, owner, rank, submitted, worth FROM jobs WHERE key = :key"
_SET_PLACE = """
UPDATE jobs SET pool = :pool, owner = :owner, rank = :rank, submitted = :submitted,
    worth = :worth,
    open = (state = 'ready' AND not_before IS NULL),
    wake = CASE WHEN state = 'ready' THEN not_before END
WHERE key = :key
"""
_SET_OFFER = """
INSERT INTO offers (key, offer, request, context) VALUES (:key, :offer, :request, :context)
ON CONFLICT (key) DO UPDATE SET offer = excluded.offer, context = excluded.context
"""
_SET_REQUEST = "UPDATE offers SET request = :request WHERE key = :key"
_JOIN = """
INSERT INTO job_requests (key, request, joined) VALUES (:key, :request, :joined)
ON CONFLICT (key, request) DO NOTHING
"""
_ASKED = "SELECT 1 FROM askers WHERE owner = :owner AND project = :project"
_ASK = """
INSERT INTO askers (owner, project) VALUES (:owner, :project) ON CONFLICT (owner, project) DO NOTHING
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """Where a job stands in the queue; ``submitted`` in ticks, ``worth`` what the rank was made of."""

    pool: str
    owner: str
    rank: int
    submitted: int
    worth: str | None


def join(connection: Connection, wanted: QueuedJob, now: datetime, *, anew: bool) -> None:
    """Write down who wants a job and on which terms; ``anew``: whatever was said before is over."""
    job, terms = wanted.job, wanted.terms
    joined = {"key": job.key, "request": terms.request, "joined": to_ticks(now)}
    connection.later(_JOIN, joined)
    asked = {"owner": terms.owner, "project": job.release.project}
    if connection.execute(_ASKED, asked).fetchone() is None:
        connection.later(_ASK, asked)
    kept = connection.execute(_PLACE, {"key": job.key}).fetchone()
    anew = anew or kept["pool"] is None
    if not anew and job.state is not State.READY:
        return
    keep_needs(connection, terms.pool, terms.needs)
    _move(connection, job.key, kept, _place(terms, now, None if anew else kept))
    said = {"key": job.key, "offer": write_value(wanted.offer), "context": terms.context}
    connection.later(_SET_OFFER, {**said, "request": terms.request})
    if anew:
        connection.later(_SET_REQUEST, {"key": job.key, "request": terms.request})


def lock_queued(connection: Connection, key: str) -> Row | None:
    """Keep others from a job that may be chosen until the transaction ends, and return its row; None where one of them has it."""
    row: Row | None = connection.execute(_LOCK, {"key": key}).fetchone()
    return row


def with_job(row: Row, job: Job, grant: Grant) -> tuple[QueuedJob, Lease]:
    """Return a job that was chosen, as it is now, and its lease."""
    lease = Lease(key=job.key, fence=grant.fence, attempt=grant.attempt, expires=grant.expires)
    return _queued(row, job), lease


def read_queued(row: Row) -> QueuedJob:
    """Return what a row of ``QUEUED`` stands for."""
    return _queued(row, read_job(row))


def _queued(row: Row, job: Job) -> QueuedJob:
    return QueuedJob(
        job=job,
        offer=read_value(Offer, row["offer"]),
        terms=Terms(
            owner=row["owner"],
            pool=row["pool"],
            needs=read_needs(row["needs"]),
            rank=row["rank"],
            request=RequestId(row["request"]),
            context=bytes(row["context"]),
            worth=read_value(Worth, row["worth"]) if row["worth"] else None,
        ),
    )


def lease_of(row: Row) -> Lease:
    """Return the lease that the row of a leased job stands for."""
    return Lease(
        key=BuildKey(row["key"]),
        fence=row["fence"],
        attempt=row["attempt"],
        expires=to_moment(row["lease_expires"]),
    )


def _place(terms: Terms, now: datetime, kept: Row | None) -> _Place:
    worth = None if terms.worth is None else write_value(terms.worth)
    if kept is None:
        return _Place(
            pool=terms.pool,
            owner=terms.owner,
            rank=terms.rank,
            submitted=to_ticks(now),
            worth=worth,
        )
    better = terms.rank < kept["rank"]
    return _Place(
        pool=terms.pool,
        owner=kept["owner"],
        rank=terms.rank if better else kept["rank"],
        submitted=kept["submitted"],
        worth=worth if better else kept["worth"],
    )


def _move(connection: Connection, key: BuildKey, kept: Row, place: _Place) -> None:
    moved = (kept["pool"], kept["owner"]) != (place.pool, place.owner)
    if moved:
        count_job(connection, key, -1)
    connection.later(_SET_PLACE, {"key": key, **asdict(place)})
    if moved:
        count_job(connection, key, 1)
