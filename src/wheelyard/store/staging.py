"""Staging indexes: the wheels that trials left, each in the snapshot of its campaign, never in the index.

A staging index is a named snapshot with nothing but such wheels in it. What is added makes another snapshot with
those before, so that readers see a trial's wheels together, and the cost is that of what was staged.
"""

from collections.abc import Sequence

from wheelyard.model.artifact import Artifact
from wheelyard.model.listing import snapshot_name
from wheelyard.model.request import RequestId
from wheelyard.ports import Clock
from wheelyard.store.database import Connection, Database
from wheelyard.store.ledger import KEEP
from wheelyard.store.moments import to_ticks
from wheelyard.store.rows import artifact_row, read_artifact

_ARCHIVES = """
SELECT artifacts.* FROM artifacts JOIN job_requests ON job_requests.key = artifacts.build_key
WHERE job_requests.request = :request AND artifacts.counts ORDER BY artifacts.id
"""
_ADD = """
INSERT INTO snapshots (created, files, projects, removed) VALUES (:created, 0, 0, FALSE) RETURNING id
"""
_NAME = "SELECT snapshot FROM snapshot_names WHERE name = :name"
_CARRY = """
INSERT INTO snapshot_files (snapshot, project, artifact, yanked)
SELECT CAST(:snapshot AS BIGINT), before.project, before.artifact, before.yanked
FROM snapshot_files AS before WHERE before.snapshot = :before
"""
_DROP_NAME = """
DELETE FROM snapshot_files WHERE snapshot = :snapshot
AND artifact IN (SELECT id FROM artifacts WHERE filename = :filename)
"""
_STAGE = """
INSERT INTO snapshot_files (snapshot, project, artifact, yanked)
SELECT CAST(:snapshot AS BIGINT), project, id, NULL FROM artifacts
WHERE build_key = :build_key AND digest = :digest
"""
_COUNT = """
UPDATE snapshots SET
    files = (SELECT COUNT(*) FROM snapshot_files WHERE snapshot = :snapshot),
    projects = (SELECT COUNT(DISTINCT project) FROM snapshot_files WHERE snapshot = :snapshot)
WHERE id = :snapshot
"""
_MOVE = """
INSERT INTO snapshot_names (name, snapshot, earlier, changed) VALUES (:name, :snapshot, '[]', :changed)
ON CONFLICT (name) DO UPDATE SET snapshot = excluded.snapshot, changed = excluded.changed
"""
_UNNAME = "DELETE FROM snapshot_names WHERE name = :name"
_EMPTY = "DELETE FROM snapshot_files WHERE snapshot = :snapshot"
_REMOVE = "UPDATE snapshots SET removed = TRUE WHERE id = :snapshot"


class StoredStaging:
    """The staging indexes of a database."""

    def __init__(self, *, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def archives(self, request: RequestId) -> Sequence[Artifact]:
        """Return what the jobs of a request gave."""
        rows = await self._database.read(
            lambda connection: connection.execute(_ARCHIVES, {"request": request}).fetchall()
        )
        return [read_artifact(row) for row in rows]

    async def stage(self, name: str, wheels: Sequence[Artifact]) -> None:
        """Add wheels to a staging index, each in place of one of its name. Raises ConfigurationError for a bad name."""
        snapshot_name(name)

        def work(connection: Connection) -> None:
            connection.queue_up("index")
            now = to_ticks(self._clock.now())
            before = connection.execute(_NAME, {"name": name}).fetchone()
            number = int(connection.execute(_ADD, {"created": now}).fetchone()[0])
            if before is not None:
                old = int(before["snapshot"])
                connection.execute(_CARRY, {"snapshot": number, "before": old})
            for wheel in wheels:
                row = artifact_row(wheel)
                connection.execute(KEEP, {**row, "counts": False})
                connection.execute(_DROP_NAME, {"snapshot": number, "filename": wheel.filename})
                connection.execute(_STAGE, {**row, "snapshot": number})
            connection.execute(_COUNT, {"snapshot": number})
            connection.execute(_MOVE, {"name": name, "snapshot": number, "changed": now})
            if before is not None:
                _forget(connection, int(before["snapshot"]))

        await self._database.write(work)

    async def has(self, name: str) -> bool:
        """Whether there is something in a staging index."""
        found = await self._database.read(
            lambda connection: connection.execute(_NAME, {"name": name}).fetchone()
        )
        return found is not None

    async def clear(self, name: str) -> None:
        """Forget a staging index; twice is the same as once."""

        def work(connection: Connection) -> None:
            connection.queue_up("index")
            row = connection.execute(_NAME, {"name": name}).fetchone()
            if row is not None:
                connection.execute(_UNNAME, {"name": name})
                _forget(connection, int(row["snapshot"]))

        await self._database.write(work)


def _forget(connection: Connection, snapshot: int) -> None:
    connection.execute(_EMPTY, {"snapshot": snapshot})
    connection.execute(_REMOVE, {"snapshot": snapshot})
