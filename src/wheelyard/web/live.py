"""The log of a job as server-sent events, over all its attempts, until it ends.

``id`` is ``FENCE:OFFSET``, the offset of what comes next: whoever comes back with it in
``Last-Event-ID`` sees neither a gap nor a repeat.
"""

import codecs
import re
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass

import msgspec
from starlette.responses import Response, StreamingResponse

from wheelyard.jobs.job import Job, State
from wheelyard.model.job import BuildKey
from wheelyard.web.access import READERS
from wheelyard.web.ending import Ending
from wheelyard.web.endpoint import Call, Endpoint, Parameter
from wheelyard.web.jobs import find_job
from wheelyard.web.logs import LogReader
from wheelyard.web.ports import Jobs, Times, WebPorts
from wheelyard.web.refusals import Refusal, not_there, shortened

_RUNS = frozenset({State.READY, State.LEASED})
_AGAIN_MILLISECONDS = 2000
_STREAM = "text/event-stream"
_TEXT = "text/plain; charset=utf-8"
_QUIET_SECONDS = 0.2
_PLACE = re.compile(r"([0-9]{1,18}):([0-9]{1,18})")


@dataclass(slots=True)
class Place:
    """Where a reader is: in the log of the attempt under a fence, at an offset in bytes."""

    fence: int = 0
    offset: int = 0

    @classmethod
    def parse(cls, text: str) -> "Place":
        """Read an event's id. Raises a Refusal."""
        match = _PLACE.fullmatch(text)
        if match is None:
            raise Refusal(
                422, f"Last-Event-ID is {shortened(text)!r}", "Send back what came as id."
            )
        return cls(int(match[1]), int(match[2]))

    def __str__(self) -> str:
        return f"{self.fence}:{self.offset}"


class LiveLogs:
    """Gives logs out while they are written."""

    def __init__(self, *, jobs: Jobs, reader: LogReader, times: Times, ending: Ending) -> None:
        self._jobs = jobs
        self._reader = reader
        self._times = times
        self._ending = ending

    async def text(self, call: Call) -> Response:
        """Answer with a log as text, from an offset on: what is there of it."""
        job = await find_job(self._jobs, call.place("key"))
        start, number = call.number("offset", 0), call.number("attempt", 0)
        attempt = await self._reader.attempt(job, number)
        if attempt is None:
            raise not_there("attempt", str(number or job.key))
        running = self._reader.runs(job, attempt)
        headers = {"X-Log-Attempt": str(attempt.number), "X-Log-Complete": str(not running).lower()}
        if running:
            content = self._reader.read_so_far(job, start, quiet=_QUIET_SECONDS)
            return StreamingResponse(content, headers=headers, media_type=_TEXT)
        packed = self._reader.kept(attempt)
        if packed is None:
            raise Refusal(404, f"attempt {attempt.number} has no log", "It may never have begun.")
        content = self._reader.read_kept(packed, start)
        return StreamingResponse(content, headers=headers, media_type=_TEXT)

    async def events(self, call: Call) -> Response:
        """Answer with a log as events, until the job ends."""
        job = await find_job(self._jobs, call.place("key"))
        given = call.request.headers.get("last-event-id", "")
        place = Place.parse(given) if given else Place()
        return StreamingResponse(self._stream(job.key, place), media_type=_STREAM)

    async def _stream(self, key: BuildKey, place: Place) -> AsyncGenerator[str, None]:
        yield f"retry: {_AGAIN_MILLISECONDS}\n\n"
        told, finished, silent = "", -1, 0.0
        while not self._ending.begun:
            job = await self._jobs.job(key)
            if job is None:
                return
            if _standing(job) != told:
                told, silent = _standing(job), 0.0
                yield _event("state", _state(job), place)
            if job.state is State.LEASED and job.fence != finished:
                async for event in self._attempt(job, place):
                    yield event
                finished = job.fence
                continue
            if job.state not in _RUNS:
                async for event in self._ended(job, place):
                    yield event
                return
            await self._ending.wait(self._times.look)
            silent += self._times.look
            if silent >= self._times.beat:
                silent = 0.0
                yield ": still here\n\n"

    async def _attempt(self, job: Job, place: Place) -> AsyncGenerator[str, None]:
        """Yield what an attempt writes, until it ends or is superseded."""
        if place.fence != job.fence:
            place.fence, place.offset = job.fence, 0
            yield _event("attempt", {"fence": job.fence, "builder": job.builder}, place)
        decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        silent = 0.0
        pieces = self._reader.follow(
            job.key, job.fence, job.builder, place.offset, self._times.look
        )
        async with aclosing(pieces):
            async for piece in pieces:
                if piece is not None:
                    silent = 0.0
                    yield _log_event(decoder, piece.start, piece.content, place)
                    continue
                now = await self._jobs.job(job.key)
                if self._ending.begun or now is None or _standing(now) != _standing(job):
                    return
                silent += self._times.look
                if silent >= self._times.beat:
                    silent = 0.0
                    yield ": still here\n\n"

    async def _ended(self, job: Job, place: Place) -> AsyncGenerator[str, None]:
        """Yield what is kept of the last attempt and was not seen yet, and that the job ended."""
        attempt = await self._reader.attempt(job, job.attempt)
        packed = self._reader.kept(attempt)
        if packed is not None:
            if place.fence != job.fence:
                place.fence, place.offset = job.fence, 0
                yield _event("attempt", {"fence": job.fence, "builder": job.builder}, place)
            decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
            start = place.offset
            async with aclosing(self._reader.read_kept(packed, start)) as chunks:
                async for chunk in chunks:
                    yield _log_event(decoder, start, chunk, place)
                    start += len(chunk)
        yield _event("end", _state(job), place)


