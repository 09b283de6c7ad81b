"""One row of the route table: an address, who may use it, and what answers.

The table is the truth: the router, the description at /api/openapi.json and the tests that walk all
routes are made from it.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from wheelyard.web.access import Allowed, Bearer
from wheelyard.web.refusals import Refusal, shortened

T = TypeVar("T")
SMALL_BODY = 64 * 1024
CHUNK_SECONDS = 60.0
"""How long the next bytes of a body may take."""
INTERFACE = ("/api/", "/healthz", "/metrics")
"""Where programs are answered; elsewhere who wants HTML gets a page."""


class Call:
    """One request, with who asks."""

    def __init__(self, request: Request, bearer: Bearer | None) -> None:
        self.request = request
        self._bearer = bearer

    @property
    def visitor(self) -> Bearer | None:
        """Who asks, where they said so."""
        return self._bearer

    @property
    def bearer(self) -> Bearer:
        """Who asks."""
        if self._bearer is None:
            raise AssertionError("an endpoint for anybody asked who it is")
        return self._bearer

    def place(self, name: str) -> str:
        """Return a part of the path."""
        return str(self.request.path_params[name])

    def text(self, name: str, default: str = "") -> str:
        """Return a parameter of the query."""
        return self.request.query_params.get(name, default)

    def number(self, name: str, default: int, *, least: int = 0, most: int = 1 << 62) -> int:
        """Return a whole number of the query. Raises a Refusal."""
        text = self.text(name) or str(default)
        if not (text.isascii() and text.isdecimal()) or len(text) > 19:  # noqa: PLR2004 - 64 bits
            raise Refusal(422, f"{name} is {shortened(text)!r}", "Write a whole number.")
        return min(max(int(text), least), most)

    def flag(self, name: str) -> bool:
        """Return whether a parameter of the query is set."""
        return self.text(name) in {"1", "true", "yes"}

    async def body(self, most: int) -> bytes:
        """Return the body. Raises a Refusal where it is larger than that."""
        if announced_size(self.request) > most:
            raise _too_large(most)
        parts, size = [], 0
        async for chunk in self.chunks():
            size += len(chunk)
            if size > most:
                raise _too_large(most)
            parts.append(chunk)
        return b"".join(parts)

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield the body as it comes. Raises a Refusal where it is cut off."""
        stream = aiter(self.request.stream())
        try:
            while True:
                async with asyncio.timeout(CHUNK_SECONDS):
                    chunk = await anext(stream, None)
                if chunk is None:
                    return
                yield chunk
        except TimeoutError:
            raise Refusal(
                408, "the body does not come", "Send it again.", {"Connection": "close"}
            ) from None
        except ClientDisconnect:
            # Nobody reads the answer; what was under way must end all the same.
            raise Refusal(400, "the connection was closed in the middle of the body") from None

    async def value(self, kind: type[T], most: int = SMALL_BODY) -> T:
        """Return the body, read as a value. Raises a Refusal that names the place of what is wrong."""
        content = await self.body(most)
        if b"\\u0000" in content:
            raise Refusal(422, "the body has a text with a NUL in it", "Leave it out.")
        try:
            return msgspec.json.decode(content or b"{}", type=kind)
        except msgspec.ValidationError as error:
            raise Refusal(
                422, f"the body cannot be followed: {shortened(str(error), 400)}"
            ) from error
        except (msgspec.DecodeError, RecursionError, ValueError) as error:
            hint = "The body must be JSON in UTF-8."
            raise Refusal(
                400, f"the body cannot be read: {shortened(str(error), 400)}", hint
            ) from error


Answering = Callable[[Call], Awaitable[Response]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """A parameter of the query."""

    name: str
    says: str
    kind: str = "string"


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One method of one address.

    ``body`` and ``gives`` are the types of what is sent and answered as JSON; ``media`` goes with what
    is not JSON. ``status`` is that of the usual answer; ``also`` names others that cannot be told from
    the rest of the row, each with its value, None being a refusal. ``visitors``: on a public farm it can be read
    without a token. ``page``: it belongs to the site, where being signed in counts and people want HTML.
    """

    method: str
    path: str
    allowed: Allowed
    answer: Answering
    says: str
    query: tuple[Parameter, ...] = ()
    body: Any = None
    body_media: str = "application/json"
    gives: Any = None
    media: str = "application/json"
    status: int = 200
    also: tuple[tuple[int, Any], ...] = ()
    visitors: bool = False
    page: bool = False

    @property
    def name(self) -> str:
        """Name it for people and metrics: ``GET /api/jobs``."""
        return f"{self.method} {self.path}"


def check_texts(request: Request) -> None:
    """Refuse an address that no name can have: databases keep no NUL. Raises a Refusal."""
    query = request.scope["query_string"]
    if "\0" in request.url.path or b"%00" in query or b"\0" in query:
        raise Refusal(400, "the address has a NUL in it", "Leave it out.")


def announced_size(request: Request) -> int:
    """Return what Content-Length says, 0 where there is none. Raises a Refusal."""
    text = request.headers.get("content-length", "0")
    if not (text.isascii() and text.isdecimal()) or len(text) > 19:  # noqa: PLR2004 - 64 bits
        raise Refusal(400, f"Content-Length is {shortened(text)!r}")
    return int(text)


def answered(
    value: object, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """Answer with a value as JSON."""
    content = msgspec.json.encode(value, enc_hook=str)
    return Response(content, status, dict(headers or {}), media_type="application/json")


def done() -> Response:
    """Answer that it is done, and nothing else."""
    return Response(status_code=204)


def _too_large(most: int) -> Refusal:
    return Refusal(413, f"the body is larger than {most:,} bytes", "Send less at once.")
