"""Follows server-sent events, over lost connections: each comes once, and none is left out."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass

import httpx

from wheelyard.depot.http import AwayError, Farm, Query

_FIRST_SECONDS, _LONGEST_SECONDS = 0.5, 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One event; ``id`` is where its reader stands after it."""

    id: str
    kind: str
    data: str


async def follow(farm: Farm, path: str) -> AsyncIterator[Event]:
    """Yield events until the one called ``end``. Raises what the farm says against it; an absence is waited for."""
    last, pause = "", _FIRST_SECONDS
    while True:
        try:
            headers = {"Last-Event-ID": last} if last else {}
            async with (
                farm.stream("GET", path, Query(headers=headers)) as response,
                aclosing(_events(response)) as events,
            ):
                async for event in events:
                    last, pause = event.id, _FIRST_SECONDS
                    yield event
                    if event.kind == "end":
                        return
        except AwayError:
            # Said again by the next connection, from where this one stood.
            pass
        await asyncio.sleep(pause)
        pause = min(_LONGEST_SECONDS, 2 * pause)


async def _events(response: httpx.Response) -> AsyncGenerator[Event, None]:
    fields: dict[str, str] = {}
    async for line in response.aiter_lines():
        if line:
            name, _, value = line.partition(": ")
            fields[name] = value
            continue
        if "event" in fields:
            yield Event(
                id=fields.get("id", ""), kind=fields["event"], data=fields.get("data", "null")
            )
        fields = {}
