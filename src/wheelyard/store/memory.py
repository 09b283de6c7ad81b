"""What was learned and stays true, in the database."""

from wheelyard.store.database import Database

_RECALL = "SELECT value FROM memory WHERE kind = :kind AND key = :key"
_KEEP = """
INSERT INTO memory (kind, key, value) VALUES (:kind, :key, :value)
ON CONFLICT (kind, key) DO UPDATE SET value = excluded.value
"""


class StoredMemory:
    """The ``Memory`` of a database."""

    def __init__(self, *, database: Database) -> None:
        self._database = database

    async def recall(self, kind: str, key: str) -> bytes | None:
        """Return what was kept, or None."""
        names = {"kind": kind, "key": key}
        row = await self._database.read(
            lambda connection: connection.execute(_RECALL, names).fetchone()
        )
        return None if row is None else bytes(row[0])

    async def keep(self, kind: str, key: str, value: bytes) -> None:
        """Keep a value, in place of an older one."""
        names = {"kind": kind, "key": key, "value": value}
        await self._database.write(lambda connection: connection.execute(_KEEP, names))
