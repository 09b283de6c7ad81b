"""Answers of the index: pages as the client can have them, redirects, and what is wrong.

Whatever goes wrong says what to do, as a page for people and as JSON for programs.
"""

import logging
from collections.abc import Mapping
from urllib.parse import quote

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import Receive, Scope, Send

from wheelyard.errors import WheelyardError
from wheelyard.index.negotiation import Form, by_name, choose
from wheelyard.index.rendered import Representation
from wheelyard.index.site import SECURITY_HEADERS, message_page

_log = logging.getLogger(__name__)
_SHOWN = 80
SECURITY = {name.decode(): value.decode() for name, value in SECURITY_HEADERS}
_TITLES = {404: "Not here", 405: "Only for reading", 406: "Not in this form", 503: "Not now"}
_ADVICE = {
    "Not Found": "There is nothing at this address. All projects are listed at /simple/.",
    "Method Not Allowed": "This index is only read: ask with GET or HEAD.",
}
FOREVER = {"Cache-Control": "public, max-age=31536000, immutable", **SECURITY}
"""Headers of what never changes."""


class Answer:
    """One representation on its way: whole, without its body, or only as *not modified*."""

    def __init__(self, page: Representation, known: bytes, *, head: bool) -> None:
        unchanged = matches(known, page.etag)
        self.status, self.headers = (
            (304, page.unchanged_headers) if unchanged else (200, page.headers)
        )
        self.body = b"" if unchanged or head else page.content

    async def send(self, send: Send) -> None:
        """Send it."""
        await send({"type": "http.response.start", "status": self.status, "headers": self.headers})
        await send({"type": "http.response.body", "body": self.body})


class _PageResponse(Response):
    """The same answer, as the routes give it."""

    def __init__(self, answer: Answer) -> None:
        super().__init__()
        self._answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        await self._answer.send(send)


def negotiated(request: Request, forms: Mapping[Form, Representation]) -> Response:
    """Answer in the form that the client likes best. Raises a 406 where there is none."""
    accept = ",".join(request.headers.getlist("accept"))
    asked = request.query_params.get("format")
    form = choose(accept) if asked is None else by_name(asked)
    if form is None:
        liked = accept if asked is None else asked
        raise HTTPException(406, f"This page comes as {', '.join(Form)}; not as {shown(liked)}.")
    known = request.headers.get("if-none-match", "").encode("latin-1")
    return _PageResponse(Answer(forms[form], known, head=request.method == "HEAD"))


def redirect(request: Request, target: str) -> Response:
    """Redirect to an address relative to this one, which holds behind any proxy's prefix."""
    query = request.scope["query_string"].decode("latin-1")
    return RedirectResponse(f"{target}?{query}" if query else target, 301, headers=SECURITY)


def matches(known: bytes, etag: bytes) -> bool:
    """Compare weakly, as If-None-Match wants it (RFC 9110 section 13.1.2)."""
    if not known:
        return False
    tags = (tag.strip().removeprefix(b"W/") for tag in known.split(b","))
    return known.strip() == b"*" or etag in tags


async def explain(request: Request, error: Exception) -> Response:
    """Say what is wrong and what to do."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    detail = error.detail if isinstance(error, HTTPException) else str(error)
    detail = _ADVICE.get(detail, detail)
    headers = dict((isinstance(error, HTTPException) and error.headers) or {})
    if "json" in request.headers.get("accept", "") and not wants_page(request):
        content = msgspec.json.encode({"message": detail})
        return Response(
            content, status, headers={**headers, **SECURITY}, media_type="application/json"
        )
    return page(message_page(_TITLES.get(status, "Not possible"), [detail]), status, headers)


async def unavailable(request: Request, error: Exception) -> Response:
    """Answer for a store that cannot be read at the moment; installers try again after a 503."""
    _log.error("index.request_failed", extra={"path": request.scope["path"], "error": str(error)})
    hint = error.hint if isinstance(error, WheelyardError) else ""
    return await explain(request, HTTPException(503, f"{error}. {hint}".strip()))


def wants_page(request: Request) -> bool:
    """Tell whether a person is likely to read the answer: browsers put HTML first, others last."""
    return request.headers.get("accept", "").startswith("text/html")


def page(content: bytes, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Answer with a page for people."""
    merged = {**(headers or {}), **SECURITY, "Cache-Control": "no-cache"}
    return Response(content, status, headers=merged, media_type="text/html")


def shown(text: str) -> str:
    """Quote what a client sent, without what would disturb a terminal or a page."""
    quoted = quote(text[:_SHOWN], safe=" ,;=/*+.-_")
    return f"'{quoted}…'" if len(text) > _SHOWN else f"'{quoted}'"
