"""Cells in the database: written in the transaction in which a job changes, so that they never differ from the jobs."""

from wheelyard.jobs.cells import FAILURES, Cell, fold, follow, state_word, unsettles
from wheelyard.jobs.job import Job
from wheelyard.model.job import BuildKey, Outcome
from wheelyard.model.release import ProjectName
from wheelyard.store.database import Connection, Row
from wheelyard.store.moments import to_moment, to_ticks
from wheelyard.store.rows import read_job

_CELL = "SELECT * FROM cells WHERE project = :project AND target = :target FOR UPDATE"
_JOBS = "SELECT * FROM jobs WHERE project = :project AND target = :target ORDER BY changed, key"
_KEEP = """
INSERT INTO cells (
    project, target, version, key, state, reason, changed, built_version, built_key, regressed
) VALUES (
    :project, :target, :version, :key, :state, :reason, :changed, :built_version, :built_key, :regressed
) ON CONFLICT (project, target) DO UPDATE SET
    version = excluded.version, key = excluded.key, state = excluded.state, reason = excluded.reason,
    changed = excluded.changed, built_version = excluded.built_version,
    built_key = excluded.built_key, regressed = excluded.regressed
"""
# What most changes are: the job that the cell shows goes on. ``built``: it ends well.
_GO_ON = """
UPDATE cells SET state = :state, reason = :reason, changed = :changed, {more}
WHERE project = :project AND target = :target AND key = :key AND version = :version {unless}
"""
_WENT_ON = _GO_ON.format(
    more="regressed = (:failed AND built_version <> '')", unless="AND built_key <> :key"
)
_BUILT = _GO_ON.format(
    more="regressed = FALSE, built_version = :version, built_key = :key", unless=""
)
NAME = "INSERT INTO known_projects (project) VALUES (:project) ON CONFLICT (project) DO NOTHING"
_NAMED = "SELECT 1 FROM known_projects WHERE project = :project"


def keep_cell(connection: Connection, job: Job) -> None:
    """Let the cell of a job follow it; the job is written already."""
    state = state_word(job)
    names: dict[str, object] = {
        "project": job.release.project,
        "target": str(job.target),
        "version": str(job.release.version),
        "key": job.key,
        "state": state,
        "reason": job.reason,
        "changed": to_ticks(job.changed),
    }
    statement = _BUILT
    if state != Outcome.BUILT.value:
        statement, names["failed"] = _WENT_ON, state in FAILURES
    connection.later(statement, names, otherwise=lambda: _follow(connection, job))


def _follow(connection: Connection, job: Job) -> None:
    """Look at the cell of a job, and let it follow as it has to."""
    place = {"project": job.release.project, "target": str(job.target)}
    row = connection.execute(_CELL, place).fetchone()
    before = None if row is None else read_cell(row)
    if unsettles(before, job):
        after = fold(map(read_job, connection.execute(_JOBS, place).fetchall()))
    else:
        after = follow(before, job)
    if after is None or after == before:
        return
    if before is None:
        keep_name(connection, job.release.project)
    connection.later(_KEEP, _columns(after))


def keep_name(connection: Connection, project: ProjectName) -> None:
    """Remember that there is a project of that name."""
    # Asked first: two who write the same row at a time wait for each other, and nearly always it is there.
    if connection.execute(_NAMED, {"project": project}).fetchone() is None:
        connection.execute(NAME, {"project": project})


def read_cell(row: Row) -> Cell:
    """Return the cell that a row stands for."""
    return Cell(
        project=ProjectName(row["project"]),
        target=row["target"],
        version=row["version"],
        key=BuildKey(row["key"]),
        state=row["state"],
        reason=row["reason"],
        changed=to_moment(row["changed"]),
        built_version=row["built_version"],
        built_key=row["built_key"],
    )


def _columns(cell: Cell) -> dict[str, object]:
    return {
        "project": cell.project,
        "target": cell.target,
        "version": cell.version,
        "key": cell.key,
        "state": cell.state,
        "reason": cell.reason,
        "changed": to_ticks(cell.changed),
        "built_version": cell.built_version,
        "built_key": cell.built_key,
        "regressed": cell.regressed,
    }
