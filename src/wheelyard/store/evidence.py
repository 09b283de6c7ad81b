"""What is kept of the past and shapes nothing any more: logs, and wheels that were superseded."""

import json
from collections.abc import Sequence
from datetime import datetime

from wheelyard.ports import Past
from wheelyard.store.database import Connection, Database
from wheelyard.store.moments import to_ticks

_SUPERSEDED = """
SELECT id, filename, digest, size FROM artifacts
WHERE NOT counts AND NOT published AND created < :before
AND NOT EXISTS (SELECT 1 FROM jobs WHERE jobs.artifact = artifacts.digest)
AND NOT EXISTS (SELECT 1 FROM snapshot_files WHERE snapshot_files.artifact = artifacts.id)
ORDER BY id
"""
_FORGET = "DELETE FROM artifacts WHERE id = :id"
_LOGS = (
    "SELECT id, report FROM attempts WHERE finished < :before AND report IS NOT NULL ORDER BY id"
)
_WITHOUT_LOG = "UPDATE attempts SET report = :report WHERE id = :id"


class StoredEvidence:
    """The evidence in a database. ``forget`` is of what was just found, and looks at it again."""

    def __init__(self, *, database: Database) -> None:
        self._database = database

    async def superseded(self, before: datetime, *, forget: bool) -> Sequence[Past]:
        """Return wheels older than a moment that neither count nor are in an index or a snapshot."""

        def work(connection: Connection) -> Sequence[Past]:
            rows = connection.execute(_SUPERSEDED, {"before": to_ticks(before)}).fetchall()
            if forget:
                connection.execute_all(_FORGET, [{"id": row["id"]} for row in rows])
            return [Past(digest=row["digest"], size=row["size"]) for row in rows]

        return await (self._database.write(work) if forget else self._database.read(work))

    async def logs(self, before: datetime, *, forget: bool) -> Sequence[Past]:
        """Return the logs of attempts that ended before a moment."""

        def work(connection: Connection) -> Sequence[Past]:
            found, changed = [], []
            for row in connection.execute(_LOGS, {"before": to_ticks(before)}).fetchall():
                report = json.loads(row["report"])
                if not report.get("log_digest"):
                    continue
                for name in ("log_digest", "calls_digest"):
                    if report.get(name):
                        found.append(Past(digest=report[name], size=0))
                        report[name] = ""
                changed.append({"id": row["id"], "report": json.dumps(report)})
            if forget:
                connection.execute_all(_WITHOUT_LOG, changed)
            return found

        return await (self._database.write(work) if forget else self._database.read(work))
