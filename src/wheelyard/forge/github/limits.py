"""How often GitHub may be asked: what its headers say, and how far apart changes are made.

See "Rate limits for the REST API" and "Best practices for using the REST API" in GitHub's
documentation: retry-after counts first, then x-ratelimit-reset, else wait a minute; changes come one
after another, a second apart.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager

from wheelyard.errors import BusyError

Delay = Callable[[float], Awaitable[None]]
Now = Callable[[], float]

_WITHOUT_WORD = 60.0
_LIMITED = frozenset({403, 429})


class Limits:
    """Keeps to what GitHub allows.

    ``patience`` is how many seconds are waited for here; what takes longer is the caller's to wait for.
    ``apart`` is how many seconds lie between two changes.
    """

    def __init__(self, *, now: Now, delay: Delay, patience: float = 20, apart: float = 1) -> None:
        self._now = now
        self._delay = delay
        self._patience = patience
        self._apart = apart
        self._closed_until = 0.0
        self._changed = float("-inf")
        self._changing = asyncio.Lock()

    async def wait(self) -> None:
        """Wait until questions are allowed. Raises BusyError where that takes too long."""
        left = self._closed_until - self._now()
        if left <= 0:
            return
        if left > self._patience:
            raise _busy(left)
        await self._delay(left)

    @asynccontextmanager
    async def changing(self) -> AsyncIterator[None]:
        """Let one change through at a time, with some distance to the one before."""
        async with self._changing:
            left = self._changed + self._apart - self._now()
            if left > 0:
                await self._delay(left)
            try:
                yield
            finally:
                self._changed = self._now()

    async def again(self, status: int, headers: Mapping[str, str], body: str) -> bool:
        """Learn from an answer; whether it was a refusal that is over by now, after some waiting.

        Raises BusyError where it is not over soon.
        """
        seconds = self._refused_for(status, headers, body)
        if seconds is None:
            if headers.get("x-ratelimit-remaining") == "0":
                self._closed_until = max(self._closed_until, _number(headers, "x-ratelimit-reset"))
            return False
        self._closed_until = self._now() + seconds
        await self.wait()
        return True

    def _refused_for(self, status: int, headers: Mapping[str, str], body: str) -> float | None:
        """Return for how many seconds GitHub wants to be left alone; None: that is not what it says."""
        if status not in _LIMITED:
            return None
        if "retry-after" in headers:
            return max(1.0, _number(headers, "retry-after"))
        if headers.get("x-ratelimit-remaining") == "0":
            return max(1.0, _number(headers, "x-ratelimit-reset") - self._now())
        # A 403 says so in words alone where it is a secondary limit.
        return _WITHOUT_WORD if status != 403 or "rate limit" in body.lower() else None  # noqa: PLR2004 - forbidden


def _busy(seconds: float) -> BusyError:
    return BusyError(
        f"GitHub wants to be asked nothing for {seconds:.0f} s: the limit of requests is reached",
        hint="Nothing is lost: it goes on by itself then; a token of an app has a higher limit.",
        seconds=seconds,
    )


def _number(headers: Mapping[str, str], name: str) -> float:
    value = headers.get(name, "")
    return float(value) if value.isdecimal() else 0.0
