"""The ledger of ``jobs.ledger`` over one transaction of the database."""

from datetime import datetime

from wheelyard.jobs.cells import state_word
from wheelyard.jobs.commands import Record
from wheelyard.jobs.job import Job
from wheelyard.model.artifact import Artifact
from wheelyard.model.job import BuildKey, Report
from wheelyard.store.cells import keep_cell
from wheelyard.store.database import Connection, Row
from wheelyard.store.moments import to_ticks
from wheelyard.store.projects import note_changes
from wheelyard.store.rows import artifact_row, attempt_row, job_row, read_job
from wheelyard.store.texts import write_report

_LOAD = "SELECT * FROM jobs WHERE key = :key FOR UPDATE"

# What a job counts for in its pool, before it has another state.
_COUNT_STATE = """
INSERT INTO pool_changes (pool, owner, waiting, running)
SELECT pool, owner,
    CASE WHEN :state = 'ready' THEN 1 ELSE 0 END - CASE WHEN state = 'ready' THEN 1 ELSE 0 END,
    CASE WHEN :state = 'leased' THEN 1 ELSE 0 END - CASE WHEN state = 'leased' THEN 1 ELSE 0 END
FROM jobs WHERE key = :key AND pool IS NOT NULL AND state <> :state
"""

_SAVE = """
INSERT INTO jobs (
    key, project, version, target, uploaded, state, fence, attempt, builder, lease_expires,
    not_before, counts, lost_by, refused_by, outcome, reason, accepted, artifact, changed
) VALUES (
    :key, :project, :version, :target, :uploaded, :state, :fence, :attempt, :builder, :lease_expires,
    :not_before, :counts, :lost_by, :refused_by, :outcome, :reason, :accepted, :artifact, :changed
) ON CONFLICT (key) DO UPDATE SET
    state = excluded.state, fence = excluded.fence, attempt = excluded.attempt,
    builder = excluded.builder, lease_expires = excluded.lease_expires,
    not_before = excluded.not_before, counts = excluded.counts, lost_by = excluded.lost_by,
    refused_by = excluded.refused_by, outcome = excluded.outcome, reason = excluded.reason,
    accepted = excluded.accepted, artifact = excluded.artifact, changed = excluded.changed,
    open = (jobs.pool IS NOT NULL AND excluded.state = 'ready' AND excluded.not_before IS NULL),
    wake = CASE WHEN jobs.pool IS NOT NULL AND excluded.state = 'ready' THEN excluded.not_before END
"""

_OPEN_ATTEMPT = """
INSERT INTO attempts (
    key, number, project, version, target, builder, fence, started, counted, reason, wall_seconds
) VALUES (
    :key, :number, :project, :version, :target, :builder, :fence, :started, FALSE, '', 0
)
"""

_CLOSE_ATTEMPT = """
UPDATE attempts SET
    finished = :finished, outcome = :outcome, counted = :counted, reason = :reason,
    wall_seconds = :wall_seconds, report = :report, cpu_seconds = :cpu_seconds, log_bytes = :log_bytes
WHERE key = :key AND number = :number
"""

KEEP = """
INSERT INTO artifacts (
    filename, digest, size, project, version, tags, origin, requires_python, requires_dist,
    metadata_digest, build_key, target, source_digest, recipe_digest, created, yanked,
    provenance_digest, counts, published
) VALUES (
    :filename, :digest, :size, :project, :version, :tags, :origin, :requires_python, :requires_dist,
    :metadata_digest, :build_key, :target, :source_digest, :recipe_digest, :created, :yanked,
    :provenance_digest, :counts, FALSE
) ON CONFLICT (build_key, digest) DO UPDATE SET counts = artifacts.counts OR excluded.counts
"""

_COUNT = """
UPDATE artifacts SET counts = TRUE WHERE build_key = :key AND digest = :digest
"""

_WITHDRAW = """
UPDATE artifacts SET counts = FALSE, published = FALSE WHERE build_key = :key AND digest = :digest
"""

_PROJECTS = """
SELECT DISTINCT project FROM artifacts WHERE build_key = :key AND digest = :digest AND published
"""


class DatabaseLedger:
    """Reads and writes rows; valid until its transaction ends."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._loaded: dict[BuildKey, Job] = {}

    def load(self, key: BuildKey) -> Job | None:
        """Return a job as it stands."""
        row = self._connection.execute(_LOAD, {"key": key}).fetchone()
        return None if row is None else self.loaded(row)

    def loaded(self, row: Row) -> Job:
        """Return the job of a row that was read, locked, in this transaction."""
        job = read_job(row)
        self._loaded[job.key] = job
        return job

    def save(self, job: Job) -> None:
        """Write a job, new or not; where it was submitted, its place in the queue follows its state."""
        row, before = job_row(job), self._loaded.get(job.key)
        if before is None or before.state is not job.state:
            self._connection.later(_COUNT_STATE, row)
        self._connection.later(_SAVE, row)
        # Most changes prolong a lease, which no cell shows.
        if before is None or _shown(before) != _shown(job):
            keep_cell(self._connection, job)
        self._loaded[job.key] = job

    def open_attempt(self, job: Job, now: datetime) -> None:
        """Begin the attempt that the job's number, fence and builder name."""
        self._connection.later(_OPEN_ATTEMPT, attempt_row(job, now))

    def close_attempt(self, key: BuildKey, record: Record, report: Report, now: datetime) -> None:
        """End an attempt with its report."""
        row = {
            "key": key,
            "number": record.attempt,
            "finished": to_ticks(now),
            "outcome": record.outcome.value,
            "counted": record.counted,
            "reason": report.reason,
            "wall_seconds": report.wall_seconds,
            "report": write_report(report),
            "cpu_seconds": report.cpu_seconds,
            "log_bytes": report.log_bytes,
        }
        self._connection.later(_CLOSE_ATTEMPT, row)

    def keep(self, artifact: Artifact, *, counts: bool) -> None:
        """Remember a wheel; ``counts``: as what its job built."""
        self._connection.later(KEEP, {**artifact_row(artifact), "counts": counts})

    def count(self, key: BuildKey, digest: str, *, counts: bool) -> None:
        """Let a wheel count as what its job built, or no longer; what does not count is not published."""
        names = {"key": key, "digest": digest}
        if counts:
            self._connection.execute(_COUNT, names)
            return
        changed = [row[0] for row in self._connection.execute(_PROJECTS, names)]
        self._connection.execute(_WITHDRAW, names)
        note_changes(self._connection, changed)


def _shown(job: Job) -> tuple[str, str]:
    return state_word(job), job.reason
