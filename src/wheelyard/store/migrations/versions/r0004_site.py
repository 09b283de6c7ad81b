"""How each project stands for each target, whose jobs there are, and what reports count."""

from collections.abc import Iterator
from itertools import groupby
from typing import Any

import sqlalchemy as sa
from alembic import op
from packaging.version import Version

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_FAILURES = ("failed", "timed-out", "over-limit", "out-of-resources")
_WORDS = {"ready": "waiting", "leased": "running"}
_AT_ONCE = 2000


def upgrade() -> None:
    """Add the tables and fill them from the jobs that there are."""
    _tables()
    _counted()
    connection = op.get_bind()
    _fill_cells(connection)
    connection.execute(
        sa.text(
            "INSERT INTO known_projects (project) SELECT project FROM jobs "
            "UNION SELECT project FROM artifacts WHERE published"
        )
    )
    connection.execute(
        sa.text(
            "INSERT INTO askers (owner, project) SELECT DISTINCT requests.owner, jobs.project "
            "FROM requests JOIN job_requests ON job_requests.request = requests.id "
            "JOIN jobs ON jobs.key = job_requests.key"
        )
    )


def _tables() -> None:
    op.create_table(
        "cells",
        sa.Column("project", sa.Text, primary_key=True),
        sa.Column("target", sa.Text, primary_key=True),
        sa.Column("version", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("changed", sa.BigInteger),
        sa.Column("built_version", sa.Text, nullable=False),
        sa.Column("built_key", sa.Text, nullable=False),
        sa.Column("regressed", sa.Boolean, nullable=False),
    )
    op.create_index("cells_by_target", "cells", ["target", "project"])
    op.create_index("cells_by_state", "cells", ["state", "project"])
    op.create_index("cells_tallied", "cells", ["target", "state"])
    _partial("cells_regressed", "cells", "project", "regressed")
    op.create_table("known_projects", sa.Column("project", sa.Text, primary_key=True))
    op.create_table(
        "askers",
        sa.Column("owner", sa.Text, primary_key=True),
        sa.Column("project", sa.Text, primary_key=True),
    )


def _counted() -> None:
    zero = sa.text("0")
    op.add_column(
        "attempts", sa.Column("cpu_seconds", sa.Float, nullable=False, server_default=zero)
    )
    op.add_column(
        "attempts", sa.Column("log_bytes", sa.BigInteger, nullable=False, server_default=zero)
    )
    if op.get_bind().dialect.name == "sqlite":
        told = "COALESCE(json_extract(report, '$.{0}'), 0)"
    else:
        told = "COALESCE(CAST(CAST(report AS json) ->> '{0}' AS double precision), 0)"
    op.execute(
        f"UPDATE attempts SET cpu_seconds = {told.format('cpu_seconds')}, "  # noqa: S608 - all of it stands here
        f"log_bytes = {told.format('log_bytes')} WHERE report IS NOT NULL"
    )
    op.create_index("attempts_by_end", "attempts", ["finished", "outcome"])
    op.create_index("attempts_by_cost", "attempts", ["project", "cpu_seconds", "log_bytes"])
    _partial("attempts_failed", "attempts", "key", "outcome = 'failed'")
    _partial("artifacts_by_age", "artifacts", "created", "published")
    op.create_index("artifacts_by_size", "artifacts", ["origin", "published", "digest", "size"])
    op.create_index("jobs_by_change", "jobs", ["changed"])
    _partial("jobs_failed", "jobs", "changed", "state = 'done' AND outcome = 'failed'")


def _partial(name: str, table: str, column: str, where: str) -> None:
    condition = sa.text(where)
    op.create_index(name, table, [column], sqlite_where=condition, postgresql_where=condition)


def _fill_cells(connection: sa.Connection) -> None:
    cells = sa.table(
        "cells",
        *map(
            sa.column,
            ("project", "target", "version", "key", "state", "reason", "changed"),
        ),
        *map(sa.column, ("built_version", "built_key", "regressed")),
    )
    waiting: list[dict[str, Any]] = []
    for cell in _cells(connection):
        waiting.append(cell)
        if len(waiting) == _AT_ONCE:
            connection.execute(cells.insert(), waiting)
            waiting = []
    if waiting:
        connection.execute(cells.insert(), waiting)


def _cells(connection: sa.Connection) -> Iterator[dict[str, Any]]:
    jobs = connection.execute(
        sa.text(
            "SELECT project, target, version, key, state, outcome, reason, changed FROM jobs "
            "ORDER BY project, target, changed, key"
        )
    ).fetchall()
    for (project, target), of_cell in groupby(jobs, key=lambda row: (row[0], row[1])):
        rows = list(of_cell)
        # Of one version the one that changed last: ``max`` takes the first of equals.
        newest = max(reversed(rows), key=lambda row: Version(row.version))
        built = [row for row in reversed(rows) if (row.state, row.outcome) == ("done", "built")]
        best = max(built, key=lambda row: Version(row.version)) if built else None
        state = newest.outcome if newest.state == "done" and newest.outcome else newest.state
        state = _WORDS.get(state, state)
        yield {
            "project": project,
            "target": target,
            "version": newest.version,
            "key": newest.key,
            "state": state,
            "reason": newest.reason,
            "changed": newest.changed,
            "built_version": best.version if best else "",
            "built_key": best.key if best else "",
            "regressed": state in _FAILURES and best is not None,
        }
