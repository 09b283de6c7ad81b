"""Snapshots of the index: which files were published at a moment, as rows; no byte is copied.

A snapshot never changes. A name stands for one snapshot and is moved from one to another in one
transaction, so that readers see all of it move at once; the ones before are remembered, to go back to.
"""

import json
from collections.abc import Sequence
from dataclasses import replace

from wheelyard.errors import ConfigurationError, nearest
from wheelyard.model.artifact import Artifact
from wheelyard.model.job import BuildKey
from wheelyard.model.listing import NamedSnapshot, ProjectStatus, Snapshot, snapshot_name
from wheelyard.model.release import ProjectName, Release
from wheelyard.ports import Clock
from wheelyard.store.channel import SnapshotChannel
from wheelyard.store.database import Connection, Database, Row
from wheelyard.store.moments import to_moment, to_ticks
from wheelyard.store.projects import StoredProjects
from wheelyard.store.rows import read_artifact

_KEPT = 20
_ADD = """
INSERT INTO snapshots (created, files, projects, removed) VALUES (:created, 0, 0, FALSE) RETURNING id
"""
_FILL = """
INSERT INTO snapshot_files (snapshot, project, artifact, yanked)
SELECT CAST(:snapshot AS BIGINT), project, id, yanked FROM artifacts WHERE published
"""
_FILL_CHANNEL = """
INSERT INTO snapshot_packages (snapshot, package, removed)
SELECT CAST(:snapshot AS BIGINT), id, removed FROM conda_packages WHERE there
"""
_COUNT = """
UPDATE snapshots SET
    files = (SELECT COUNT(*) FROM snapshot_files WHERE snapshot = :snapshot),
    projects = (SELECT COUNT(DISTINCT project) FROM snapshot_files WHERE snapshot = :snapshot)
WHERE id = :snapshot
"""
_SNAPSHOT = "SELECT * FROM snapshots WHERE id = :snapshot AND NOT removed"
_SNAPSHOTS = "SELECT * FROM snapshots WHERE NOT removed ORDER BY id"
_NAME = "SELECT * FROM snapshot_names WHERE name = :name"
_NAMES = "SELECT * FROM snapshot_names ORDER BY name"
_MOVE = """
INSERT INTO snapshot_names (name, snapshot, earlier, changed)
VALUES (:name, :snapshot, :earlier, :changed)
ON CONFLICT (name) DO UPDATE SET
    snapshot = excluded.snapshot, earlier = excluded.earlier, changed = excluded.changed
"""
_UNNAME = "DELETE FROM snapshot_names WHERE name = :name"
_EMPTY = "DELETE FROM snapshot_files WHERE snapshot = :snapshot"
_EMPTY_CHANNEL = "DELETE FROM snapshot_packages WHERE snapshot = :snapshot"
# The row stays, so that its number is given to no other.
_REMOVE = "UPDATE snapshots SET removed = TRUE WHERE id = :snapshot"

_OF_PROJECT = """
SELECT artifacts.*, snapshot_files.yanked AS yanked_then
FROM snapshot_files JOIN artifacts ON artifacts.id = snapshot_files.artifact
WHERE snapshot_files.snapshot = :snapshot AND snapshot_files.project = :project
ORDER BY artifacts.filename
"""
_PROJECTS = """
SELECT DISTINCT project FROM snapshot_files WHERE snapshot = :snapshot ORDER BY project
"""


