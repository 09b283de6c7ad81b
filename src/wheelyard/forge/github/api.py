"""GitHub's REST interface: one client, bounded retries, its limits kept, and every fault a ForgeError.

The token goes to the interface's own address alone, in a header: redirects and next pages that lead
elsewhere are not followed.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import httpx

from wheelyard import __version__
from wheelyard.errors import ForgeError, GoneError
from wheelyard.forge.github.limits import Delay, Limits, Now

DEFAULT_ADDRESS = "https://api.github.com"
_VERSION = "2022-11-28"
_MOVED = frozenset({301, 302, 307, 308})
_PASSING = frozenset({500, 502, 503, 504})
_GONE = frozenset({404, 410, 451})
_NOT_MODIFIED = 304
_UNAUTHORIZED = 401
_REFUSED = 400
_BROKEN = 500
_TRIES = 4
_MOVES = 3
_REMEMBERED = 20_000
_PAGES = 100

Json = Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What GitHub answered; ``json`` is None where there is no body."""

    status: int
    json: Json
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiSettings:
    """Where the interface is, and who asks.

    ``patience``: how long a limit is waited for, in seconds; ``apart``: how long between two changes.
    """

    token: str = field(repr=False)
    address: str = DEFAULT_ADDRESS
    seconds: float = 30
    patience: float = 20
    apart: float = 1


class RefusedError(ForgeError):
    """GitHub understood and says no; ``status`` and ``said`` tell why."""

    def __init__(self, message: str, *, hint: str, status: int, said: str) -> None:
        super().__init__(message, hint=hint)
        self.status = status
        self.said = said


