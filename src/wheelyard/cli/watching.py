"""A request at a farm from the command line: asked, watched to its end, and what it gave brought home."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

import msgspec
import typer

from wheelyard.blobs.folder import FolderBlobs
from wheelyard.cli.display.events import JsonDisplay
from wheelyard.cli.display.live import LiveDisplay, PlainDisplay
from wheelyard.cli.farm_options import FarmClient
from wheelyard.cli.following import follow
from wheelyard.coordinator.command_run import CommandEnded
from wheelyard.coordinator.run import Standing
from wheelyard.model.request import Kind
from wheelyard.web.telling import Progressed, RunEnded, read

Display = LiveDisplay | PlainDisplay | JsonDisplay


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """What goes with a request and is no part of what is asked for."""

    priority: int = 0
    notify: tuple[str, ...] = ()


@dataclass(slots=True)
class Watched:
    """What was seen of a request; how its run or its command ended, where that was told."""

    standing: Standing = field(
        default_factory=lambda: Standing(units=0, settled=0, running={}, seconds_left=0.0)
    )
    ended: RunEnded | None = None
    command: CommandEnded | None = None
    request: dict[str, Any] = field(default_factory=dict)


async def submit(client: FarmClient, kind: Kind, asked: bytes, telling: Telling) -> dict[str, Any]:
    """Ask a farm for something, and return the request."""
    return await client.post(
        "/api/requests",
        {
            "kind": kind,
            "asked": msgspec.Raw(asked),
            "priority": telling.priority,
            "notify": telling.notify,
        },
    )


async def watch(client: FarmClient, made: dict[str, Any], display: Display) -> Watched:
    """Show a request until it has ended."""
    if not isinstance(display, JsonDisplay):
        typer.echo(f"request {made['id']}: {made['summary']}", err=True)
    watched = Watched()
    try:
        await _follow(client, str(made["id"]), watched, display)
    except asyncio.CancelledError:
        typer.echo(
            f"request {made['id']} goes on; "
            f"'wheelyard request cancel {made['id']} --farm {client.url}' ends it",
            err=True,
        )
        raise
    return watched


async def _follow(client: FarmClient, name: str, watched: Watched, display: Display) -> None:
    display.start(lambda: watched.standing)
    try:
        async for event in follow(client.http, f"/api/requests/{name}/events"):
            if event.kind == "end":
                watched.request = msgspec.json.decode(event.data, type=dict[str, Any])
            elif event.kind == "waits":
                _say_waits(event.data, watched, display)
            elif event.kind in {"told", "standing"}:
                _take(event.data, watched, display)
    finally:
        display.stop()


def _take(line: str, watched: Watched, display: Display) -> None:
    told = read(line.encode())
    match told:
        case Progressed():
            watched.standing = told.standing()
        case RunEnded():
            watched.ended = told
        case CommandEnded():
            watched.command = told
        case _:
            display(told)


def _say_waits(line: str, watched: Watched, display: Display) -> None:
    """Show why nothing happens; where something does, that is what people want to see."""
    waits = msgspec.json.decode(line, type=dict[str, list[str]]).get("waits", [])
    if not isinstance(display, JsonDisplay):
        display.waiting([] if watched.standing.running else waits)


async def bring(client: FarmClient, blobs: FolderBlobs, digest: str) -> None:
    """Fetch a blob from the farm."""
    async with client.http.stream("GET", f"/api/blobs/{digest}") as response:
        size = int(response.headers["content-length"])
        async with blobs.receive(digest, size=size) as incoming:
            async for chunk in response.aiter_bytes():
                await incoming.write(chunk)
            await incoming.keep()
