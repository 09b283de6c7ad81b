"""HTTP: one client, bounded retries, and every fault told as an UpstreamError.

An answer is 2xx, 304, 404 or 410 when it gets out of here; all else was retried and then raised.
"""

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from wheelyard import __version__
from wheelyard.errors import ConfigurationError, OfflineError, UpstreamError
from wheelyard.model.secrets import without_secrets
from wheelyard.upstream.address import Keyring, bare
from wheelyard.upstream.settings import UpstreamSettings

if TYPE_CHECKING:
    # Importing it takes longer than a plan of which everything is cached.
    import httpx

Delay = Callable[[float], Awaitable[None]]
Result = TypeVar("Result")

MISSING = frozenset({404, 410})
NO_RANGE = frozenset({405, 416, 501})
_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})
_DENIED = frozenset({401, 403, 407})
_NOT_MODIFIED = 304
_LONGEST_DELAY = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A whole answer. ``url`` is where it came from in the end, ``headers`` have lower-case names."""

    status: int
    url: str
    headers: Mapping[str, str]
    body: bytes


class Transport:
    """Asks over HTTP; ``delay`` is how it waits before it asks again."""

    def __init__(self, settings: UpstreamSettings, keyring: Keyring, *, delay: Delay) -> None:
        self._settings = settings
        self._keyring = keyring
        self._delay = delay
        self._client: httpx.AsyncClient | None = None

    async def get(self, url: str, *, headers: Mapping[str, str], limit: int) -> Answer:
        """Return a whole answer of at most ``limit`` bytes."""

        async def read(response: "httpx.Response") -> Answer:
            body = bytearray()
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > limit:
                    raise too_large(url, limit)
            final = bare(str(response.url))
            return Answer(
                status=response.status_code,
                url=final,
                headers={name.lower(): value for name, value in response.headers.items()},
                body=bytes(body),
            )

        return await self.stream(url, headers=headers, read=read)

    async def stream(
        self,
        url: str,
        *,
        headers: Mapping[str, str],
        read: "Callable[[httpx.Response], Awaitable[Result]]",
    ) -> Result:
        """Ask, and hand the open answer to ``read``, which must begin anew each time it is called."""
        if self._settings.offline:
            raise OfflineError(
                f"{shown(url)} is not in the cache and the network is off",
                hint="Run once without --offline to fill the cache.",
            )
        tries = self._settings.retries + 1
        for number in range(tries):
            last = number == tries - 1
            try:
                return await self._ask(url, headers, read)
            except _AskAgainError as fault:
                if last:
                    raise fault.error from fault.__cause__
                await self._delay(min(fault.after or 0.5 * 2**number, _LONGEST_DELAY))
        raise AssertionError(url)

    def whole(self, url: str) -> str:
        """Return a URL as it is asked for, with a query that may be a secret."""
        return self._keyring.whole(url)

    async def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    async def _ask(
        self,
        url: str,
        headers: Mapping[str, str],
        read: "Callable[[httpx.Response], Awaitable[Result]]",
    ) -> Result:
        import httpx

        client = self._opened()
        credentials = self._keyring.credentials(url)
        auth = httpx.BasicAuth(*credentials) if credentials else None
        try:
            async with client.stream(
                "GET", self.whole(url), headers=dict(headers), auth=auth
            ) as response:
                _check(response, url)
                return await read(response)
        except httpx.TooManyRedirects as error:
            raise UpstreamError(
                f"{shown(url)} redirects without end", hint="Check the index's address."
            ) from error
        except (httpx.UnsupportedProtocol, httpx.InvalidURL) as error:
            raise UpstreamError(
                f"{shown(url)} leads to an address that cannot be fetched: {without_secrets(str(error))}",
                hint="Only http and https addresses can.",
            ) from error
        except httpx.TimeoutException as error:
            raise _AskAgainError(
                UpstreamError(
                    f"{shown(url)} did not answer within {self._settings.timeout_seconds:g} s",
                    hint="Try again later, or raise the time limit.",
                )
            ) from error
        except httpx.HTTPError as error:
            raise _AskAgainError(_unreachable(url, error)) from error

    def _opened(self) -> "httpx.AsyncClient":
        import httpx

        # Made at the first question: reading certificates takes longer than most cached plans.
        if self._client is None:
            connections = self._settings.connections
            self._client = httpx.AsyncClient(
                verify=_certificates(self._settings),
                follow_redirects=True,
                max_redirects=10,
                timeout=httpx.Timeout(self._settings.timeout_seconds, pool=None),
                limits=httpx.Limits(
                    max_connections=connections, max_keepalive_connections=connections
                ),
                headers={"User-Agent": f"wheelyard/{__version__}"},
            )
        return self._client


class _AskAgainError(Exception):
    """A fault that may pass; ``after`` is the delay in seconds that the server asked for."""

    def __init__(self, error: UpstreamError, after: float | None = None) -> None:
        super().__init__(error.message)
        self.error = error
        self.after = after


def shown(url: str) -> str:
    """Return a URL fit to be shown: no credentials, no query (signed ones are secrets)."""
    return bare(url)


def too_large(url: str, limit: int) -> UpstreamError:
    """Return the error for an answer that is over its limit."""
    return UpstreamError(
        f"{shown(url)} is larger than {limit} bytes",
        hint="Nothing honest is that large; if this is, raise the limit.",
    )


def _check(response: "httpx.Response", url: str) -> None:
    status = response.status_code
    if response.is_success or status == _NOT_MODIFIED or status in MISSING | NO_RANGE:
        return
    if status in _DENIED:
        raise UpstreamError(
            f"{shown(url)} denies access ({status})",
            hint="Put credentials into the index's URL or into your netrc file.",
        )
    error = UpstreamError(
        f"{shown(url)} answers {status} {response.reason_phrase}".rstrip(),
        hint="Try again later; --offline works with what is cached.",
    )
    if status in _AGAIN:
        raise _AskAgainError(error, _retry_after(response))
    raise error


def _retry_after(response: "httpx.Response") -> float | None:
    value = response.headers.get("Retry-After", "")
    return float(value) if value.isdecimal() else None


def _unreachable(url: str, error: "httpx.HTTPError") -> UpstreamError:
    import httpx

    if isinstance(error, httpx.ConnectError):
        return UpstreamError(
            f"{shown(url)} cannot be reached: {without_secrets(str(error))}",
            hint="Check the address and the network; --offline works with what is cached.",
        )
    return UpstreamError(
        f"{shown(url)} broke off its answer: {without_secrets(str(error))}", hint="Try again later."
    )


def _certificates(settings: UpstreamSettings) -> ssl.SSLContext | bool:
    if settings.ca_file is None:
        return True
    try:
        return ssl.create_default_context(cafile=settings.ca_file)
    except (OSError, ssl.SSLError) as error:
        raise ConfigurationError(
            f"{str(settings.ca_file)!r} is no file of certificates: {error}",
            hint="Check SSL_CERT_FILE, PIP_CERT or pip's cert setting.",
        ) from error


async def wait(seconds: float) -> None:
    """Wait; the delay outside of tests."""
    await asyncio.sleep(seconds)
