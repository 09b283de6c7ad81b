"""Tells open pages that something changed which they show.

One reader of the event log serves all of them: a page says which topics it shows, and hears at most
once in a while that it should be shown again. What is shown is then asked for like any page.
"""

import asyncio
import logging
from collections.abc import Iterable, Sequence

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from wheelyard.errors import StoreError
from wheelyard.farm_ports import EventLog, Happening
from wheelyard.model.job import BuildKey
from wheelyard.web.access import READERS
from wheelyard.web.ending import Ending
from wheelyard.web.endpoint import Call, Endpoint, Parameter
from wheelyard.web.ports import Times
from wheelyard.web.refusals import Refusal
from wheelyard.web.site.listeners import Listeners

_log = logging.getLogger(__name__)
_STREAM = "text/event-stream"
_MOST_TOPICS = 16
_MOST_LINES = 1000
_AGAIN_MILLISECONDS = 3000


class Changes:
    """Hears of what happens. Topics are ``jobs``, ``requests``, ``builders``, ``tokens`` and ``KIND:SUBJECT``."""

    def __init__(self, *, events: EventLog, times: Times) -> None:
        self._events = events
        self._times = times
        self._last = -1
        self.listeners = Listeners(beat=times.beat)

    def tell_jobs(self, keys: Iterable[BuildKey]) -> None:
        """Tell of jobs that changed in a way that is in no event log."""
        self.listeners.hear(frozenset(f"job:{key}" for key in keys))

    async def run(self) -> None:
        """Read the event log and tell who listens, for ever."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.listeners.run())
            group.create_task(self._read())

    async def _read(self) -> None:
        while True:
            try:
                await self._look()
            except StoreError as error:
                _log.warning("pages wait for news: %s", error.message)
            await asyncio.sleep(self._times.look)

    async def _look(self) -> None:
        if self._last < 0:
            self._last = await self._events.last()
        found = await self._events.read(after=self._last, subject="", limit=_MOST_LINES)
        if not found:
            return
        self._last = found[-1].id
        self.listeners.hear(frozenset(topic for one in found for topic in _topics_of(one)))


_KINDS = {"job": "jobs", "artifact": "jobs", "result": "jobs", "request": "requests"}


def _topics_of(happening: Happening) -> tuple[str, str]:
    kind = happening.action.partition(".")[0]
    return _KINDS.get(kind, f"{kind}s"), f"{kind}:{happening.subject}"


class LivePages:
    """The stream that open pages listen to."""

    def __init__(self, *, changes: Changes, ending: Ending) -> None:
        self._changes = changes
        self._ending = ending

    async def answer(self, call: Call) -> Response:
        """Answer with a stream that says when something changed."""
        topics = [one for one in call.text("of").split(",") if one]
        if not topics or len(topics) > _MOST_TOPICS:
            raise Refusal(422, f"{len(topics)} topics", f"From 1 to {_MOST_TOPICS}, with commas.")
        return _Stream(frozenset(topics), self._changes.listeners, self._ending)

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


class _Stream(Response):
    """An answer that others write to. It takes nothing but a place among the listeners and waits for the client to leave.

    Starlette's own streams have two more tasks each, and ten thousand of them keep everybody waiting.
    """

    media_type = _STREAM

    def __init__(self, topics: frozenset[str], listeners: Listeners, ending: Ending) -> None:
        super().__init__()
        del self.headers["content-length"]
        self._topics = topics
        self._listeners = listeners
        self._ending = ending

    async def __call__(self, _: Scope, receive: Receive, send: Send) -> None:
        """Send the beginning, and wait for the end."""
        await send(
            {"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers}
        )
        begun = self._ending.begun
        first = f"retry: {_AGAIN_MILLISECONDS}\n\n".encode()
        await send({"type": "http.response.body", "body": first, "more_body": not begun})
        if begun:
            return
        with self._listeners.listening(self._topics, send):
            while (await receive())["type"] != "http.disconnect":
                pass
