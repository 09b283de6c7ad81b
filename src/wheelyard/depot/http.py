"""One farm over HTTP: who asks bears a token, and every fault is one of the family.

What may pass by itself (no connection, 429, 5xx) is a BusError, so that whoever asks can ask again;
all else is the farm's word.
"""

import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import httpx
import msgspec

from wheelyard import __version__
from wheelyard.errors import BusError, ConfigurationError, DeniedError, ProtocolError

_BAD, _UNKNOWN, _FORBIDDEN = 400, 401, 403
_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504, 507})
_SECONDS = 30.0
_LONGEST_TEXT = 500
_NO_HEADERS: Mapping[str, str] = MappingProxyType({})


class AwayError(BusError):
    """The farm is not there, or not now. ``after`` is how long it asks to be left alone, in seconds."""

    def __init__(self, message: str, *, after: float = 0.0) -> None:
        super().__init__(message, hint="See that the farm runs and can be reached.")
        self.after = after


class ForbiddenError(DeniedError):
    """The token is good, but not for this."""


class RefusedError(ProtocolError):
    """The farm's word against a request; ``status`` is HTTP's."""

    def __init__(self, message: str, *, hint: str, status: int) -> None:
        super().__init__(message, hint=hint)
        self.status = status


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """What is asked, beside the method and the path. ``content`` may be read once only."""

    params: Mapping[str, str | int] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    content: bytes | AsyncIterator[bytes] | None = None
    seconds: float = _SECONDS
    token: str = field(default="", repr=False)


PLAIN = Query()


class Farm:
    """A farm by its address. Close it when it is done with."""

    def __init__(self, url: str, *, token: str = "") -> None:
        self._token = token
        try:
            self._client = httpx.AsyncClient(
                base_url=_base(url),
                follow_redirects=False,
                headers={"User-Agent": f"wheelyard/{__version__}", "Accept-Encoding": "identity"},
                timeout=_SECONDS,
            )
        except (httpx.InvalidURL, ssl.SSLError, OSError) as error:
            raise ConfigurationError(
                f"the farm {url!r} cannot be asked: {error}",
                hint="Write its address as https://HOST[:PORT], and see that SSL_CERT_FILE names a certificate, if it is set.",
            ) from error

    async def ask(self, method: str, path: str, query: Query = PLAIN) -> httpx.Response:
        """Return a whole answer of 2xx. Raises AwayError, RefusedError and DeniedError."""
        async with self.stream(method, path, query) as response:
            await response.aread()
            return response

    @asynccontextmanager
    async def stream(
        self, method: str, path: str, query: Query = PLAIN
    ) -> AsyncIterator[httpx.Response]:
        """Give an answer of 2xx whose body was not read. Raises as ``ask``, while it is read, too."""
        token = query.token or self._token
        bearer = {"Authorization": f"Bearer {token}"} if token else {}
        try:
            async with self._client.stream(
                method,
                path,
                params=dict(query.params),
                headers={**query.headers, **bearer},
                content=query.content,
                timeout=query.seconds,
            ) as response:
                if not response.is_success:
                    await response.aread()
                    if response.status_code == _UNKNOWN and not token:
                        raise DeniedError(
                            "the farm wants to know who asks",
                            hint="Give a token with --token or in WHEELYARD_TOKEN. Who runs the farm makes one: "
                            "wheelyard token create NAME",
                        )
                    raise _refusal(response)
                yield response
        except httpx.LocalProtocolError as error:
            raise RefusedError(
                f"a request cannot be sent: {error}",
                hint="A file that it should hold was changed meanwhile, or a token is none.",
                status=_BAD,
            ) from error
        except (httpx.TransportError, httpx.StreamError) as error:
            raise AwayError(f"the farm cannot be reached: {_why(error)}") from error

    async def close(self) -> None:
        """Drop the connections."""
        await self._client.aclose()


def fields_of(response: httpx.Response) -> dict[str, Any]:
    """Read an answer that is a JSON object. Raises ProtocolError."""
    try:
        return msgspec.json.decode(response.content, type=dict[str, Any])
    except msgspec.MsgspecError as error:
        raise ProtocolError(
            f"what '{response.url.copy_with(query=None)}' answered cannot be read: {error}",
            hint="See that the address is a wheelyard farm's, and that it runs the same version.",
        ) from error


def _base(url: str) -> httpx.URL:
    base = httpx.URL(url)
    if base.scheme not in {"http", "https"} or not base.host:
        raise ConfigurationError(
            f"{url!r} is not the address of a farm",
            hint="Write it as https://HOST[:PORT], as a browser would open it.",
        )
    return base


def _refusal(response: httpx.Response) -> BusError | RefusedError | DeniedError:
    message, hint = _words(response)
    if response.status_code in _AGAIN:
        return AwayError(f"the farm cannot answer now: {message}", after=_retry_after(response))
    if response.status_code == _FORBIDDEN:
        return ForbiddenError(message, hint=hint or "It takes another token.")
    if response.status_code == _UNKNOWN:
        return DeniedError(message, hint=hint or "See that the token is right and was not revoked.")
    return RefusedError(message, hint=hint, status=response.status_code)


def _words(response: httpx.Response) -> tuple[str, str]:
    """Return what a farm says against a request; other servers on the way say it otherwise."""
    fallback = f"HTTP {response.status_code} {response.reason_phrase}".strip()
    try:
        fields = msgspec.json.decode(response.content, type=dict[str, Any])
    except msgspec.MsgspecError:
        return fallback, ""
    message, hint = fields.get("error"), fields.get("hint")
    return (
        message[:_LONGEST_TEXT] if isinstance(message, str) and message else fallback,
        hint[:_LONGEST_TEXT] if isinstance(hint, str) else "",
    )


def _retry_after(response: httpx.Response) -> float:
    text = response.headers.get("Retry-After", "")
    return min(60.0, float(text)) if text.isascii() and text.isdecimal() else 0.0


def _why(error: Exception) -> str:
    return str(error) or type(error).__name__
