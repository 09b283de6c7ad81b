"""Jobs and attempts in the database: each method is one transaction over ``jobs.ledger``."""

from collections.abc import Iterable, Sequence

from wheelyard.jobs import ledger
from wheelyard.jobs.commands import Grant
from wheelyard.jobs.events import Approved, Cancelled, Event, Held, Leased, Renewed
from wheelyard.jobs.job import Job
from wheelyard.jobs.selection import EVERYTHING, Selection
from wheelyard.model.job import Attempt, BuildKey, Offer, Report
from wheelyard.model.release import ProjectName
from wheelyard.ports import Clock, Lease
from wheelyard.store.database import Connection, Database, Row
from wheelyard.store.ledger import DatabaseLedger
from wheelyard.store.rows import read_attempt, read_job
from wheelyard.store.texts import read_report
from wheelyard.store.where import where_attempts, where_jobs

_JOB = "SELECT * FROM jobs WHERE key = :key"
_LEASED = "SELECT * FROM jobs WHERE state = 'leased'"
_OF_BUILDER = "SELECT * FROM jobs WHERE state = 'leased' AND builder = :builder"
_HOLDERS = "SELECT DISTINCT builder FROM jobs WHERE state = 'leased'"
_OF_ARTIFACT = "SELECT * FROM jobs WHERE artifact = :digest"
_LAST_REPORT = """
SELECT report FROM attempts WHERE key = :key AND report IS NOT NULL ORDER BY number DESC LIMIT 1
"""
_ATTEMPT = "SELECT * FROM attempts WHERE id = :id"
_KEYS = """
SELECT key FROM jobs WHERE key >= :prefix AND key < :beyond ORDER BY key LIMIT :limit
"""
_DURATIONS = """
SELECT project, wall_seconds FROM attempts
WHERE outcome = 'built' AND wall_seconds > 0 AND project = :project ORDER BY id DESC LIMIT 20
"""
# The highest code point: no key that begins with the prefix lies beyond it.
_BEYOND = "\U0010ffff"


