"""Requests, their waiters, and what waiters are told, in the database."""

from collections.abc import Sequence

from wheelyard.model.request import Kind, Notice, Request, RequestId, RequestState
from wheelyard.ports import Clock
from wheelyard.store.database import Connection, Database, Row
from wheelyard.store.moments import to_moment, to_ticks
from wheelyard.store.where import Where

_ADD = """
INSERT INTO requests (
    id, kind, owner, text, digest, summary, created, priority, state, reason, ended
) VALUES (
    :id, :kind, :owner, :text, :digest, :summary, :created, :priority, :state, :reason, :ended
)
"""
_GET = "SELECT * FROM requests WHERE id = :id"
_OPEN = "SELECT * FROM requests WHERE digest = :digest AND state = 'open' FOR UPDATE"
_END = """
UPDATE requests SET state = :state, reason = :reason, ended = :now
WHERE id = :id AND state = 'open'
"""
_WAIT = """
INSERT INTO waiters (request, address, number)
SELECT :request, :address, COUNT(*) FROM waiters WHERE request = :request
ON CONFLICT (request, address) DO NOTHING
"""
_WAITERS = "SELECT address FROM waiters WHERE request = :request ORDER BY number"
_TELL = """
INSERT INTO notices (request, address, subject, body, tries, due, reason)
VALUES (:request, :address, :subject, :body, 0, :now, '')
"""
_DUE = """
SELECT * FROM notices WHERE due IS NOT NULL AND due <= :now ORDER BY due, id LIMIT :limit
"""
_SENT = "UPDATE notices SET due = NULL WHERE id = :id"
_FAILED = """
UPDATE notices SET due = :due, tries = tries + 1, reason = :reason WHERE id = :id
"""


class StoredRequests:
    """The ``RequestStore`` of a database."""

    def __init__(self, *, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def add(self, request: Request, waiters: Sequence[str]) -> Request:
        """Keep a request with the addresses to be told; join the open one with the same digest."""

        def work(connection: Connection) -> Request:
            row = connection.execute(_OPEN, {"digest": request.digest}).fetchone()
            kept = request if row is None else _read(row)
            if row is None:
                connection.execute(_ADD, _columns(request))
            for address in dict.fromkeys(waiters):
                connection.execute(_WAIT, {"request": kept.id, "address": address})
            return kept

        return await self._database.write(work)

    async def get(self, request: RequestId) -> Request | None:
        """Return a request."""
        row = await self._database.read(
            lambda connection: connection.execute(_GET, {"id": request}).fetchone()
        )
        return None if row is None else _read(row)

    async def find(
        self, *, state: RequestState | None = None, owner: str = "", limit: int = 100
    ) -> Sequence[Request]:
        """Return requests, newest first."""
        where = Where()
        where.equal("state", state)
        where.equal("owner", owner)
        rows = await self._database.read(
            lambda connection: where.select(
                connection, "SELECT * FROM requests", "created DESC, id DESC", limit
            )
        )
        return [_read(row) for row in rows]

    async def end(
        self,
        request: RequestId,
        state: RequestState,
        reason: str,
        notices: Sequence[tuple[str, str, str]],
    ) -> bool:
        """End an open request and write down who is to be told; False where it had ended before."""
        names = {"now": to_ticks(self._clock.now()), "reason": reason}

        def work(connection: Connection) -> bool:
            ended = {"id": request, "state": state.value, **names}
            if connection.execute(_END, ended).rowcount == 0:
                return False
            for address, subject, body in notices:
                told = {"request": request, "address": address, "subject": subject, "body": body}
                connection.execute(_TELL, {**told, **names})
            return True

        return await self._database.write(work)

    async def waiters(self, request: RequestId) -> Sequence[str]:
        """Return the addresses that are told when it ends."""
        rows = await self._database.read(
            lambda connection: connection.execute(_WAITERS, {"request": request}).fetchall()
        )
        return tuple(row["address"] for row in rows)

    async def due_notices(self, *, limit: int = 100) -> Sequence[Notice]:
        """Return notices that were not sent yet and may be tried now."""
        names = {"now": to_ticks(self._clock.now()), "limit": limit}
        rows = await self._database.read(
            lambda connection: connection.execute(_DUE, names).fetchall()
        )
        return [_read_notice(row) for row in rows]

    async def notice_sent(self, notice: int) -> None:
        """Never send it again."""
        await self._database.write(lambda connection: connection.execute(_SENT, {"id": notice}))

    async def notice_failed(self, notice: int, *, again_in: float, reason: str) -> None:
        """Try it again later."""
        due = to_ticks(self._clock.now()) + round(again_in * 1_000_000)
        names = {"id": notice, "due": due, "reason": reason}
        await self._database.write(lambda connection: connection.execute(_FAILED, names))


def _columns(request: Request) -> dict[str, object]:
    return {
        "id": request.id,
        "kind": request.kind.value,
        "owner": request.owner,
        "text": request.text,
        "digest": request.digest,
        "summary": request.summary,
        "created": to_ticks(request.created),
        "priority": request.priority,
        "state": request.state.value,
        "reason": request.reason,
        "ended": to_ticks(request.ended),
    }


def _read(row: Row) -> Request:
    return Request(
        id=RequestId(row["id"]),
        kind=Kind(row["kind"]),
        owner=row["owner"],
        text=bytes(row["text"]),
        digest=row["digest"],
        summary=row["summary"],
        created=to_moment(row["created"]),
        priority=row["priority"],
        state=RequestState(row["state"]),
        reason=row["reason"],
        ended=to_moment(row["ended"]),
    )


def _read_notice(row: Row) -> Notice:
    return Notice(
        id=row["id"],
        request=RequestId(row["request"]),
        address=row["address"],
        subject=row["subject"],
        body=row["body"],
        tries=row["tries"],
    )
