"""Who listens to changes: one writer tells all of them, a few at a time.

A listener has no task of its own. Between a few and the next few others are served, so that a change
that ten thousand wait for keeps nobody from a page. Who doesn't read is left out until they do.
"""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice

from starlette.types import Send

AT_MOST_EVERY_SECONDS = 1.0
_LOOK_SECONDS = 0.05
_AT_ONCE = 40
_PAUSE_SECONDS = 0.001
_CHANGED = b"event: changed\ndata: \n\n"
_BEAT = b": still here\n\n"


class _Listener:
    def __init__(self, topics: frozenset[str], send: Send, now: float) -> None:
        self.topics = topics
        self.told = now
        # A change may be told at once: the page was made before its stream began.
        self.changed = now - AT_MOST_EVERY_SECONDS
        self._send = send
        self._writing: asyncio.Task[None] | None = None

    @property
    def slow(self) -> bool:
        """Whether what was written last still waits for the other end to read."""
        return self._writing is not None and not self._writing.done()

    def write(self, content: bytes, *, more: bool = True) -> asyncio.Task[None]:
        """Begin to write; one that is slow must not be written to."""
        message = {"type": "http.response.body", "body": content, "more_body": more}
        self._writing = asyncio.ensure_future(_quietly(self._send, message))
        return self._writing

    def leave(self) -> None:
        """Let go of what is still being written."""
        if self._writing is not None:
            self._writing.cancel()


async def _quietly(send: Send, message: dict[str, object]) -> None:
    try:
        await send(message)
    except (OSError, RuntimeError):
        # They left; whoever waits for that end of theirs hears of it.
        return


class Listeners:
    """All who listen. The dictionary has who was told longest ago first."""

    def __init__(self, *, beat: float) -> None:
        self._beat = beat
        self._open: dict[_Listener, None] = {}
        self._due: dict[_Listener, None] = {}

    def __len__(self) -> int:
        return len(self._open)

    @contextmanager
    def listening(self, topics: frozenset[str], send: Send) -> Iterator[None]:
        """Tell somebody of topics while the block runs."""
        listener = _Listener(topics, send, asyncio.get_running_loop().time())
        self._open[listener] = None
        try:
            yield
        finally:
            self._open.pop(listener, None)
            self._due.pop(listener, None)
            listener.leave()

    def hear(self, topics: frozenset[str]) -> None:
        """Remember whom these topics concern."""
        self._due.update(dict.fromkeys(one for one in self._open if one.topics & topics))

    async def run(self) -> None:
        """Tell everybody what they wait for, for ever."""
        while True:
            now = asyncio.get_running_loop().time()
            await self._tell(self._changed(now), _CHANGED)
            await self._tell(self._silent(now), _BEAT)
            await asyncio.sleep(_LOOK_SECONDS)

    async def end(self) -> None:
        """End every stream."""
        for some in _slices([one for one in self._open if not one.slow]):
            await asyncio.wait([one.write(b"", more=False) for one in some], timeout=1)

    def _changed(self, now: float) -> Sequence[_Listener]:
        latest = now - AT_MOST_EVERY_SECONDS
        return [one for one in self._due if one.changed <= latest]

    def _silent(self, now: float) -> Sequence[_Listener]:
        found = []
        for one in self._open:
            if one.told > now - self._beat:
                break
            found.append(one)
        return found

    async def _tell(self, listeners: Sequence[_Listener], content: bytes) -> None:
        for some in _slices(listeners):
            now = asyncio.get_running_loop().time()
            for one in some:
                self._tell_one(one, content, now)
            await asyncio.sleep(_PAUSE_SECONDS)

    def _tell_one(self, one: _Listener, content: bytes, now: float) -> None:
        if one not in self._open:
            return
        one.told = now
        self._open.pop(one)
        self._open[one] = None
        if not one.slow:
            # Who is slow stays due: what they missed is told when they read again.
            one.write(content)
            if content is _CHANGED:
                one.changed = now
                self._due.pop(one, None)


def _slices(listeners: Sequence[_Listener]) -> Iterator[Sequence[_Listener]]:
    rest = iter(listeners)
    while some := list(islice(rest, _AT_ONCE)):
        yield some
