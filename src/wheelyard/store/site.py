"""What the site looks at, in the database.

It has connections of its own: a page that looks at much must never keep a builder waiting for its job.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from wheelyard.jobs.cells import Cell
from wheelyard.model.artifact import Artifact
from wheelyard.model.job import BuildKey
from wheelyard.model.release import ProjectName
from wheelyard.model.request import RequestId
from wheelyard.site_ports import (
    BuildTime,
    Choice,
    Cost,
    Ended,
    JobLine,
    ProjectRow,
    PublishedFile,
    Storage,
    Tally,
    Waiting,
)
from wheelyard.store.campaigns import StoredCampaigns
from wheelyard.store.cells import read_cell
from wheelyard.store.chosen import chosen, holding
from wheelyard.store.database import Connection, Database, Row
from wheelyard.store.moments import to_moment, to_ticks
from wheelyard.store.rows import read_artifact
from wheelyard.store.texts import read_report

_HOUR = timedelta(hours=1) // timedelta(microseconds=1)
_CELLS = "SELECT * FROM cells WHERE project = :project ORDER BY target"
# Looked for one after the other in the index: DISTINCT would walk along all cells.
_TARGETS = """
WITH RECURSIVE found (target) AS (
    SELECT MIN(target) FROM cells
    UNION ALL
    SELECT (SELECT MIN(cells.target) FROM cells WHERE cells.target > found.target) FROM found
    WHERE found.target IS NOT NULL
) SELECT target FROM found WHERE target IS NOT NULL ORDER BY target
"""
_KNOWN = "SELECT 1 FROM known_projects WHERE project = :project"
_LINE = """
SELECT jobs.key, jobs.project, jobs.version, jobs.target, jobs.state, jobs.outcome, jobs.reason, jobs.changed
FROM jobs
"""
_JOBS = f"{_LINE} WHERE project = :project ORDER BY changed DESC, key LIMIT :limit"
_TIMES = """
SELECT version, target, wall_seconds FROM attempts
WHERE project = :project AND outcome = 'built' ORDER BY id DESC LIMIT :limit
"""
_REPORT = """
SELECT report FROM attempts WHERE key = :key AND outcome = 'built' ORDER BY number DESC LIMIT 1
"""
_OF_REQUEST = f"""
{_LINE} JOIN job_requests ON job_requests.key = jobs.key WHERE job_requests.request = :request
ORDER BY jobs.project, jobs.target, jobs.key LIMIT :limit
"""
# Written out and not as parameters: so they are seen to be what the index of failures is of.
_FAILED = f"{_LINE} WHERE state = 'done' AND outcome = 'failed'"
_FAILURES = f"{_FAILED} ORDER BY changed DESC LIMIT :limit"
_FAILURES_OF = f"{_FAILED} AND project = :project ORDER BY changed DESC LIMIT :limit"
_FILES = """
SELECT filename, project, version, digest, size, created FROM artifacts
WHERE published AND origin <> 'command'
"""
_PUBLISHED = f"{_FILES} ORDER BY created DESC LIMIT :limit"
_PUBLISHED_OF = f"{_FILES} AND project = :project ORDER BY created DESC LIMIT :limit"
_FILES_OF = "SELECT * FROM artifacts WHERE project = :project AND published ORDER BY filename"
_BEGUN = "SELECT started FROM attempts ORDER BY id DESC LIMIT 1"
_TALLIES = "SELECT target, state, COUNT(*) AS count FROM cells GROUP BY target, state"
_ENDED = """
SELECT finished / :hour AS hours, outcome, COUNT(*) AS count FROM attempts
WHERE finished >= :since GROUP BY finished / :hour, outcome
"""
_WAITING = """
SELECT (:now - submitted) / :hour AS hours, COUNT(*) AS count FROM jobs
WHERE open GROUP BY (:now - submitted) / :hour ORDER BY 1
"""
_COSTS = """
SELECT project, COUNT(*) AS attempts, SUM(cpu_seconds) AS cpu_seconds FROM attempts
GROUP BY project ORDER BY SUM(cpu_seconds) DESC, project LIMIT :limit
"""
_FLAKY = f"""
{_LINE} WHERE key IN (SELECT failed.key FROM attempts AS failed WHERE failed.outcome = 'failed')
AND EXISTS (SELECT 1 FROM attempts AS built WHERE built.key = jobs.key AND built.outcome = 'built')
ORDER BY changed DESC, key LIMIT :limit
"""  # noqa: S608 - all of it stands here
_KEPT = """
SELECT origin, published, COUNT(*) AS files, SUM(size) AS size FROM artifacts GROUP BY origin, published
"""
_LOGS = "SELECT COUNT(*) AS files, SUM(log_bytes) AS size FROM attempts"


class StoredSite:
    """The ``SiteStore`` of a database. ``pages`` answers visitors; ``counts``, what takes longer."""

    def __init__(self, *, pages: Database, counts: Database) -> None:
        self._pages = pages
        self._counts = counts
        self.campaigns = StoredCampaigns(database=pages)

    async def close(self) -> None:
        """Let go of the connections."""
        await self._pages.close()
        await self._counts.close()

    async def rows(self, choice: Choice, *, limit: int) -> Sequence[ProjectRow]:
        """Return projects by name, with all their cells."""
        statement, names = chosen(choice)

        def work(connection: Connection) -> Sequence[ProjectRow]:
            found = connection.execute(statement, {**names, "limit": limit}).fetchall()
            return [
                ProjectRow(project=ProjectName(row[0]), cells=tuple(_cells_of(connection, row[0])))
                for row in found
            ]

        return await self._pages.read(work)

    async def targets(self) -> Sequence[str]:
        """Return every target that a cell has."""
        return [row["target"] for row in await self._select(_TARGETS, {})]

    async def search(self, part: str, *, limit: int) -> Sequence[ProjectName]:
        """Return projects whose names hold a text, those that begin with it first."""
        first, names = holding(part, beginning=True)
        rest, _ = holding(part, beginning=False)

        def work(connection: Connection) -> Sequence[ProjectName]:
            rows = connection.execute(first, {**names, "limit": limit}).fetchall()
            left = limit - len(rows)
            if left:
                rows = [*rows, *connection.execute(rest, {**names, "limit": left}).fetchall()]
            return [ProjectName(row["project"]) for row in rows]

        return await self._pages.read(work)

    async def known(self, project: ProjectName) -> bool:
        """Whether there is such a project."""
        return bool(await self._select(_KNOWN, {"project": project}))

    async def cells_of(self, project: ProjectName) -> Sequence[Cell]:
        """Return the cells of a project, by target."""
        return await self._pages.read(lambda connection: _cells_of(connection, project))

    async def jobs_of(self, project: ProjectName, *, limit: int) -> Sequence[JobLine]:
        """Return the jobs of a project, the last changed first."""
        return _lines(await self._select(_JOBS, {"project": project, "limit": limit}))

    async def build_times(self, project: ProjectName, *, limit: int) -> Sequence[BuildTime]:
        """Return how long builds of a project took, the newest first."""
        rows = await self._select(_TIMES, {"project": project, "limit": limit})
        return [
            BuildTime(version=row["version"], target=row["target"], seconds=row["wall_seconds"])
            for row in rows
        ]

    async def system_libraries(self, keys: Sequence[BuildKey]) -> Sequence[str]:
        """Return the system libraries that builders reported for some jobs that were built."""

        def work(connection: Connection) -> Sequence[str]:
            reports = [connection.execute(_REPORT, {"key": key}).fetchone() for key in keys]
            told = {
                library
                for row in reports
                if row is not None and row["report"]
                for library in read_report(row["report"]).system_libraries
            }
            return sorted(told)

        return await self._pages.read(work)

    async def jobs_of_request(self, request: RequestId, *, limit: int) -> Sequence[JobLine]:
        """Return the jobs that a request wanted."""
        return _lines(await self._select(_OF_REQUEST, {"request": request, "limit": limit}))

    async def failures(self, *, project: str = "", limit: int) -> Sequence[JobLine]:
        """Return the jobs that failed, the newest first."""
        statement = _FAILURES_OF if project else _FAILURES
        return _lines(await self._select(statement, {"project": project, "limit": limit}))

    async def published(self, *, project: str = "", limit: int) -> Sequence[PublishedFile]:
        """Return the files that the index has, the newest first."""
        statement = _PUBLISHED_OF if project else _PUBLISHED
        rows = await self._select(statement, {"project": project, "limit": limit})
        return [
            PublishedFile(
                filename=row["filename"],
                project=ProjectName(row["project"]),
                version=row["version"],
                digest=row["digest"],
                size=row["size"],
                created=to_moment(row["created"]),
            )
            for row in rows
        ]

    async def begun(self) -> datetime | None:
        """Return when the newest attempt began."""
        rows = await self._select(_BEGUN, {})
        return to_moment(rows[0]["started"]) if rows else None

    async def files_of(self, project: ProjectName) -> Sequence[Artifact]:
        """Return the files of a project that the index has, in the order of their names."""
        return [read_artifact(row) for row in await self._select(_FILES_OF, {"project": project})]

    async def tallies(self) -> Sequence[Tally]:
        """Count all cells by target and state."""
        rows = await self._count(_TALLIES, {})
        return [Tally(target=row["target"], state=row["state"], count=row["count"]) for row in rows]

    async def ended(self, since: datetime) -> Sequence[Ended]:
        """Count the attempts that ended since a full hour, by hour and outcome."""
        rows = await self._count(_ENDED, {"since": to_ticks(since), "hour": _HOUR})
        return [
            Ended(
                hour=to_moment(int(row["hours"]) * _HOUR),
                outcome=row["outcome"] or "lost",
                count=row["count"],
            )
            for row in rows
        ]

    async def waiting(self, now: datetime) -> Sequence[Waiting]:
        """Count the jobs that wait for a builder by how long they do."""
        rows = await self._count(_WAITING, {"now": to_ticks(now), "hour": _HOUR})
        return [Waiting(hours=int(row["hours"]), count=row["count"]) for row in rows]

    async def costs(self, *, limit: int) -> Sequence[Cost]:
        """Return the projects that took the most processor time, the dearest first."""
        rows = await self._count(_COSTS, {"limit": limit})
        return [
            Cost(
                project=ProjectName(row["project"]),
                attempts=row["attempts"],
                cpu_seconds=row["cpu_seconds"],
            )
            for row in rows
        ]

    async def flaky(self, *, limit: int) -> Sequence[JobLine]:
        """Return jobs that failed and were built under the same key, the last changed first."""
        return _lines(await self._count(_FLAKY, {"limit": limit}))

    async def storage(self) -> Sequence[Storage]:
        """Return what is kept, by kind."""
        found = [
            Storage(
                kind=row["origin"] if row["published"] else f"{row['origin']}, not in the index",
                files=row["files"],
                size=int(row["size"] or 0),
            )
            for row in await self._count(_KEPT, {})
        ]
        logs = (await self._count(_LOGS, {}))[0]
        found.append(Storage(kind="logs", files=logs["files"], size=int(logs["size"] or 0)))
        return sorted(found, key=lambda one: (-one.size, one.kind))

    async def _select(self, statement: str, names: Mapping[str, Any]) -> Sequence[Row]:
        return await self._pages.read(lambda c: c.execute(statement, names).fetchall())

    async def _count(self, statement: str, names: Mapping[str, Any]) -> Sequence[Row]:
        return await self._counts.read(lambda c: c.execute(statement, names).fetchall())


def _cells_of(connection: Connection, project: str) -> Sequence[Cell]:
    return [read_cell(row) for row in connection.execute(_CELLS, {"project": project})]


def _lines(rows: Sequence[Row]) -> Sequence[JobLine]:
    return [
        JobLine(
            key=BuildKey(row["key"]),
            project=ProjectName(row["project"]),
            version=row["version"],
            target=row["target"],
            state=_word(row["state"], row["outcome"]),
            reason=row["reason"],
            changed=to_moment(row["changed"]),
        )
        for row in rows
    ]


def _word(state: str, outcome: str | None) -> str:
    if state == "done" and outcome:
        return outcome
    return {"ready": "waiting", "leased": "running"}.get(state, state)
