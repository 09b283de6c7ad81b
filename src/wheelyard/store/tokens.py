"""Tokens in the database: never a secret, only its digest."""

from collections.abc import Mapping, Sequence

from wheelyard.farm_ports import Role, Token
from wheelyard.model.builder import Tier
from wheelyard.ports import Clock
from wheelyard.store.database import Connection, Database, Row
from wheelyard.store.moments import to_moment, to_ticks

_ADD = """
INSERT INTO tokens (
    id, secret_digest, role, subject, created, expires, tier, note, revoked
) VALUES (
    :id, :secret_digest, :role, :subject, :created, :expires, :tier, :note, :revoked
) ON CONFLICT (id) DO NOTHING
"""
_GET = "SELECT * FROM tokens WHERE id = :id"
_ALL = "SELECT * FROM tokens WHERE role <> 'job' ORDER BY created DESC, id DESC"
_SPEND = """
UPDATE tokens SET revoked = TRUE
WHERE id = :id AND NOT revoked AND (expires IS NULL OR expires > :now)
"""
_REVOKE = "UPDATE tokens SET revoked = TRUE WHERE id = :id"
_REVOKE_OF = """
UPDATE tokens SET revoked = TRUE WHERE role = :role AND subject = :subject AND NOT revoked
"""


class StoredTokens:
    """The ``TokenStore`` of a database. New ones go together where several come at once: each job has one."""

    def __init__(self, *, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def add(self, token: Token) -> None:
        """Keep a token."""
        added = await self._database.write_together(
            lambda connection: connection.execute(_ADD, _columns(token)).rowcount
        )
        if added == 0:
            raise ValueError(f"there is a token {token.id!r} already")

    async def get(self, token: str) -> Token | None:
        """Return a token by its id, revoked or not."""
        row = await self._database.first(_GET, {"id": token})
        return None if row is None else _read(row)

    async def all(self) -> Sequence[Token]:
        """Return all tokens that are not of jobs, newest first."""
        rows = await self._database.read(lambda connection: connection.execute(_ALL).fetchall())
        return [_read(row) for row in rows]

    async def spend(self, token: str) -> bool:
        """Use a token that counts once; False where it was used or revoked, or is over."""
        return await self._change(_SPEND, {"id": token, "now": to_ticks(self._clock.now())}) > 0

    async def revoke(self, token: str) -> bool:
        """Let a token count no more; False where there is none."""
        return await self._change(_REVOKE, {"id": token}) > 0

    async def revoke_of(self, role: Role, subject: str) -> int:
        """Let all tokens of a subject count no more; return how many."""
        return await self._change(_REVOKE_OF, {"role": role.value, "subject": subject})

    async def _change(self, statement: str, names: Mapping[str, object]) -> int:
        def work(connection: Connection) -> int:
            return connection.execute(statement, names).rowcount

        return await self._database.write(work)


def _columns(token: Token) -> dict[str, object]:
    return {
        "id": token.id,
        "secret_digest": token.secret_digest,
        "role": token.role.value,
        "subject": token.subject,
        "created": to_ticks(token.created),
        "expires": to_ticks(token.expires),
        "tier": None if token.tier is None else token.tier.value,
        "note": token.note,
        "revoked": token.revoked,
    }


def _read(row: Row) -> Token:
    return Token(
        id=row["id"],
        secret_digest=row["secret_digest"],
        role=Role(row["role"]),
        subject=row["subject"],
        created=to_moment(row["created"]),
        expires=to_moment(row["expires"]),
        tier=None if row["tier"] is None else Tier(row["tier"]),
        note=row["note"],
        revoked=bool(row["revoked"]),
    )
