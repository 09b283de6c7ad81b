"""The queue of a farm in the database.

Jobs that may be chosen lie in one partial index, by pool, owner and rank: choosing one is a walk along
it, and jobs of other pools or owners are never met. How many wait is counted where their state
changes (``pool_depths``), never by looking at them.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from itertools import chain, islice
from typing import TypeVar

from wheelyard.farm_ports import PoolDepth, QueuedJob, Terms
from wheelyard.jobs import ledger, submission
from wheelyard.jobs.events import Leased, RefusalForgotten, Renewed
from wheelyard.jobs.job import Job
from wheelyard.jobs.selection import Selection
from wheelyard.model.job import BuildKey, Offer
from wheelyard.model.request import RequestId
from wheelyard.ports import Clock, Lease
from wheelyard.store import pool_depths
from wheelyard.store.database import Connection, Database, Row
from wheelyard.store.ledger import DatabaseLedger
from wheelyard.store.moments import to_moment, to_ticks
from wheelyard.store.order import in_order, walk_owner
from wheelyard.store.rows import read_job
from wheelyard.store.submitted import QUEUED, join, lease_of, lock_queued, read_queued, with_job
from wheelyard.store.where import where_jobs

T = TypeVar("T")

_QUEUED = f"{QUEUED} WHERE jobs.key = :key"
_ALL_LEASED = f"{QUEUED} WHERE jobs.state = 'leased' ORDER BY jobs.key"
_ASLEEP = """
SELECT key FROM jobs WHERE wake IS NOT NULL AND pool = :pool
ORDER BY rank, submitted, key LIMIT :limit
"""
_NEXT_WAKE = "SELECT MIN(wake) AS wake FROM jobs WHERE wake IS NOT NULL"
_WAKE = "UPDATE jobs SET open = TRUE, wake = NULL WHERE wake IS NOT NULL AND wake <= :now"
_RANK = "UPDATE jobs SET rank = rank + :by"
# Written so that no engine walks along all that waits, in the index of states.
_WAITS = "state || '' = 'ready'"
_REQUESTS = "SELECT request FROM job_requests WHERE key = :key ORDER BY joined, request"
_OF_BUILDER = """
SELECT * FROM jobs WHERE state = 'leased' AND builder = :builder ORDER BY key FOR UPDATE
"""
_REFUSED = """
SELECT * FROM jobs WHERE state = 'ready' AND refused_by <> '[]' ORDER BY key FOR UPDATE
"""


class StoredQueue:
    """The ``Queue`` of a database."""

    def __init__(self, *, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def submit(self, offer: Offer, terms: Terms) -> Job:
        """Put a job into the queue, or join it where it is there; return how it stands."""

        def work(connection: Connection) -> Job:
            now = self._clock.now()
            job, anew = submission.submit(DatabaseLedger(connection), offer, now)
            join(connection, QueuedJob(job=job, offer=offer, terms=terms), now, anew=anew)
            return job

        return await self._database.write(work)

    async def lease_next(
        self,
        pools: Mapping[str, Collection[str]],
        builder: str,
        *,
        owners: Sequence[str],
        count: int,
        seconds: float,
    ) -> Sequence[tuple[QueuedJob, Lease]]:
        """Choose the best jobs of some pools for a builder and take their leases for it."""
        event = Leased(builder=builder, seconds=seconds)

        def work(connection: Connection) -> Sequence[tuple[QueuedJob, Lease]]:
            kept, now = DatabaseLedger(connection), self._clock.now()

            def take(job: Job) -> tuple[QueuedJob, Lease] | None:
                row = lock_queued(connection, job.key)
                if row is None:
                    return None
                after, grant = submission.choose(kept, kept.loaded(row), event, now)
                return None if grant is None else with_job(row, after, grant)

            walks = (
                walk_owner(connection, pools, owner, hint=count) for owner in dict.fromkeys(owners)
            )
            return _choose(chain.from_iterable(walks), pools, builder, take, count)

        return await self._database.write(work)

    async def open_pools(self) -> Sequence[PoolDepth]:
        """Return every pool in which something waits or runs."""
        found, many = await self._database.read(pool_depths.depths)
        if many:
            await self._database.write(pool_depths.draw_together)
        return found

    async def waiting(self, pool: str, *, limit: int = 100) -> Sequence[QueuedJob]:
        """Return the jobs of a pool that wait, in the order in which they will be leased.

        Those whose time has not come yet are the last.
        """

        def work(connection: Connection) -> Sequence[QueuedJob]:
            keys = _ordered(connection, pool, limit)
            rows = [connection.execute(_QUEUED, {"key": key}).fetchone() for key in keys]
            return [read_queued(row) for row in rows]

        return await self._database.read(work)

    async def order(self, pool: str, *, limit: int = 100) -> Sequence[BuildKey]:
        """Return the keys of the same jobs, without reading what is known of them."""
        return await self._database.read(lambda connection: _ordered(connection, pool, limit))

    async def queued(self, key: BuildKey) -> QueuedJob | None:
        """Return a job with what was said when it was submitted."""
        row = await self._database.first(_QUEUED, {"key": key})
        return None if row is None else read_queued(row)

    async def wake(self) -> datetime | None:
        """Let jobs whose waiting is over be chosen; return when the next one will be."""
        now = to_ticks(self._clock.now())

        def look(connection: Connection) -> int | None:
            ticks: int | None = connection.execute(_NEXT_WAKE).fetchone()["wake"]
            return ticks

        def work(connection: Connection) -> int | None:
            connection.execute(_WAKE, {"now": now})
            return look(connection)

        # Mostly there is nothing to wake, and then nobody is kept from writing.
        ticks = await self._database.read(look)
        if ticks is not None and ticks <= now:
            ticks = await self._database.write(work)
        return to_moment(ticks)

    async def rank_again(self, selection: Selection, *, by: int) -> int:
        """Move jobs that wait ahead (negative) or back; only their rows are touched. Return how many."""
        where = where_jobs(selection)
        where.fixed(_WAITS)
        where.fixed("pool IS NOT NULL")
        return await self._database.write(
            lambda connection: where.change(connection, _RANK, {"by": by})
        )

    async def requests_of(self, key: BuildKey) -> Sequence[RequestId]:
        """Return who wants a job."""
        rows = await self._database.read(
            lambda connection: connection.execute(_REQUESTS, {"key": key}).fetchall()
        )
        return tuple(RequestId(row["request"]) for row in rows)

    async def hand_back(self, key: BuildKey, fence: int, reason: str) -> bool:
        """Take a lease back that its builder gives up, without a count; False where it was lost."""
        return await self._database.write(
            lambda connection: submission.hand_back(
                DatabaseLedger(connection), key, fence, reason, self._clock.now()
            )
        )

    async def leased(self) -> Sequence[tuple[QueuedJob, Lease]]:
        """Return every job that a builder runs now."""
        rows = await self._database.read(
            lambda connection: connection.execute(_ALL_LEASED).fetchall()
        )
        return [(read_queued(row), lease_of(row)) for row in rows]

    async def renew_all(
        self, leases: Sequence[tuple[BuildKey, int]], *, seconds: float
    ) -> Sequence[tuple[BuildKey, int]]:
        """Prolong many leases at once; return those that were lost."""

        def work(connection: Connection) -> Sequence[tuple[BuildKey, int]]:
            kept, now = DatabaseLedger(connection), self._clock.now()
            # In one order, so that two who renew the same leases wait for each other at most once.
            lost = {
                (key, fence)
                for key, fence in sorted(leases)
                if not ledger.tell(kept, key, Renewed(fence=fence, seconds=seconds), now)
            }
            return [lease for lease in leases if lease in lost]

        return await self._database.write(work) if leases else []

    async def expire_of(self, builder: str) -> Sequence[BuildKey]:
        """Take all leases of a builder that is not heard of any more, as LOST; return whose."""

        def work(connection: Connection) -> Sequence[BuildKey]:
            kept, now = DatabaseLedger(connection), self._clock.now()
            rows = connection.execute(_OF_BUILDER, {"builder": builder}).fetchall()
            return [job.key for job in map(read_job, rows) if submission.lose(kept, job, now)]

        return await self._database.write(work)

    async def forget_refusals(self, builder: str) -> Sequence[BuildKey]:
        """Let a builder be offered again what it refused."""
        event = RefusalForgotten(builder=builder)

        def work(connection: Connection) -> Sequence[BuildKey]:
            kept, now = DatabaseLedger(connection), self._clock.now()
            keys = [job.key for job in map(read_job, connection.execute(_REFUSED))]
            return [key for key in keys if ledger.tell(kept, key, event, now)]

        return await self._database.write(work)


def _ordered(connection: Connection, pool: str, limit: int) -> Sequence[BuildKey]:
    owners = pool_depths.owners_of(connection, pool)
    keys = [BuildKey(row["key"]) for row in in_order(connection, pool, owners, limit)]
    names = {"pool": pool, "limit": limit - len(keys)}
    return keys + [BuildKey(row["key"]) for row in connection.execute(_ASLEEP, names)]


def _choose(
    rows: Iterable[Row],
    pools: Mapping[str, Collection[str]],
    builder: str,
    take: Callable[[Job], T | None],
    count: int,
) -> Sequence[T]:
    """Take the first jobs that a builder may have; return what was taken."""
    may_have = (
        job
        for row in rows
        if not submission.passed_over(job := read_job(row), builder, pools[row["pool"]])
    )
    taken = (found for found in map(take, may_have) if found is not None)
    return list(islice(taken, count))
