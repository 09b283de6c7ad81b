"""Requests and their waiters in dictionaries."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from wheelyard.model.request import Notice, Request, RequestId, RequestState
from wheelyard.ports import Clock
from wheelyard.testing.clock import FixedClock


@dataclass(slots=True)
class _Kept:
    request: Request
    waiters: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Unsent:
    notice: Notice
    due: datetime
    sent: bool = False
    reason: str = ""


class MemoryRequestStore:
    """The ``RequestStore`` port in memory."""

    def __init__(self, *, clock: Clock | None = None) -> None:
        self._clock = clock or FixedClock()
        self._kept: dict[RequestId, _Kept] = {}
        self._notices: dict[int, _Unsent] = {}

    async def add(self, request: Request, waiters: Sequence[str]) -> Request:
        """Keep a request with the addresses to be told; join the open one with the same digest."""
        kept = self._open(request.digest)
        if kept is None:
            kept = self._kept[request.id] = _Kept(request)
        for address in waiters:
            if address not in kept.waiters:
                kept.waiters.append(address)
        return kept.request

    async def get(self, request: RequestId) -> Request | None:
        """Return a request."""
        kept = self._kept.get(request)
        return None if kept is None else kept.request

    async def find(
        self, *, state: RequestState | None = None, owner: str = "", limit: int = 100
    ) -> Sequence[Request]:
        """Return requests, newest first."""
        found = [
            kept.request
            for kept in self._kept.values()
            if state in {None, kept.request.state} and owner in {"", kept.request.owner}
        ]
        return sorted(found, key=lambda one: (one.created, one.id), reverse=True)[:limit]

    async def end(
        self,
        request: RequestId,
        state: RequestState,
        reason: str,
        notices: Sequence[tuple[str, str, str]],
    ) -> bool:
        """End an open request and write down who is to be told; False where it had ended before."""
        kept = self._kept.get(request)
        if kept is None or kept.request.state is not RequestState.OPEN:
            return False
        now = self._clock.now()
        kept.request = replace(kept.request, state=state, reason=reason, ended=now)
        for address, subject, body in notices:
            number = len(self._notices) + 1
            notice = Notice(id=number, request=request, address=address, subject=subject, body=body)
            self._notices[number] = _Unsent(notice, now)
        return True

    async def waiters(self, request: RequestId) -> Sequence[str]:
        """Return the addresses that are told when it ends."""
        kept = self._kept.get(request)
        return () if kept is None else tuple(kept.waiters)

    async def due_notices(self, *, limit: int = 100) -> Sequence[Notice]:
        """Return notices that were not sent yet and may be tried now."""
        now = self._clock.now()
        due = [one for one in self._notices.values() if not one.sent and one.due <= now]
        due.sort(key=lambda one: (one.due, one.notice.id))
        return [one.notice for one in due[:limit]]

    async def notice_sent(self, notice: int) -> None:
        """Never send it again."""
        if notice in self._notices:
            self._notices[notice].sent = True

    async def notice_failed(self, notice: int, *, again_in: float, reason: str) -> None:
        """Try it again later."""
        if notice in self._notices:
            kept = self._notices[notice]
            kept.due = self._clock.now() + timedelta(seconds=again_in)
            kept.reason = reason
            kept.notice = replace(kept.notice, tries=kept.notice.tries + 1)

    def _open(self, digest: str) -> _Kept | None:
        for kept in self._kept.values():
            if kept.request.digest == digest and kept.request.state is RequestState.OPEN:
                return kept
        return None
