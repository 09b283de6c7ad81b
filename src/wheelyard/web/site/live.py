"""Tells open pages that something changed which they show.

One reader of the event log serves all of them: a page says which topics it shows, and hears at most
once in a while that it should be shown again. What is shown is then asked for like any page.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Iterable, Sequence
from typing import Self

from starlette.responses import Response, StreamingResponse

from wheelyard.errors import StoreError
from wheelyard.farm_ports import EventLog, Happening
from wheelyard.web.access import READERS
from wheelyard.web.ending import Ending
from wheelyard.web.endpoint import Call, Endpoint, Parameter
from wheelyard.web.ports import Times
from wheelyard.web.refusals import Refusal

_log = logging.getLogger(__name__)
_STREAM = "text/event-stream"
_MOST_TOPICS = 16
_MOST_LINES = 1000
_AT_MOST_EVERY_SECONDS = 1.0
_AGAIN_MILLISECONDS = 3000


class Changes:
    """Hears of what happens. Topics are ``jobs``, ``requests``, ``builders``, ``tokens`` and ``KIND:SUBJECT``."""

    def __init__(self, *, events: EventLog, times: Times) -> None:
        self._events = events
        self._times = times
        self._last = -1
        self._waiting: set[_Listener] = set()

    async def run(self) -> None:
        """Read the event log for ever."""
        while True:
            try:
                await self._look()
            except StoreError as error:
                _log.warning("pages wait for news: %s", error.message)
            await asyncio.sleep(self._times.look)

    def listener(self, topics: Iterable[str]) -> "_Listener":
        """Return somebody who waits for topics."""
        return _Listener(frozenset(topics), self._waiting)

    async def _look(self) -> None:
        if self._last < 0:
            self._last = await self._events.last()
        found = await self._events.read(after=self._last, subject="", limit=_MOST_LINES)
        if not found:
            return
        self._last = found[-1].id
        topics = frozenset(topic for one in found for topic in _topics_of(one))
        for listener in tuple(self._waiting):
            listener.hear(topics)


class _Listener:
    def __init__(self, topics: frozenset[str], waiting: "set[_Listener]") -> None:
        self._topics = topics
        self._waiting = waiting
        self._changed = asyncio.Event()

    def __enter__(self) -> Self:
        self._waiting.add(self)
        return self

    def __exit__(self, *_: object) -> None:
        self._waiting.discard(self)

    def hear(self, topics: frozenset[str]) -> None:
        if topics & self._topics:
            self._changed.set()

    async def wait(self, seconds: float) -> bool:
        """Wait for news, but not longer than so many seconds; whether there were any."""
        try:
            async with asyncio.timeout(seconds):
                await self._changed.wait()
        except TimeoutError:
            return False
        self._changed.clear()
        return True


_KINDS = {"job": "jobs", "artifact": "jobs", "result": "jobs", "request": "requests"}


def _topics_of(happening: Happening) -> tuple[str, str]:
    kind = happening.action.partition(".")[0]
    return _KINDS.get(kind, f"{kind}s"), f"{kind}:{happening.subject}"


class LivePages:
    """The stream that open pages listen to."""

    def __init__(self, *, changes: Changes, times: Times, ending: Ending) -> None:
        self._changes = changes
        self._times = times
        self._ending = ending

    async def answer(self, call: Call) -> Response:
        """Answer with a stream that says when something changed."""
        topics = [one for one in call.text("of").split(",") if one]
        if not topics or len(topics) > _MOST_TOPICS:
            raise Refusal(422, f"{len(topics)} topics", f"From 1 to {_MOST_TOPICS}, with commas.")
        return StreamingResponse(self._stream(topics), media_type=_STREAM)

    async def _stream(self, topics: Sequence[str]) -> AsyncGenerator[str, None]:
        with self._changes.listener(topics) as listener:
            yield f"retry: {_AGAIN_MILLISECONDS}\n\n"
            while not self._ending.begun:
                if await listener.wait(self._times.beat):
                    yield "event: changed\ndata: \n\n"
                    await self._ending.wait(_AT_MOST_EVERY_SECONDS)
                else:
                    yield ": still here\n\n"

    def endpoints(self) -> Sequence[Endpoint]:
        """Return where pages listen."""
        return (
            Endpoint(
                method="GET",
                path="/live",
                allowed=READERS,
                visitors=True,
                answer=self.answer,
                says="Says when something changed that a page shows, as server-sent events.",
                query=(Parameter(name="of", says="Topics, with commas: jobs, builder:arm-1."),),
                media=_STREAM,
            ),
        )
