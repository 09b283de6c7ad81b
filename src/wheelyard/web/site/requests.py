"""Requests: asking for a build in a form, following it, and ending it."""

import shlex
from collections.abc import Mapping, Sequence
from urllib.parse import urlencode

import msgspec

from wheelyard.model.request import Kind, RequestId
from wheelyard.protocol.requests import WheelsWanted, encode_wanted
from wheelyard.web.access import REQUESTERS
from wheelyard.web.endpoint import Call, Parameter
from wheelyard.web.filters import PAGES
from wheelyard.web.ports import WebPorts
from wheelyard.web.refusals import Refusal
from wheelyard.web.requests import Asked, RequestBook, RequestView
from wheelyard.web.site.blocking_view import BlockingView, drawn
from wheelyard.web.site.page import Deed, Page
from wheelyard.web.stories import Stories

_LONGEST_TOLD = 400


class RequestList(msgspec.Struct, kw_only=True):
    """Some requests, newest first, and the address of those after them."""

    requests: Sequence[RequestView]
    state: str
    owner: str
    after: str | None


class NewRequest(msgspec.Struct, kw_only=True):
    """What the form holds."""

    requirements: str
    targets: str
    from_source: str


class UnitView(msgspec.Struct, kw_only=True):
    """A unit of a request's plan that runs now."""

    unit: str
    seconds: float


class Progress(msgspec.Struct, kw_only=True):
    """How far a request is, where this process carries it out."""

    units: int
    settled: int
    seconds_left: float
    running: Sequence[UnitView]


class RequestPageView(msgspec.Struct, kw_only=True):
    """One request, and how far it is."""

    request: RequestView
    asked: str
    progress: Progress | None
    blocking: BlockingView | None


class RequestsSite:
    """Shows requests, and takes new ones."""

    def __init__(self, *, book: RequestBook, stories: Stories) -> None:
        self._book = book
        self._stories = stories

    async def list(self, call: Call) -> RequestList:
        """Show some requests."""
        page = await self._book.some(call)
        state, owner = call.text("state"), call.text("owner")
        kept = {name: value for name, value in (("state", state), ("owner", owner)) if value}
        after = None if page.next is None else f"?{urlencode({**kept, 'offset': page.next})}"
        return RequestList(requests=page.requests, state=state, owner=owner, after=after)

    async def ask(self, call: Call) -> NewRequest:
        """Show the form, filled with what the address says."""
        return NewRequest(
            requirements=call.text("requirements"),
            targets=call.text("targets"),
            from_source=call.text("from_source", "all"),
        )

    async def show(self, call: Call) -> RequestPageView:
        """Show one request."""
        request = await self._book.one(call)
        story = self._stories.get(RequestId(request.id))
        standing = story.standing() if story and story.standing and not story.over else None
        progress = None
        if standing is not None:
            progress = Progress(
                units=standing.units,
                settled=standing.settled,
                seconds_left=standing.seconds_left,
                running=[
                    UnitView(unit=str(unit), seconds=seconds)
                    for unit, seconds in standing.running.items()
                ],
            )
        blocking = story.blocking() if story and story.blocking and not story.over else None
        asked = bytes(request.asked or b"").decode(errors="replace")
        return RequestPageView(
            request=request,
            asked=asked,
            progress=progress,
            blocking=None if blocking is None else drawn(blocking),
        )

    async def submit(self, call: Call, fields: Mapping[str, str]) -> str:
        """Take a request."""
        wanted = _wanted(fields)
        notify = tuple(fields.get("notify", "").split())
        asked = Asked(
            kind=Kind.WHEELS,
            asked=msgspec.Raw(encode_wanted(wanted)),
            priority=_priority(fields.get("priority", "")),
            notify=tuple(_address(one) for one in notify),
        )
        request, _ = await self._book.take(call, asked)
        return f"/requests/{request.id}"

    async def end(self, call: Call, _: Mapping[str, str]) -> str:
        """End a request."""
        await self._book.end(call)
        return f"/requests/{call.place('request')}"


def _wanted(fields: Mapping[str, str]) -> WheelsWanted:
    try:
        requirements = tuple(shlex.split(fields.get("requirements", ""), comments=True))
    except ValueError as error:
        raise Refusal(
            422, f"the requirements cannot be read: {error}", "Close every quote."
        ) from error
    values = {
        "requirements": requirements,
        "targets": tuple(fields.get("targets", "").replace(",", " ").split()),
        "constraints": tuple(
            filter(None, map(str.strip, fields.get("constraints", "").splitlines()))
        ),
        "from_source": fields.get("from_source") or "all",
        "check_reproducible": fields.get("check_reproducible") == "on",
    }
    for name, hint in (
        ("requirements", "Write them as for pip: flask 'sqlalchemy<2.1'."),
        ("targets", "Write at least one, as in cp312-manylinux_2_28_x86_64."),
    ):
        if not values[name]:
            raise Refusal(422, f"the request names no {name}", hint)
    try:
        return msgspec.convert(values, WheelsWanted)
    except msgspec.ValidationError as error:
        raise Refusal(422, f"the request cannot be followed: {error}") from error


def _priority(text: str) -> int:
    try:
        return int(text or "0")
    except ValueError:
        raise Refusal(422, "the priority is no number", "0 is usual.") from None


def _address(text: str) -> str:
    """Let people write their address without the scheme."""
    return text if ":" in text else f"mailto:{text}"


def pages(ports: WebPorts) -> Sequence[Page | Deed]:
    """Return what there is of requests."""
    site = RequestsSite(
        book=RequestBook(requests=ports.requests, desk=ports.desk), stories=ports.stories
    )
    return (*_looked_at(site), *_decided(site))


def _looked_at(site: RequestsSite) -> Sequence[Page]:
    return (
        Page(
            path="/requests",
            template="requests.html",
            title="Requests",
            show=site.list,
            says="What people asked for, newest first.",
            query=(
                Parameter(name="state", says="open, done, failed or cancelled."),
                Parameter(name="owner", says="Only those of somebody."),
                *PAGES,
            ),
            follows=("requests",),
        ),
        Page(
            path="/requests/new",
            template="new_request.html",
            title="Ask for a build",
            show=site.ask,
            says="A form to ask for a build.",
            query=(
                Parameter(name="requirements", says="What the form begins with."),
                Parameter(name="targets", says="Likewise."),
                Parameter(name="from_source", says="Likewise."),
            ),
            allowed=REQUESTERS,
            visitors=False,
        ),
        Page(
            path="/requests/{request}",
            template="request.html",
            title="Request: {request.summary}",
            show=site.show,
            says="One request, and how far it is.",
            follows=("request:{request.id}", "jobs"),
        ),
    )


def _decided(site: RequestsSite) -> Sequence[Deed]:
    return (
        Deed(
            path="/requests",
            do=site.submit,
            says="Ask for a build.",
            allowed=REQUESTERS,
            fields=(
                "requirements",
                "targets",
                "constraints",
                "from_source",
                "check_reproducible",
                "priority",
                "notify",
            ),
        ),
        Deed(
            path="/requests/{request}/cancel",
            do=site.end,
            says="End a request, and the jobs that nobody else wants.",
            allowed=REQUESTERS,
        ),
    )
