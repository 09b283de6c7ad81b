"""The farm's event log in the database."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

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


@dataclass(slots=True, eq=False)
class _Line:
    """A line on its way into the database."""

    columns: Mapping[str, object]
    written: bool = False


class StoredEvents:
    """The ``EventLog`` of a database.

    Lines that come while others are being written wait and go together: a commit is slow, and a farm
    writes several lines a job.
    """

    def __init__(self, *, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._waiting: list[_Line] = []
        self._turn = asyncio.Lock()

    async def write(
        self, action: str, subject: str, *, actor: str = "", **detail: str | float
    ) -> None:
        """Add a line; it is there when this returns."""
        line = _Line(
            {
                "at": to_ticks(self._clock.now()),
                "action": action,
                "subject": subject,
                "actor": actor,
                "detail": write_value(detail),
            }
        )
        self._waiting.append(line)
        async with self._turn:
            if not line.written:
                lines, self._waiting = self._waiting, []
                await self._write(lines, mine=line)

    async def _write(self, lines: list[_Line], *, mine: _Line) -> None:
        writing = asyncio.ensure_future(self._database.write(lambda c: _insert(c, lines)))
        try:
            await asyncio.shield(writing)
        finally:
            # Whoever is cancelled here had others' lines with it, and the thread that writes them goes on.
            await asyncio.wait([writing])
            if writing.exception() is None:
                for line in lines:
                    line.written = True
            else:
                self._waiting[:0] = [line for line in lines if line is not mine]

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


def _insert(connection: Connection, lines: Sequence[_Line]) -> None:
    # Numbers must become visible in their order: who has read up to one has read all before it.
    connection.queue_up("happenings")
    for line in lines:
        connection.execute(_WRITE, line.columns)


def _read(row: Row) -> Happening:
    return Happening(
        id=row["id"],
        at=to_moment(row["at"]),
        action=row["action"],
        subject=row["subject"],
        actor=row["actor"],
        detail=read_value(dict[str, str | int | float], row["detail"]),
    )
