"""Builders in the database."""

from collections.abc import Mapping, Sequence

from wheelyard.errors import ConfigurationError
from wheelyard.model.builder import Builder, Facts, Health, Mode, Tier
from wheelyard.ports import Clock
from wheelyard.store.database import Connection, Database, Row
from wheelyard.store.moments import to_moment, to_ticks
from wheelyard.store.texts import read_value, write_value

# A revoked builder makes room for another one of its name; a living one does not.
_ADD = """
INSERT INTO builders (
    name, owner, tier, facts, mode, reason, session, health, streak, enrolled, heard
) VALUES (
    :name, :owner, :tier, :facts, :mode, :reason, :session, :health, :streak, :enrolled, :heard
) ON CONFLICT (name) DO UPDATE SET
    owner = excluded.owner, tier = excluded.tier, facts = excluded.facts, mode = excluded.mode,
    reason = excluded.reason, session = excluded.session, health = excluded.health,
    streak = excluded.streak, enrolled = excluded.enrolled, heard = excluded.heard
WHERE builders.mode = 'revoked'
"""
_GET = "SELECT * FROM builders WHERE name = :name"
_ALL = "SELECT * FROM builders ORDER BY name"
_HEAR = """
UPDATE builders SET facts = :facts, health = :health, session = :session, heard = :heard
WHERE name = :name
"""
_SET_MODE = "UPDATE builders SET mode = :mode, reason = :reason WHERE name = :name"
_SET_STREAK = "UPDATE builders SET streak = :streak WHERE name = :name"


class StoredBuilders:
    """The ``BuilderStore`` of a database."""

    def __init__(self, *, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def add(self, builder: Builder) -> None:
        """Keep a builder. Raises ConfigurationError where a living one has its name."""
        columns = _columns(builder)
        columns["enrolled"] = to_ticks(builder.enrolled or self._clock.now())
        if await self._change(_ADD, columns) == 0:
            raise ConfigurationError(
                f"there is a builder called {builder.name!r} already",
                hint="Choose another name, or revoke that builder first.",
            )

    async def get(self, name: str) -> Builder | None:
        """Return a builder."""
        row = await self._database.read(
            lambda connection: connection.execute(_GET, {"name": name}).fetchone()
        )
        return None if row is None else _read(row)

    async def all(self) -> Sequence[Builder]:
        """Return all builders, by name."""
        rows = await self._database.read(lambda connection: connection.execute(_ALL).fetchall())
        return [_read(row) for row in rows]

    async def hear(self, builder: Builder) -> None:
        """Keep what a builder announced: facts, health, session. An unknown one says nothing."""
        columns = _columns(builder)
        columns["heard"] = to_ticks(builder.heard or self._clock.now())
        await self._change(_HEAR, columns)

    async def set_mode(self, name: str, mode: Mode, reason: str = "") -> bool:
        """Change a builder's mode; False where there is none. Twice is the same as once."""
        names = {"name": name, "mode": mode.value, "reason": reason}
        return await self._change(_SET_MODE, names) > 0

    async def set_streak(self, name: str, streak: int) -> None:
        """Keep how many jobs a builder failed in a row."""
        await self._change(_SET_STREAK, {"name": name, "streak": streak})

    async def _change(self, statement: str, names: Mapping[str, object]) -> int:
        def work(connection: Connection) -> int:
            return connection.execute(statement, names).rowcount

        return await self._database.write(work)


def _columns(builder: Builder) -> dict[str, object]:
    return {
        "name": builder.name,
        "owner": builder.owner,
        "tier": builder.tier.value,
        "facts": write_value(builder.facts),
        "mode": builder.mode.value,
        "reason": builder.reason,
        "session": builder.session,
        "health": write_value(builder.health),
        "streak": builder.streak,
        "enrolled": to_ticks(builder.enrolled),
        "heard": to_ticks(builder.heard),
    }


def _read(row: Row) -> Builder:
    return Builder(
        name=row["name"],
        owner=row["owner"],
        tier=Tier(row["tier"]),
        facts=read_value(Facts, row["facts"]),
        mode=Mode(row["mode"]),
        reason=row["reason"],
        session=row["session"],
        health=read_value(Health, row["health"]),
        streak=row["streak"],
        enrolled=to_moment(row["enrolled"]),
        heard=to_moment(row["heard"]),
    )
