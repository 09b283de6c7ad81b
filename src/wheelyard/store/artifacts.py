"""Wheels in the database: what was built, what counts, and what is published.

Three things that are not the same: every wheel that an attempt brought is kept; one of each job
counts; and one of each file name is published. Published bytes never change.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from wheelyard.model.artifact import PUBLISHABLE, Artifact
from wheelyard.model.job import BuildKey
from wheelyard.model.listing import Changes, ProjectStatus
from wheelyard.model.release import ProjectName, Release
from wheelyard.ports import Clock
from wheelyard.store.cells import keep_name
from wheelyard.store.database import Connection, Database
from wheelyard.store.ledger import KEEP
from wheelyard.store.projects import StoredProjects, note_changes
from wheelyard.store.rows import artifact_row, read_artifact

_BY_KEY = "SELECT * FROM artifacts WHERE build_key = :key AND counts"
_OF_PROJECT = "SELECT * FROM artifacts WHERE project = :project AND published ORDER BY filename"
_VISIBLE = "SELECT * FROM artifacts WHERE filename = :filename AND published"
_WAITING = """
SELECT * FROM artifacts AS built WHERE counts AND NOT published AND origin = 'built'
AND NOT EXISTS (
    SELECT 1 FROM artifacts AS other WHERE other.filename = built.filename AND other.published
) ORDER BY id
"""
_PUBLISH = """
UPDATE artifacts SET published = TRUE, origin = :origin, yanked = :yanked
WHERE build_key = :build_key AND digest = :digest
"""
_NAME = """
INSERT INTO memory (kind, key, value) VALUES ('published-name-1', :filename, :digest)
ON CONFLICT (kind, key) DO NOTHING
"""
_NAMED = "SELECT value FROM memory WHERE kind = 'published-name-1' AND key = :filename"
_YANK = "UPDATE artifacts SET yanked = :reason WHERE filename = :filename AND published"
_WITHDRAW = "UPDATE artifacts SET published = FALSE WHERE digest = :digest AND published"
_OF_NAME = "SELECT project FROM artifacts WHERE filename = :filename AND published"
_OF_DIGEST = "SELECT DISTINCT project FROM artifacts WHERE digest = :digest"
_OUT_OF_SNAPSHOTS = """
DELETE FROM snapshot_files WHERE artifact IN (SELECT id FROM artifacts WHERE digest = :digest)
"""
_OF_PROVENANCE = "SELECT DISTINCT project FROM artifacts WHERE provenance_digest = :digest"
_UNPROVED = "UPDATE artifacts SET provenance_digest = '' WHERE provenance_digest = :digest"


class StoredArtifacts:
    """The ``ArtifactStore`` of a database."""

    def __init__(self, *, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._listed = StoredProjects(database=database)

    async def by_key(self, key: BuildKey) -> Artifact | None:
        """Return the artifact of a job that was built and counts."""
        return _first(await self._select(_BY_KEY, {"key": key}))

    async def of_release(self, release: Release) -> Sequence[Artifact]:
        """Return the published artifacts of a release."""
        # Not by the version's text, because 1.16 and 1.16.0 are one version.
        artifacts = await self.of_project(release.project)
        return [artifact for artifact in artifacts if artifact.release == release]

    async def of_project(self, project: ProjectName) -> Sequence[Artifact]:
        """Return the published artifacts of a project, in the order of their file names."""
        return await self._select(_OF_PROJECT, {"project": project})

    async def projects(self) -> Sequence[ProjectName]:
        """Return every project that has a published artifact, sorted."""
        return await self._listed.listed()

    async def revision(self) -> int:
        """Return a number that is another one after each change of what is published."""
        return await self._listed.revision()

    async def changes_since(self, since: int) -> Changes:
        """Return which projects changed after a revision."""
        return await self._listed.changes_since(since)

    async def status(self, project: ProjectName) -> ProjectStatus:
        """Return the status of a project (PEP 792)."""
        return await self._listed.status(project)

    async def set_status(self, project: ProjectName, status: ProjectStatus) -> bool:
        """Give a project a status; False where nothing of it was ever published."""
        return await self._listed.set_status(project, status)

    async def known(self, project: ProjectName) -> bool:
        """Whether anything of a project was ever built or published here, even if it is gone."""
        return await self._listed.known(project)

    async def publish(self, artifact: Artifact) -> Artifact:
        """Make an artifact visible and return what is now visible under its file name.

        What stands on a seed (``BOOTSTRAP``, ``SEED``) has no place in the index: ValueError.
        """
        if artifact.origin not in PUBLISHABLE:
            raise ValueError(f"{artifact.filename} is a {artifact.origin} wheel: never published")
        return await self._database.write(
            lambda connection: _publish(connection, artifact, self._clock.now())
        )

    async def digest_of_name(self, filename: str) -> str | None:
        """Return what a file name was published for, even if it was withdrawn; None: it is free."""

        def look(connection: Connection) -> str | None:
            names = {"filename": filename}
            visible = connection.execute(_VISIBLE, names).fetchone()
            if visible is not None:
                return str(visible["digest"])
            kept = connection.execute(_NAMED, names).fetchone()
            return None if kept is None else bytes(kept[0]).decode()

        return await self._database.read(look)

    async def waiting(self) -> Sequence[Artifact]:
        """Return what counts and could be published but is not: a run ended between the two."""
        return await self._select(_WAITING, {})

    async def yank(self, filename: str, reason: str | None) -> bool:
        """Yank a published file, or take that back with None; False where there is no such file."""
        names = {"filename": filename, "reason": reason}
        return await self._change(_OF_NAME, _YANK, names) > 0

    async def withdraw(self, digest: str) -> int:
        """Take a file whose bytes are gone out of the index and all snapshots; return how many names it had."""
        return await self._change(
            _OF_DIGEST, _WITHDRAW, {"digest": digest}, before=_OUT_OF_SNAPSHOTS
        )

    async def forget_provenance(self, digest: str) -> int:
        """Offer provenance that is gone no more; return how many files had it."""
        return await self._change(_OF_PROVENANCE, _UNPROVED, {"digest": digest})

    async def _change(
        self, whose: str, statement: str, names: Mapping[str, object], *, before: str = ""
    ) -> int:
        """Change published files, and note it at their projects; return how many files that were."""

        def work(connection: Connection) -> int:
            projects = [row[0] for row in connection.execute(whose, names)]
            if before:
                connection.execute(before, names)
            changed = connection.execute(statement, names).rowcount
            note_changes(connection, projects)
            return changed

        return await self._database.write(work)

    async def _select(self, statement: str, names: Mapping[str, object]) -> Sequence[Artifact]:
        rows = await self._database.read(
            lambda connection: connection.execute(statement, names).fetchall()
        )
        return [read_artifact(row) for row in rows]


def _publish(connection: Connection, artifact: Artifact, now: datetime) -> Artifact:
    visible = connection.execute(_VISIBLE, {"filename": artifact.filename}).fetchone()
    if visible is None:
        row = artifact_row(replace(artifact, created=artifact.created or now))
        connection.execute(KEEP, {**row, "counts": False})
        connection.execute(_PUBLISH, row)
        keep_name(connection, artifact.release.project)
        connection.execute(
            _NAME, {"filename": artifact.filename, "digest": artifact.digest.encode()}
        )
        note_changes(connection, [artifact.release.project])
        visible = connection.execute(_VISIBLE, {"filename": artifact.filename}).fetchone()
    return read_artifact(visible)


def _first(artifacts: Sequence[Artifact]) -> Artifact | None:
    return artifacts[0] if artifacts else None