class StoredJobs:
    """The ``JobStore`` of a database."""

    def __init__(self, *, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def lease(self, offer: Offer, builder: str, *, seconds: float) -> Lease | None:
        """Take the right to run a job, creating the job where it is new."""
        event = Leased(builder=builder, seconds=seconds)

        def work(connection: Connection) -> Lease | None:
            _, answer = ledger.lease(DatabaseLedger(connection), offer, event, self._clock.now())
            if not isinstance(answer, Grant):
                return None
            return Lease(
                key=offer.key, fence=answer.fence, attempt=answer.attempt, expires=answer.expires
            )

        return await self._database.write(work)

    async def renew(self, key: BuildKey, fence: int, *, seconds: float) -> bool:
        """Prolong a lease; False where it was lost."""
        return await self._tell(key, Renewed(fence=fence, seconds=seconds))

    async def finish(self, key: BuildKey, fence: int, report: Report) -> Job | None:
        """Record how an attempt ended, with its artifact, and return its job; None where the lease was lost."""
        return await self._database.write_together(
            lambda connection: ledger.finish(
                DatabaseLedger(connection), key, fence, report, self._clock.now()
            ),
            locks=key,
        )

    async def release_owner(self, builder: str) -> int:
        """Give back all leases of a builder that is gone; return how many there were."""

        def work(connection: Connection) -> int:
            jobs = _jobs(connection.execute(_OF_BUILDER, {"builder": builder}))
            return ledger.release(DatabaseLedger(connection), jobs, builder, self._clock.now())

        return await self._database.write(work)

    async def expire(self) -> int:
        """Take back every lease that is over; return how many there were."""

        def work(connection: Connection) -> int:
            jobs = _jobs(connection.execute(_LEASED))
            return ledger.expire(DatabaseLedger(connection), jobs, self._clock.now())

        return await self._database.write(work)

    async def holders(self) -> frozenset[str]:
        """Return the builders that have a lease now."""
        return await self._database.read(
            lambda connection: frozenset(row[0] for row in connection.execute(_HOLDERS))
        )

    async def job(self, key: BuildKey) -> Job | None:
        """Return where a job stands."""
        row = await self._database.first(_JOB, {"key": key})
        return None if row is None else read_job(row)

    async def jobs(self, selection: Selection = EVERYTHING, *, limit: int = 1000) -> Sequence[Job]:
        """Return jobs, the last changed first."""
        where = where_jobs(selection)
        return await self._database.read(
            lambda connection: _jobs(
                where.select(connection, "SELECT * FROM jobs", "changed DESC, key", limit)
            )
        )

    async def keys(self, prefix: str, *, limit: int = 10) -> Sequence[BuildKey]:
        """Return the keys of the jobs that begin so, in order."""
        bounds = {"prefix": prefix, "beyond": prefix + _BEYOND, "limit": limit}
        return await self._database.read(
            lambda connection: [BuildKey(row[0]) for row in connection.execute(_KEYS, bounds)]
        )

    async def retry(self, selection: Selection, *, preview: bool = False) -> Sequence[Job]:
        """Try again what did not end well; return those jobs as they stood before."""
        where = where_jobs(selection)

        def work(connection: Connection) -> Sequence[Job]:
            jobs = _jobs(where.select(connection, "SELECT * FROM jobs", "key"))
            now = self._clock.now()
            return ledger.retry(DatabaseLedger(connection), jobs, now, preview=preview)

        return await self._database.write(work)

    async def cancel(self, key: BuildKey, reason: str = "") -> bool:
        """End a job that nobody wants any more; False where it had ended or there is none."""
        return await self._tell(key, Cancelled(reason=reason))

    async def hold(self, key: BuildKey, reason: str) -> bool:
        """Let a job wait for a person; False where it had ended or there is none."""
        return await self._tell(key, Held(reason=reason))

    async def approve(self, key: BuildKey) -> bool:
        """Let a wheel count that was held; False where none waits."""
        return await self._tell(key, Approved())

    async def artifact_lost(self, digest: str) -> Sequence[BuildKey]:
        """Take back a wheel whose bytes are gone; return the keys of the jobs that had built it."""

        def work(connection: Connection) -> Sequence[BuildKey]:
            jobs = _jobs(connection.execute(_OF_ARTIFACT, {"digest": digest}))
            return ledger.lose(DatabaseLedger(connection), jobs, digest, self._clock.now())

        return await self._database.write(work)

    async def last_report(self, key: BuildKey) -> Report | None:
        """Return how the newest finished attempt of a job ended."""
        row = await self._database.first(_LAST_REPORT, {"key": key})
        return None if row is None else read_report(row["report"])

    async def attempts(
        self, *, project: ProjectName | None = None, key: BuildKey | None = None, limit: int = 1000
    ) -> Sequence[Attempt]:
        """Return attempts, newest first."""
        keys = () if key is None else (key,)
        return await self.find_attempts(Selection(project=project, keys=keys), limit=limit)

    async def find_attempts(self, selection: Selection, *, limit: int = 1000) -> Sequence[Attempt]:
        """Return the attempts that a selection means, newest first."""
        where = where_attempts(selection)
        rows = await self._database.read(
            lambda connection: where.select(connection, "SELECT * FROM attempts", "id DESC", limit)
        )
        return [read_attempt(row) for row in rows]

    async def attempt(self, name: str) -> Attempt | None:
        """Return the attempt that is called ``a17`` or ``17``."""
        digits = name.strip().removeprefix("a")
        # SQLite knows no greater number than this.
        if not (digits.isascii() and digits.isdigit()) or int(digits) >= 1 << 63:
            return None
        row = await self._database.read(
            lambda connection: connection.execute(_ATTEMPT, {"id": int(digits)}).fetchone()
        )
        return None if row is None else read_attempt(row)

    async def durations(self, projects: Sequence[ProjectName]) -> dict[ProjectName, float]:
        """Return the median wall seconds of earlier successful attempts, where there are any."""

        def work(connection: Connection) -> dict[ProjectName, float]:
            found = {}
            for project in projects:
                rows = connection.execute(_DURATIONS, {"project": project})
                if values := [row["wall_seconds"] for row in rows]:
                    found[project] = _median(values)
            return found

        return await self._database.read(work)

    async def _tell(self, key: BuildKey, event: Event) -> bool:
        return await self._database.write(
            lambda connection: ledger.tell(
                DatabaseLedger(connection), key, event, self._clock.now()
            )
        )


def _jobs(rows: Iterable[Row]) -> list[Job]:
    return [read_job(row) for row in rows]


def _median(values: list[float]) -> float:
    # Not from ``statistics``, whose import costs more than everything else in this module.
    ordered = sorted(values)
    middle = len(ordered) // 2
    return (ordered[middle] + ordered[~middle]) / 2
