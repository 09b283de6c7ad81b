"""Requests: taking them, showing them, ending them."""

from collections.abc import Sequence
from datetime import datetime

import msgspec
from starlette.responses import Response

from wheelyard.farm_ports import RequestStore, Role
from wheelyard.model.request import Kind, Request, RequestId, RequestState, Wish
from wheelyard.protocol.commands import decode_command
from wheelyard.web.access import READERS, REQUESTERS, at_least
from wheelyard.web.endpoint import Call, Endpoint, Parameter, answered
from wheelyard.web.filters import PAGES, next_offset, page_of
from wheelyard.web.jobs import Changed
from wheelyard.web.ports import Desk, WebPorts
from wheelyard.web.refusals import Refusal, not_there, shortened

_LARGEST = 1 << 20
_MOST_WAITERS = 20
_LONGEST_ADDRESS = 2000
_MOST_PRIORITY = 100
_MOST_WAITS = 100


class Asked(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What somebody asks for. ``notify`` are addresses (apprise, ``mailto:``) that are told of its end once."""

    kind: Kind
    asked: msgspec.Raw
    priority: int = 0
    notify: tuple[str, ...] = ()


class RequestView(msgspec.Struct, kw_only=True):
    """A request as people see it. Who is told is not shown: addresses may hold passwords."""

    id: str
    kind: str
    owner: str
    summary: str
    state: str
    reason: str
    priority: int
    created: datetime
    ended: datetime | None
    waiters: int | None = None
    asked: msgspec.Raw | None = None
    waits: Sequence[str] | None = None


class RequestPage(msgspec.Struct, kw_only=True):
    """Some requests; ``next`` is the offset of the next page."""

    requests: Sequence[RequestView]
    next: int | None


class RequestBook:
    """Takes requests and shows them."""

    def __init__(self, *, requests: RequestStore, desk: Desk) -> None:
        self._requests = requests
        self._desk = desk

    async def submit(self, call: Call) -> Response:
        """Take a request; 200 where one like it was open, and this one joined it."""
        asked = await call.value(Asked, _LARGEST)
        request, joined = await self.take(call, asked)
        status = 200 if joined else 201
        return answered(view_of(request), status, {"Location": f"/api/requests/{request.id}"})

    async def take(self, call: Call, asked: Asked) -> tuple[Request, bool]:
        """Take a request, and say whether it joined one that was open. Raises a Refusal."""
        _check(asked)
        priority = asked.priority
        if priority > 0 and call.bearer.role not in at_least(Role.OPERATOR):
            raise Refusal(403, "only operators may ask with a raised priority", "Leave it at 0.")
        if asked.kind is Kind.COMMAND and call.bearer.role not in at_least(Role.OPERATOR):
            _check_no_channel(bytes(asked.asked))
        wish = Wish(
            kind=asked.kind,
            asked=bytes(asked.asked),
            owner=call.bearer.subject,
            priority=priority,
            notify=asked.notify,
        )
        before = {
            one.id for one in await self._requests.find(state=RequestState.OPEN, limit=10_000)
        }
        request = await self._desk.submit(wish)
        return request, request.id in before

    async def page(self, call: Call) -> Response:
        """Answer with some requests, newest first."""
        return answered(await self.some(call))

    async def some(self, call: Call) -> RequestPage:
        """Return some requests, newest first."""
        offset, limit = page_of(call)
        found = await self._requests.find(
            state=_state_of(call), owner=call.text("owner"), limit=offset + limit + 1
        )
        views = [view_of(one) for one in found[offset : offset + limit]]
        return RequestPage(requests=views, next=next_offset(found, offset, limit))

    async def show(self, call: Call) -> Response:
        """Answer with a request."""
        return answered(await self.one(call))

    async def one(self, call: Call) -> RequestView:
        """Return the request that the address names. Raises a Refusal."""
        request = await self._find(call)
        view = view_of(request)
        view.waiters = len(await self._requests.waiters(request.id))
        view.asked = msgspec.Raw(request.text or b"null")
        if request.state is RequestState.OPEN:
            view.waits = (await self._desk.waits(request.id))[:_MOST_WAITS]
        return view

    async def cancel(self, call: Call) -> Response:
        """End a request: one's own, or anybody's as an operator."""
        return answered(Changed(changed=await self.end(call)))

    async def end(self, call: Call) -> bool:
        """End the request that the address names; False where it had ended. Raises a Refusal."""
        request = await self._find(call)
        own = request.owner == call.bearer.subject
        if not own and call.bearer.role not in at_least(Role.OPERATOR):
            raise Refusal(403, f"the request is {request.owner}'s", "Operators may end any.")
        return await self._desk.cancel_request(request.id, actor=call.bearer.subject)

    async def _find(self, call: Call) -> Request:
        name = call.place("request")
        request = await self._requests.get(RequestId(name))
        if request is None:
            raise not_there("request", name)
        return request


def view_of(request: Request) -> RequestView:
    """Return a request as people see it."""
    return RequestView(
        id=request.id,
        kind=request.kind.value,
        owner=request.owner,
        summary=request.summary,
        state=request.state.value,
        reason=request.reason,
        priority=request.priority,
        created=request.created,
        ended=request.ended,
    )


def _check(asked: Asked) -> None:
    if abs(asked.priority) > _MOST_PRIORITY:
        raise Refusal(422, f"the priority {asked.priority} is out of reach", "From -100 to 100.")
    if len(asked.notify) > _MOST_WAITERS:
        raise Refusal(
            422, f"{len(asked.notify)} addresses are too many", f"{_MOST_WAITERS} at most."
        )
    for address in asked.notify:
        if not address.isprintable() or not 0 < len(address) <= _LONGEST_ADDRESS:
            raise Refusal(
                422, f"{shortened(address)!r} is no address", "mailto:me@example.org is one."
            )


def _check_no_channel(text: bytes) -> None:
    """Raise a Refusal where packages are to enter the channel, which is not for everybody to decide."""
    if decode_command(text).channel:
        raise Refusal(
            403, "only operators may let packages into the channel", "Ask without channel."
        )


def _state_of(call: Call) -> RequestState | None:
    text = call.text("state")
    try:
        return RequestState(text) if text else None
    except ValueError:
        known = ", ".join(RequestState)
        raise Refusal(422, f"{shortened(text)!r} is no state", f"The states are {known}.") from None


def endpoints(ports: WebPorts) -> Sequence[Endpoint]:
    """Return what there is of requests."""
    book = RequestBook(requests=ports.requests, desk=ports.desk)
    return (
        Endpoint(
            method="POST",
            path="/api/requests",
            allowed=REQUESTERS,
            answer=book.submit,
            says="Ask for something to be built; 200 where one like it was open already.",
            body=Asked,
            gives=RequestView,
            status=201,
            also=((200, RequestView),),
        ),
        Endpoint(
            method="GET",
            path="/api/requests",
            allowed=READERS,
            answer=book.page,
            says="Requests, newest first.",
            query=(
                Parameter(name="state", says="open, done, failed or cancelled."),
                Parameter(name="owner", says="Only those of somebody."),
                *PAGES,
            ),
            gives=RequestPage,
        ),
        Endpoint(
            method="GET",
            path="/api/requests/{request}",
            allowed=READERS,
            answer=book.show,
            says="A request, with what was asked, and what it waits for.",
            gives=RequestView,
        ),
        Endpoint(
            method="POST",
            path="/api/requests/{request}/cancel",
            allowed=REQUESTERS,
            answer=book.cancel,
            says="End a request, and the jobs that nobody else wants.",
            gives=Changed,
        ),
    )