def _log_event(decoder: codecs.IncrementalDecoder, start: int, content: bytes, place: Place) -> str:
    """Write bytes as an event; a letter that is not whole yet is left for the next one."""
    text = decoder.decode(content)
    place.offset = start + len(content) - len(decoder.getstate()[0])
    return _event("log", {"text": text}, place) if text else ""


def _event(kind: str, value: object, place: Place) -> str:
    return f"id: {place}\nevent: {kind}\ndata: {msgspec.json.encode(value).decode()}\n\n"


def _standing(job: Job) -> str:
    return f"{job.state.value} {job.fence}"


def _state(job: Job) -> dict[str, str | int | None]:
    return {
        "state": job.state.value,
        "fence": job.fence,
        "builder": job.builder,
        "outcome": job.outcome.value if job.outcome else None,
        "reason": job.reason,
    }


def endpoints(ports: WebPorts, ending: Ending) -> Sequence[Endpoint]:
    """Return where logs are read: in the interface, and where pages find them."""
    reader = LogReader(jobs=ports.jobs, bus=ports.bus, blobs=ports.blobs)
    logs = LiveLogs(jobs=ports.jobs, reader=reader, times=ports.times, ending=ending)
    return (*_at("/api/jobs", logs, visitors=False), *_at("/jobs", logs, visitors=True))


def _at(place: str, logs: LiveLogs, *, visitors: bool) -> Sequence[Endpoint]:
    return (
        Endpoint(
            method="GET",
            path=f"{place}/{{key}}/log",
            allowed=READERS,
            answer=logs.text,
            says="The log of the newest attempt, or of another; of one that runs, what is there.",
            query=(
                Parameter(name="attempt", says="Its number.", kind="integer"),
                Parameter(name="offset", says="Leave out so many bytes.", kind="integer"),
            ),
            media="text/plain",
            visitors=visitors,
        ),
        Endpoint(
            method="GET",
            path=f"{place}/{{key}}/log/events",
            allowed=READERS,
            answer=logs.events,
            says="The log as server-sent events until the job ends; Last-Event-ID goes on.",
            media=_STREAM,
            visitors=visitors,
        ),
    )
