"""A request as server-sent events: what happens, how far it is, and how it ends.

``id`` is ``SESSION:NUMBER``; whoever comes back with it in ``Last-Event-ID`` goes on there. After a
restart of the farm the session is another one, and the newer story is told from its beginning.
"""

import asyncio
from collections.abc import AsyncGenerator, Sequence

import msgspec
from starlette.responses import Response, StreamingResponse

from wheelyard.farm_ports import RequestStore
from wheelyard.model.request import Request, RequestId, RequestState
from wheelyard.web.access import READERS
from wheelyard.web.ending import Ending
from wheelyard.web.endpoint import Call, Endpoint
from wheelyard.web.ports import Desk, Times, WebPorts
from wheelyard.web.refusals import not_there
from wheelyard.web.requests import view_of
from wheelyard.web.stories import Stories, Story
from wheelyard.web.telling import Progressed, write

_STREAM = "text/event-stream"
_AGAIN_MILLISECONDS = 2000
_MOMENT_SECONDS = 0.05
_MOST_WAITS = 20


class Watching:
    """Tells stories to who watches."""

    def __init__(
        self, *, requests: RequestStore, desk: Desk, stories: Stories, times: Times, ending: Ending
    ) -> None:
        self._requests = requests
        self._desk = desk
        self._stories = stories
        self._times = times
        self._ending = ending

    async def events(self, call: Call) -> Response:
        """Answer with what happens, until the request has ended."""
        name = RequestId(call.place("request"))
        if await self._requests.get(name) is None:
            raise not_there("request", name)
        last = call.request.headers.get("last-event-id", "")
        return StreamingResponse(self._stream(name, last), media_type=_STREAM)

    async def _stream(self, name: RequestId, last: str) -> AsyncGenerator[str, None]:
        yield f"retry: {_AGAIN_MILLISECONDS}\n\n"
        session, _, number = last.partition(":")
        seen = int(number) if number.isascii() and number.isdecimal() and len(number) < 10 else 0  # noqa: PLR2004 - more than any story has
        far, silent = b"", 0.0
        waits = _Waits(self._desk, name, self._times.waits)
        while not self._ending.begun:
            request = await self._requests.get(name)
            story = self._stories.get(name)
            if story is not None and story.session != session:
                session, seen = story.session, 0
            if story is not None:
                for count, line in story.after(seen):
                    seen, silent = count, 0.0
                    yield _event("told", line, f"{session}:{seen}")
                standing = _standing(story)
                if standing not in {b"", far}:
                    far, silent = standing, 0.0
                    yield _event("standing", standing, f"{session}:{seen}")
            ended = request is None or request.state is not RequestState.OPEN
            if ended and (story is None or story.over):
                yield _event("end", _end(request), f"{session}:{seen}")
                return
            news = await waits.news()
            if news:
                silent = 0.0
                yield _event("waits", news, f"{session}:{seen}")
            await self._wait(story)
            silent += self._times.look
            if silent >= self._times.beat:
                silent = 0.0
                yield ": still here\n\n"

    async def _wait(self, story: Story | None) -> None:
        if story is None:
            await self._ending.wait(self._times.look)
        elif story.over:
            # Its end is written down at this moment.
            await self._ending.wait(_MOMENT_SECONDS)
        else:
            await story.wait(self._times.look)


class _Waits:
    """What a request waits for, looked at now and then, and told where it changed."""

    def __init__(self, desk: Desk, name: RequestId, seconds: float) -> None:
        self._desk = desk
        self._name = name
        self._seconds = seconds
        self._clock = asyncio.get_running_loop().time
        # What has only begun waits for nothing that anybody would want to hear of.
        self._next = self._clock() + seconds
        self._told: Sequence[str] = ()

    async def news(self) -> bytes:
        """Return the sentences as they are told; empty where it is not the time, or nothing changed."""
        if self._clock() < self._next:
            return b""
        self._next = self._clock() + self._seconds
        waits = await self._desk.waits(self._name)
        if waits == self._told:
            return b""
        self._told = waits
        return msgspec.json.encode({"waits": waits[:_MOST_WAITS]})


def _standing(story: Story) -> bytes:
    if story.standing is None or story.over:
        return b""
    return write(Progressed.of(story.standing()))


def _end(request: Request | None) -> bytes:
    return msgspec.json.encode(view_of(request) if request is not None else None)


def _event(kind: str, line: bytes, place: str) -> str:
    return f"id: {place}\nevent: {kind}\ndata: {line.decode()}\n\n"


def endpoints(ports: WebPorts, ending: Ending) -> Sequence[Endpoint]:
    """Return where requests are watched."""
    watching = Watching(
        requests=ports.requests,
        desk=ports.desk,
        stories=ports.stories,
        times=ports.times,
        ending=ending,
    )
    return (
        Endpoint(
            method="GET",
            path="/api/requests/{request}/events",
            allowed=READERS,
            answer=watching.events,
            says="What happens of a request as server-sent events, until it has ended.",
            media=_STREAM,
        ),
    )