class Api:
    """Asks GitHub. ``delay`` is how it waits, ``now`` the seconds since 1970."""

    def __init__(
        self, settings: ApiSettings, *, delay: Delay = asyncio.sleep, now: Now = time.time
    ) -> None:
        self.address = settings.address.rstrip("/")
        self._delay = delay
        self._limits = Limits(
            now=now, delay=delay, patience=settings.patience, apart=settings.apart
        )
        self._known: dict[str, tuple[str, Answer]] = {}
        self._client = httpx.AsyncClient(
            timeout=settings.seconds,
            follow_redirects=False,
            headers={
                "Accept": "application/vnd.github+json",
                "Authorization": f"Bearer {settings.token}",
                "User-Agent": f"wheelyard/{__version__}",
                "X-GitHub-Api-Version": _VERSION,
            },
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def get(self, path: str, **query: str | int) -> Json:
        """Return what is at a path. Raises GoneError; what did not change costs none of the limit."""
        return (await self._asked("GET", self._url(path, query))).json

    async def pages(self, path: str, **query: str | int) -> AsyncIterator[Json]:
        """Go through all of a list."""
        url = self._url(path, {"per_page": 100, **query})
        for _ in range(_PAGES):
            answer = await self._asked("GET", url)
            found = answer.json
            for one in found if isinstance(found, list) else _listed(found):
                yield one
            url = _next(answer.headers)
            if not url or not self._is_ours(url):
                return

    async def change(self, method: str, path: str, said: Json = None) -> Json:
        """Change something, and return what GitHub says of it. Raises RefusedError, GoneError."""
        async with self._limits.changing():
            return (await self._asked(method, self._url(path, {}), said)).json

    async def graphql(self, query: str, **variables: str) -> Json:
        """Ask the other interface. Raises RefusedError with the first fault that it names."""
        # On a server of one's own the two stand side by side: /api/v3 and /api/graphql.
        address = self.address.removesuffix("/v3") + "/graphql"
        async with self._limits.changing():
            said = {"query": query, "variables": variables}
            found = (await self._asked("POST", address, said)).json
        if found.get("errors"):
            reason = str(found["errors"][0].get("message", ""))
            raise RefusedError(
                f"GitHub refuses: {reason}", hint="See what the repository allows.", status=200,
                said=reason,
            )  # fmt: skip
        return found.get("data")

    def _url(self, path: str, query: Mapping[str, str | int]) -> str:
        return str(httpx.URL(self.address + path, params=query) if query else self.address + path)

    def _is_ours(self, url: str) -> bool:
        ours, theirs = urlsplit(self.address), urlsplit(url)
        return (ours.scheme, ours.netloc) == (theirs.scheme, theirs.netloc)

    async def _asked(self, method: str, url: str, said: Json = None) -> Answer:
        for _ in range(_MOVES):
            answer = await self._answer(method, url, said)
            if answer.status not in _MOVED:
                return self._checked(method, url, answer)
            url = str(httpx.URL(url).join(answer.headers.get("location", "")))
            if not self._is_ours(url):
                break
        raise ForgeError(
            f"GitHub leads from {_shown(url)} to somewhere else",
            hint="The repository was renamed or moved; name it as it is called now.",
        )

    async def _answer(self, method: str, url: str, said: Json) -> Answer:
        """Ask until there is an answer, or it is clear that there will be none."""
        known = self._known.get(url) if method == "GET" else None
        headers = {"If-None-Match": known[0]} if known else {}
        for number in range(_TRIES):
            await self._limits.wait()
            last = number == _TRIES - 1
            try:
                response = await self._client.request(method, url, json=said, headers=headers)
            except httpx.HTTPError as error:
                if last:
                    raise ForgeError(
                        f"GitHub cannot be reached at {self.address}: {type(error).__name__}",
                        hint="Check the network and the address of its interface.",
                    ) from None
                await self._delay(0.5 * 2**number)
                continue
            if await self._limits.again(response.status_code, response.headers, response.text):
                continue
            if response.status_code in _PASSING and not last:
                await self._delay(0.5 * 2**number)
                continue
            if response.status_code == _NOT_MODIFIED and known:
                return known[1]
            return self._remembered(method, url, response)
        raise ForgeError(
            f"GitHub refuses {_shown(url)} again and again because of its limits",
            hint="Try again later; see who else uses the token.",
        )

    def _remembered(self, method: str, url: str, response: httpx.Response) -> Answer:
        try:
            said = response.json() if response.content else None
        except ValueError:
            said = None
            if response.is_success:
                raise ForgeError(
                    f"GitHub's answer about {_shown(url)} is no JSON",
                    hint="Check the address of its interface.",
                ) from None
        answer = Answer(status=response.status_code, json=said, headers=response.headers)
        etag = response.headers.get("etag", "")
        if method == "GET" and response.is_success and etag:
            if len(self._known) >= _REMEMBERED:
                self._known.pop(next(iter(self._known)))
            self._known[url] = (etag, answer)
        return answer

    def _checked(self, method: str, url: str, answer: Answer) -> Answer:
        if answer.status < _REFUSED:
            return answer
        said = _reasons(answer.json)
        what = f"{method} {_shown(url)}"
        if answer.status in _GONE:
            raise GoneError(
                f"GitHub has nothing at {_shown(url)}, or does not show it ({answer.status}): {said}",
                hint="Check the repository's name, and what the token may see.",
            )
        if answer.status == _UNAUTHORIZED:
            raise ForgeError(
                f"GitHub does not take the token ({answer.status}): {said}",
                hint="Make a new one; it may have expired or been revoked.",
            )
        if answer.status >= _BROKEN:
            raise ForgeError(
                f"GitHub answers {what} with {answer.status}: {said}", hint="Try again later."
            )
        raise RefusedError(
            f"GitHub refuses {what} ({answer.status}): {said}",
            hint="Check what the token may do, and what the repository allows.",
            status=answer.status,
            said=said,
        )


def _listed(found: Json) -> list[Json]:
    """Return the list in an object that holds one: that is how some pages come."""
    lists = [value for value in found.values() if isinstance(value, list)] if found else []
    return lists[0] if lists else []


def _next(headers: Mapping[str, str]) -> str:
    for part in headers.get("link", "").split(","):
        address, _, relation = part.partition(";")
        if 'rel="next"' in relation:
            return address.strip().strip("<>")
    return ""


def _reasons(said: Json) -> str:
    if not isinstance(said, dict):
        return "it did not say why"
    faults = said.get("errors") or []
    more = [str(one.get("message", "") if isinstance(one, dict) else one) for one in faults]
    told = [str(said.get("message", "")), *more]
    return " ".join("; ".join(part for part in told if part).split())[:400] or "it did not say why"


def _shown(url: str) -> str:
    return urlsplit(url).path
