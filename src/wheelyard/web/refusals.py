"""What is said where something is refused: ``{"error": …, "hint": …}``, and with which status.

The only place where the error family meets HTTP.
"""

import logging
from collections.abc import Mapping

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from wheelyard.errors import (
    BusError,
    ConfigurationError,
    ConflictError,
    DeniedError,
    DigestMismatchError,
    InvalidArchiveError,
    InvalidNameError,
    InvalidPlanError,
    InvalidTargetError,
    MetadataError,
    NoSolutionError,
    NotUpstreamError,
    OutOfSpaceError,
    ProtocolError,
    StoreError,
    UpstreamError,
    WheelyardError,
)

_log = logging.getLogger(__name__)
_AGAIN_SECONDS = "2"
_STATUSES: tuple[tuple[type[WheelyardError], int], ...] = (
    # The first that fits; a narrower kind stands before a wider one.
    (DeniedError, 403),
    (OutOfSpaceError, 507),
    (StoreError, 503),
    (BusError, 503),
    (ConflictError, 409),
    (DigestMismatchError, 422),
    (NotUpstreamError, 404),
    (UpstreamError, 502),
    (ProtocolError, 422),
    (InvalidArchiveError, 422),
    (MetadataError, 422),
    (NoSolutionError, 422),
    (ConfigurationError, 422),
    (InvalidNameError, 422),
    (InvalidTargetError, 422),
    (InvalidPlanError, 422),
)
_BUG = (
    "the farm met a fault of its own",
    "The farm's log says more, under the request's X-Request-ID.",
)
_PLAIN = {
    404: ("there is nothing at this address", "docs/reference/http-api.md lists what there is."),
    405: ("this address does not take that method", "The header Allow says which it takes."),
}


class Refusal(Exception):  # noqa: N818 - it is an answer, not a fault
    """An answer that says no, with its status."""

    def __init__(
        self, status: int, error: str, hint: str = "", headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(error)
        self.status = status
        self.error = error
        self.hint = hint
        self.headers = dict(headers or {})


def not_there(what: str, name: str) -> Refusal:
    """Say that there is nothing of that name."""
    return Refusal(404, f"there is no {what} {shortened(name)!r}", "Lists show which there are.")


def shortened(text: str, most: int = 80) -> str:
    """Cut what a stranger sent to a length that can be quoted."""
    return text if len(text) <= most else f"{text[:most]}…"


def status_of(error: WheelyardError) -> int:
    """Return the status that goes with an error of the family."""
    return next((status for kind, status in _STATUSES if isinstance(error, kind)), 500)


def refused(refusal: Refusal) -> Response:
    """Write a refusal as an answer."""
    content = msgspec.json.encode({"error": refusal.error, "hint": refusal.hint})
    return Response(content, refusal.status, refusal.headers, media_type="application/json")


def refusal_of(status: int, error: Exception) -> Refusal:
    """Return what is to be said of an error, whatever it is, under a status that was found for it."""
    if isinstance(error, Refusal):
        return error
    if isinstance(error, WheelyardError):
        return Refusal(status, error.message, error.hint)
    if isinstance(error, HTTPException):
        return Refusal(status, *_PLAIN.get(status, (error.detail, "")))
    return Refusal(status, *_BUG)


async def answer_refusal(_: Request, error: Exception) -> Response:
    """Answer with a refusal."""
    if not isinstance(error, Refusal):
        raise TypeError(error)
    return refused(error)


_AWAY = "the farm's database or bus does not answer"


async def answer_error(request: Request, error: Exception) -> Response:
    """Answer for an error of the family."""
    if not isinstance(error, WheelyardError):
        raise TypeError(error)
    status = status_of(error)
    headers = {"Retry-After": _AGAIN_SECONDS} if status in {503, 507} else {}
    if status >= 500:  # noqa: PLR2004 - the farm's own faults
        path, said = request.url.path, error.message
        _log.error("a request of %s failed: %s", path, said, extra={"action": "web.failed"})
    if status == 503:  # noqa: PLR2004 - whoever has no token may hear this, and no address
        return refused(
            Refusal(status, _AWAY, "Ask again later; the farm's own log says more.", headers)
        )
    return refused(Refusal(status, error.message, error.hint, headers))


async def answer_http(_: Request, error: Exception) -> Response:
    """Answer for what the router says."""
    if not isinstance(error, HTTPException):
        raise TypeError(error)
    refusal = refusal_of(error.status_code, error)
    refusal.headers = dict(error.headers or {})
    return refused(refusal)


async def answer_bug(_: Request, __: Exception) -> Response:
    """Answer for a bug. It is raised on, so that the log has it."""
    return refused(Refusal(500, *_BUG))