class StoredSnapshots:
    """The snapshots of a database."""

    def __init__(self, *, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def create(self, name: str) -> NamedSnapshot:
        """Take a snapshot of what is published now, and let a name stand for it."""
        snapshot_name(name)

        def work(connection: Connection) -> NamedSnapshot:
            connection.queue_up("index")
            connection.queue_up("channel")
            row = connection.execute(_ADD, {"created": to_ticks(self._clock.now())}).fetchone()
            number = int(row[0])
            connection.execute(_FILL, {"snapshot": number})
            connection.execute(_FILL_CHANNEL, {"snapshot": number})
            connection.execute(_COUNT, {"snapshot": number})
            return self._move(connection, name, number)

        return await self._database.write(work)

    async def promote(self, source: str, name: str) -> NamedSnapshot:
        """Let a name stand for the snapshot that another name, or a number, stands for."""
        snapshot_name(name)

        def work(connection: Connection) -> NamedSnapshot:
            connection.queue_up("index")
            return self._move(connection, name, _find(connection, source).id)

        return await self._database.write(work)

    async def roll_back(self, name: str) -> NamedSnapshot:
        """Let a name stand for the snapshot that it stood for before. Raises ConfigurationError."""

        def work(connection: Connection) -> NamedSnapshot:
            connection.queue_up("index")
            named = _named(connection, name)
            if not named.earlier:
                raise ConfigurationError(
                    f"{name!r} never stood for another snapshot",
                    hint="'wheelyard index snapshot promote NUMBER NAME' takes any that there is.",
                )
            *earlier, before = named.earlier
            self._write(connection, name, before, earlier)
            _sweep(connection, {named.snapshot.id})
            return _named(connection, name)

        return await self._database.write(work)

    async def remove(self, name: str) -> int:
        """Forget a name, and the snapshots that no other name stands or stood for; return how many these are."""

        def work(connection: Connection) -> int:
            connection.queue_up("index")
            named = _named(connection, name)
            connection.execute(_UNNAME, {"name": name})
            return _sweep(connection, {named.snapshot.id, *named.earlier})

        return await self._database.write(work)

    async def names(self) -> Sequence[NamedSnapshot]:
        """Return every name."""
        return await self._database.read(
            lambda connection: [
                _read_named(connection, row) for row in connection.execute(_NAMES).fetchall()
            ]
        )

    async def all(self) -> Sequence[Snapshot]:
        """Return every snapshot, oldest first."""
        return await self._database.read(
            lambda connection: [_read(row) for row in connection.execute(_SNAPSHOTS)]
        )

    async def find(self, text: str) -> Snapshot | None:
        """Return the snapshot that a name or a number stands for."""

        def work(connection: Connection) -> Snapshot | None:
            try:
                return _find(connection, text)
            except ConfigurationError:
                return None

        return await self._database.read(work)

    def artifacts(self, snapshot: Snapshot) -> "SnapshotArtifacts":
        """Return what is in a snapshot, to be read as an index."""
        return SnapshotArtifacts(database=self._database, snapshot=snapshot.id)

    def channel(self, snapshot: Snapshot) -> SnapshotChannel:
        """Return what a snapshot holds of the conda channel."""
        return SnapshotChannel(database=self._database, snapshot=snapshot.id)

    def _move(self, connection: Connection, name: str, number: int) -> NamedSnapshot:
        row = connection.execute(_NAME, {"name": name}).fetchone()
        earlier: list[int] = []
        if row is not None:
            earlier = [*json.loads(row["earlier"]), row["snapshot"]]
            if row["snapshot"] == number:
                return _read_named(connection, row)
        self._write(connection, name, number, earlier[-_KEPT:])
        _sweep(connection, set(earlier[:-_KEPT]))
        return _named(connection, name)

    def _write(
        self, connection: Connection, name: str, number: int, earlier: Sequence[int]
    ) -> None:
        row = {
            "name": name,
            "snapshot": number,
            "earlier": json.dumps(list(earlier)),
            "changed": to_ticks(self._clock.now()),
        }
        connection.execute(_MOVE, row)


class SnapshotArtifacts:
    """The ``ArtifactStore`` of a snapshot, for those who read. Quarantines of today count in it, too."""

    def __init__(self, *, database: Database, snapshot: int) -> None:
        self._database = database
        self._snapshot = snapshot
        self._listed = StoredProjects(database=database)

    async def of_project(self, project: ProjectName) -> Sequence[Artifact]:
        """Return the files of a project, in the order of their names, yanked as they were then."""
        names = {"snapshot": self._snapshot, "project": project}
        rows = await self._database.read(
            lambda connection: connection.execute(_OF_PROJECT, names).fetchall()
        )
        return [replace(read_artifact(row), yanked=row["yanked_then"]) for row in rows]

    async def of_release(self, release: Release) -> Sequence[Artifact]:
        """Return the files of a release."""
        return [one for one in await self.of_project(release.project) if one.release == release]

    async def projects(self) -> Sequence[ProjectName]:
        """Return every project, sorted."""
        names = {"snapshot": self._snapshot}
        return await self._database.read(
            lambda connection: [ProjectName(row[0]) for row in connection.execute(_PROJECTS, names)]
        )

    async def revision(self) -> int:
        """Return a number that changes when something may look otherwise: a quarantine."""
        return await self._listed.revision()

    async def status(self, project: ProjectName) -> ProjectStatus:
        """Return the status of a project today."""
        return await self._listed.status(project)

    async def by_key(self, key: BuildKey) -> Artifact | None:
        """Refuse: nobody looks for what a job built in a snapshot."""
        raise NotImplementedError(key)

    async def publish(self, artifact: Artifact) -> Artifact:
        """Refuse: a snapshot never changes."""
        raise NotImplementedError(artifact.filename)


def _find(connection: Connection, text: str) -> Snapshot:
    if text.isascii() and text.isdecimal() and len(text) < 19:  # noqa: PLR2004 - 64 bits
        row = connection.execute(_SNAPSHOT, {"snapshot": int(text)}).fetchone()
        if row is None:
            raise ConfigurationError(
                f"there is no snapshot {text}", hint="'wheelyard index snapshot list' shows all."
            )
        return _read(row)
    return _named(connection, text).snapshot


def _named(connection: Connection, name: str) -> NamedSnapshot:
    row = connection.execute(_NAME, {"name": name}).fetchone()
    if row is None:
        names = [row["name"] for row in connection.execute(_NAMES)]
        raise ConfigurationError(
            f"no snapshot is named {name[:80]!r}",
            hint=f"{nearest(name[:80], names)} 'wheelyard index snapshot list' shows all.".strip(),
        )
    return _read_named(connection, row)


def _read_named(connection: Connection, row: Row) -> NamedSnapshot:
    snapshot = connection.execute(_SNAPSHOT, {"snapshot": row["snapshot"]}).fetchone()
    return NamedSnapshot(
        name=row["name"], snapshot=_read(snapshot), earlier=tuple(json.loads(row["earlier"]))
    )


def _read(row: Row) -> Snapshot:
    return Snapshot(
        id=int(row["id"]),
        created=to_moment(row["created"]),
        files=row["files"],
        projects=row["projects"],
    )


def _sweep(connection: Connection, numbers: set[int]) -> int:
    """Remove those of some snapshots that no name stands or stood for; return how many."""
    held: set[int] = set()
    for row in connection.execute(_NAMES):
        held |= {row["snapshot"], *json.loads(row["earlier"])}
    for number in numbers - held:
        connection.execute(_EMPTY, {"snapshot": number})
        connection.execute(_EMPTY_CHANNEL, {"snapshot": number})
        connection.execute(_REMOVE, {"snapshot": number})
    return len(numbers - held)
