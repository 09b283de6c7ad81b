"""Projects as the index lists them: which there are, what changed since when, and their statuses.

Every change of what is published gets a number and notes it at its project, in the same transaction, so
that whoever keeps pages asks for the projects that changed since a number and for nothing else.
"""

from collections.abc import Iterable, Sequence

from wheelyard.model.listing import Changes, ProjectStatus, Status
from wheelyard.model.release import ProjectName
from wheelyard.store.database import Connection, Database

_CHANGE = """
INSERT INTO projects (project, change, listed, status, reason)
SELECT CAST(:project AS TEXT), COALESCE(MAX(change), 0) + 1,
    EXISTS (SELECT 1 FROM artifacts WHERE artifacts.project = :project AND published), 'active', ''
FROM projects WHERE TRUE
ON CONFLICT (project) DO UPDATE SET change = excluded.change, listed = excluded.listed
"""
_SET_STATUS = "UPDATE projects SET status = :status, reason = :reason WHERE project = :project"
_STATUS = "SELECT status, reason FROM projects WHERE project = :project"
_LISTED = "SELECT project FROM projects WHERE listed ORDER BY project"
_REVISION = "SELECT COALESCE(MAX(change), 0) FROM projects"
_SINCE = "SELECT project, listed FROM projects WHERE change > :since ORDER BY project"
_KNOWN = "SELECT 1 FROM projects WHERE project = :project"
_BUILT = "SELECT 1 FROM artifacts WHERE project = :project LIMIT 1"


def note_changes(connection: Connection, projects: Iterable[str]) -> None:
    """Note that something about the files or the status of projects may have changed, in this transaction."""
    changed = sorted(set(projects))
    if changed:
        # A number must not become visible after a greater one.
        connection.queue_up("index")
    for project in changed:
        connection.execute(_CHANGE, {"project": project})


class StoredProjects:
    """The projects of a database's index."""

    def __init__(self, *, database: Database) -> None:
        self._database = database

    async def listed(self) -> Sequence[ProjectName]:
        """Return every project that has a published file, sorted."""
        return await self._database.read(
            lambda connection: [ProjectName(row[0]) for row in connection.execute(_LISTED)]
        )

    async def revision(self) -> int:
        """Return the number of the last change."""
        return await self._database.read(
            lambda connection: int(connection.execute(_REVISION).fetchone()[0])
        )

    async def changes_since(self, since: int) -> Changes:
        """Return what changed after a number."""

        def work(connection: Connection) -> Changes:
            revision = int(connection.execute(_REVISION).fetchone()[0])
            rows = connection.execute(_SINCE, {"since": since}) if revision != since else ()
            return Changes(
                revision=revision,
                projects={ProjectName(row["project"]): bool(row["listed"]) for row in rows},
            )

        return await self._database.read(work)

    async def status(self, project: ProjectName) -> ProjectStatus:
        """Return the status of a project."""
        row = await self._database.read(
            lambda connection: connection.execute(_STATUS, {"project": project}).fetchone()
        )
        if row is None:
            return ProjectStatus()
        return ProjectStatus(status=Status(row["status"]), reason=row["reason"])

    async def set_status(self, project: ProjectName, status: ProjectStatus) -> bool:
        """Give a project a status; False where nothing of it was ever published."""

        def work(connection: Connection) -> bool:
            names = {"project": project, "status": status.status.value, "reason": status.reason}
            if connection.execute(_SET_STATUS, names).rowcount == 0:
                return False
            note_changes(connection, [project])
            return True

        return await self._database.write(work)

    async def known(self, project: ProjectName) -> bool:
        """Whether anything of a project was ever built or published here, even if it is gone."""

        def work(connection: Connection) -> bool:
            names = {"project": project}
            found = connection.execute(_KNOWN, names).fetchone()
            return (found or connection.execute(_BUILT, names).fetchone()) is not None

        return await self._database.read(work)
