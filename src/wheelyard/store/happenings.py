"""The farm's event log in the database."""

from collections.abc import Sequence

from wheelyard.farm_ports import Happening
from wheelyard.ports import Clock
from wheelyard.store.database import Connection, Database, Row
from wheelyard.store.moments import to_moment, to_ticks
from wheelyard.store.texts import read_value, write_value

_WRITE = """
INSERT INTO happenings (at, action, subject, actor, detail)
VALUES (:at, :action, :subject, :actor, :detail)
"""
_READ = "SELECT * FROM happenings WHERE id > :after ORDER BY id LIMIT :limit"
_OF_SUBJECT = """
SELECT * FROM happenings WHERE subject = :subject AND id > :after ORDER BY id LIMIT :limit
"""
_LAST = "SELECT MAX(id) AS id FROM happenings"
_RECENT = "SELECT * FROM happenings WHERE {where} ORDER BY id DESC LIMIT :limit"


class StoredEvents:
    """The ``EventLog`` of a database. Lines go together where several come at once."""

    def __init__(self, *, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def write(
        self, action: str, subject: str, *, actor: str = "", **detail: str | float
    ) -> None:
        """Add a line; it is there when this returns."""
        line = {
            "at": to_ticks(self._clock.now()),
            "action": action,
            "subject": subject,
            "actor": actor,
            "detail": write_value(detail),
        }

        def work(connection: Connection) -> None:
            # Numbers must become visible in their order: who has read up to one has read all before it.
            connection.queue_up("happenings")
            connection.later(_WRITE, line)

        await self._database.write_together(work)

    async def read(
        self, *, after: int = 0, subject: str = "", limit: int = 1000
    ) -> Sequence[Happening]:
        """Return lines after a number, oldest first."""
        names = {"after": after, "subject": subject, "limit": limit}
        statement = _OF_SUBJECT if subject else _READ
        rows = await self._database.read(
            lambda connection: connection.execute(statement, names).fetchall()
        )
        return [_read(row) for row in rows]

    async def last(self) -> int:
        """Return the number of the newest line; 0 where there is none."""
        row = await self._database.read(lambda connection: connection.execute(_LAST).fetchone())
        return int(row["id"] or 0)

    async def recent(
        self, *, before: int = 0, subject: str = "", actor: str = "", limit: int = 100
    ) -> Sequence[Happening]:
        """Return the lines before a number (0: all of them), newest first."""
        wanted = {"before": before, "subject": subject, "actor": actor}
        names = {name: value for name, value in wanted.items() if value}
        where = " AND ".join(
            f"id < :{name}" if name == "before" else f"{name} = :{name}" for name in names
        )
        statement = _RECENT.format(where=where or "TRUE")
        rows = await self._database.read(
            lambda connection: connection.execute(statement, {**names, "limit": limit}).fetchall()
        )
        return [_read(row) for row in rows]


def _read(row: Row) -> Happening:
    return Happening(
        id=row["id"],
        at=to_moment(row["at"]),
        action=row["action"],
        subject=row["subject"],
        actor=row["actor"],
        detail=read_value(dict[str, str | int | float], row["detail"]),
    )
