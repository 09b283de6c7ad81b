"""A log is followed while it is written, without gap or repeat, over attempts and reconnects."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

import httpx
import pytest

from store.things import built
from web.place import Place
from wheelyard.bus_ports import LogPiece
from wheelyard.farm_ports import Role
from wheelyard.model.job import BuildKey, Outcome, Report
from wheelyard.ports import Lease

pytestmark = pytest.mark.anyio
KEY = BuildKey("k1" * 8)


@dataclass(frozen=True, slots=True)
class Event:
    id: str
    kind: str
    said: dict[str, object]


@asynccontextmanager
async def followed(place: Place, last: str = "") -> AsyncIterator[AsyncIterator[Event]]:
    headers = await place.bearer(Role.READER)
    if last:
        headers["Last-Event-ID"] = last
    async with place.client.stream(
        "GET", f"/api/jobs/{KEY}/log/events", headers=headers, timeout=10
    ) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        yield events(answer)


async def events(answer: httpx.Response) -> AsyncIterator[Event]:
    fields: dict[str, str] = {}
    async for line in answer.aiter_lines():
        if line:
            name, _, value = line.partition(": ")
            fields[name] = value
        elif "event" in fields:
            yield Event(fields["id"], fields["event"], json.loads(fields["data"]))
            fields = {}
        else:
            fields = {}


async def next_of(stream: AsyncIterator[Event], kind: str) -> Event:
    async with asyncio.timeout(10):
        async for event in stream:
            if event.kind == kind:
                return event
    raise AssertionError(kind)


async def write(
    place: Place,
    lease: Lease,
    start: int,
    content: bytes,
    *,
    end: bool = False,
    builder: str = "arm-1",
) -> None:
    piece = LogPiece(attempt=f"{lease.key}.{lease.fence}", start=start, content=content, end=end)
    await place.bus.builder(builder).write_log(piece)


async def finish(place: Place, lease: Lease, log: bytes, report: Report | None = None) -> None:
    digest = await place.ports.blobs.add_bytes(gzip.compress(log))
    ended = replace(report or built(), log_digest=digest)
    assert await place.jobs.finish(lease.key, lease.fence, ended)


async def test_a_log_is_followed_to_the_end_of_its_job(place: Place) -> None:
    lease = await place.leased(KEY)
    async with followed(place) as stream:
        assert (await next_of(stream, "attempt")).said == {"fence": lease.fence, "builder": "arm-1"}
        await write(place, lease, 0, b"one\n")
        assert (await next_of(stream, "log")).said == {"text": "one\n"}
        await write(place, lease, 4, b"two\n", end=True)
        assert (await next_of(stream, "log")).said == {"text": "two\n"}
        await finish(place, lease, b"one\ntwo\n")
        end = await next_of(stream, "end")
        assert (end.id, end.said["outcome"]) == (f"{lease.fence}:8", "built")
        assert [event async for event in stream] == []


async def test_a_follower_that_comes_back_sees_neither_gap_nor_repeat(place: Place) -> None:
    lease = await place.leased(KEY)
    log = "Zeile für Zeile\n" * 100
    raw = log.encode()
    seen, last = "", ""
    for number, start in enumerate(range(0, len(raw), 333)):
        await write(place, lease, start, raw[start : start + 333])
        if number % 2:
            continue
        async with followed(place, last) as stream:
            event = await next_of(stream, "log")
            seen, last = seen + str(event.said["text"]), event.id
    await write(place, lease, len(raw), b"", end=True)
    await finish(place, lease, raw)
    async with followed(place, last) as stream:
        async for event in stream:
            if event.kind == "log":
                seen += str(event.said["text"])
    assert seen == log


async def test_a_letter_that_comes_in_two_pieces_is_one(place: Place) -> None:
    lease = await place.leased(KEY)
    raw = "ü".encode()
    async with followed(place) as stream:
        await write(place, lease, 0, b"f" + raw[:1])
        event = await next_of(stream, "log")
        assert (event.said["text"], event.id) == ("f", f"{lease.fence}:1")
        await write(place, lease, 2, raw[1:] + b"r")
        assert (await next_of(stream, "log")).said["text"] == "ür"


async def test_a_job_that_waits_and_is_lost_is_followed_into_its_next_attempt(place: Place) -> None:
    await place.submit(KEY)
    async with followed(place) as stream:
        assert (await next_of(stream, "state")).said["state"] == "ready"
        first = await place.lease("arm-1")
        await write(place, first, 0, b"first")
        assert (await next_of(stream, "log")).said["text"] == "first"
        await place.ports.queue.expire_of("arm-1")
        second = await place.lease("arm-2")
        await write(place, second, 0, b"second", builder="arm-2")
        assert (await next_of(stream, "attempt")).said["builder"] == "arm-2"
        event = await next_of(stream, "log")
        assert (event.said["text"], event.id) == ("second", f"{second.fence}:6")


async def test_what_another_builder_writes_under_the_same_name_is_not_shown(place: Place) -> None:
    lease = await place.leased(KEY)
    await write(place, lease, 0, b"forged", builder="mallory")
    await write(place, lease, 0, b"true")
    async with followed(place) as stream:
        assert (await next_of(stream, "log")).said["text"] == "true"


async def test_a_log_that_ended_before_is_given_from_where_it_is_kept(place: Place) -> None:
    lease = await place.leased(KEY)
    failed = Report(outcome=Outcome.FAILED, reason="no compiler", log_digest="")
    await finish(place, lease, b"all of it", failed)
    async with followed(place) as stream:
        assert (await next_of(stream, "log")).said["text"] == "all of it"
        assert (await next_of(stream, "end")).said["reason"] == "no compiler"


async def test_a_silent_stream_says_that_it_lives(place: Place) -> None:
    await place.submit(KEY)
    headers = await place.bearer(Role.READER)
    async with (
        asyncio.timeout(5),
        place.client.stream("GET", f"/api/jobs/{KEY}/log/events", headers=headers) as answer,
    ):
        async for line in answer.aiter_lines():
            if line.startswith(":"):
                break


async def text(place: Place, **query: int) -> httpx.Response:
    headers = await place.bearer(Role.READER)
    return await place.client.get(f"/api/jobs/{KEY}/log", params=query, headers=headers)


async def test_a_log_is_text_from_an_offset_on(place: Place) -> None:
    lease = await place.leased(KEY)
    await write(place, lease, 0, b"0123456789")
    running = await text(place, offset=4)
    assert (running.text, running.headers["x-log-complete"]) == ("456789", "false")
    await finish(place, lease, b"0123456789")
    ended = await text(place, offset=4)
    assert (ended.text, ended.headers["x-log-complete"]) == ("456789", "true")
    assert (await text(place, attempt=7)).status_code == 404


async def test_a_wrong_place_is_refused(place: Place) -> None:
    await place.submit(KEY)
    headers = {**await place.bearer(Role.READER), "Last-Event-ID": "x"}
    answer = await place.client.get(f"/api/jobs/{KEY}/log/events", headers=headers)
    assert answer.status_code == 422
