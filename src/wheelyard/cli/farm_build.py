"""``wheelyard build --farm``: the same build, on a farm, shown as if it were here."""

import asyncio
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from wheelyard.blobs.folder import FolderBlobs
from wheelyard.cli import request
from wheelyard.cli.display.console import results, say
from wheelyard.cli.display.events import JsonDisplay, encode
from wheelyard.cli.display.live import LiveDisplay, PlainDisplay
from wheelyard.cli.display.table import print_summary
from wheelyard.cli.farm_options import FarmClient
from wheelyard.cli.following import follow
from wheelyard.cli.request import Selection
from wheelyard.cli.targets import chosen
from wheelyard.coordinator.run import Standing
from wheelyard.errors import ConfigurationError
from wheelyard.index.export import ExportResult, export_wheels
from wheelyard.model.artifact import Artifact
from wheelyard.plan.summary import GOOD, Ending
from wheelyard.protocol.requests import WheelsWanted, encode_wanted
from wheelyard.web.telling import Progressed, RunEnded, read
from wheelyard.wiring.places import find_interpreters, state_path

Display = LiveDisplay | PlainDisplay | JsonDisplay
Priority = Annotated[
    int,
    typer.Option(
        "--priority",
        min=-100,
        max=100,
        envvar="WHEELYARD_PRIORITY",
        help="On a farm: how much it matters; one level is worth a day of waiting.",
    ),
]
Notify = Annotated[
    list[str] | None,
    typer.Option(
        "--notify",
        metavar="ADDRESS",
        envvar="WHEELYARD_NOTIFY",
        help="On a farm: who is told of the end, once: mailto:ANN@EXAMPLE.ORG, or an address as apprise has them.",
    ),
]


@dataclass(slots=True)
class _Watched:
    """What was seen of a request."""

    standing: Standing = field(
        default_factory=lambda: Standing(units=0, settled=0, running={}, seconds_left=0.0)
    )
    ended: RunEnded | None = None
    request: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class FarmBuild:
    """What is wanted of a farm, and how it is told."""

    selection: Selection
    display: Display
    output: Path | None
    priority: int
    notify: tuple[str, ...]

    async def carry_out(self, client: FarmClient) -> bool:
        """Ask, watch to the end, and say whether all is there."""
        made = await submit_selection(client, self.selection, self.priority, self.notify)
        if not isinstance(self.display, JsonDisplay):
            typer.echo(f"request {made['id']}: {made['summary']}", err=True)
        watched = _Watched()
        try:
            await self._watch(client, str(made["id"]), watched)
        except asyncio.CancelledError:
            typer.echo(
                f"request {made['id']} goes on; "
                f"'wheelyard request cancel {made['id']} --farm {client.url}' ends it",
                err=True,
            )
            raise
        await self._tell(client, watched)
        return _is_good(watched)

    async def _watch(self, client: FarmClient, name: str, watched: _Watched) -> None:
        self.display.start(lambda: watched.standing)
        try:
            async for event in follow(client.http, f"/api/requests/{name}/events"):
                if event.kind == "end":
                    watched.request = msgspec.json.decode(event.data, type=dict[str, Any])
                elif event.kind in {"told", "standing"}:
                    self._take(event.data, watched)
        finally:
            self.display.stop()

    def _take(self, line: str, watched: _Watched) -> None:
        told = read(line.encode())
        match told:
            case Progressed():
                watched.standing = told.standing()
            case RunEnded():
                watched.ended = told
            case _:
                self.display(told)

    async def _tell(self, client: FarmClient, watched: _Watched) -> None:
        ended = watched.ended
        wheels = [] if ended is None else _wheels(ended)
        exported = None
        if self.output is not None:
            exported = await _export(client, wheels, self.output)
        if isinstance(self.display, JsonDisplay):
            for row in () if ended is None else ended.rows:
                self.display.write(encode(row))
            return
        console = results()
        if ended is not None:
            print_summary(console, ended.rows, ended.exclusions, ended.cycles, place=client.url)
        said = f"{watched.request['state']}: {watched.request['reason']}"
        say(console, f"request {watched.request['id']} is {said}")
        if exported is not None and self.output is not None:
            for left in exported.left_out:
                say(console, f"not in the index: {left.filename}: {left.reason}", "yellow")
            simple = (self.output / "simple").resolve().as_uri()
            say(console, f"install with: pip install --index-url {simple}/ …", fold=False)
        else:
            say(
                console, f"install with: pip install --index-url {client.url}/simple/ …", fold=False
            )


async def submit_selection(
    client: FarmClient, selection: Selection, priority: int, notify: tuple[str, ...]
) -> dict[str, Any]:
    """Ask a farm for what a command line selects, and return the request."""
    asked = encode_wanted(await _wanted(selection))
    return await client.post(
        "/api/requests",
        {
            "kind": "wheels",
            "asked": msgspec.Raw(asked),
            "priority": priority,
            "notify": notify,
        },
    )


async def _wanted(selection: Selection) -> WheelsWanted:
    """Turn the words of a command line into a request. Raises ConfigurationError."""
    wanted = request.wanted(selection)
    if wanted.direct:
        raise ConfigurationError(
            f"{wanted.direct[0].reference!r} is on this machine, or somewhere that a farm does not fetch from",
            hint="A farm builds what is on its indexes. Leave --farm out to build this here.",
        )
    interpreters = await find_interpreters(state_path(selection.state))
    policy = request.policy(selection)
    return WheelsWanted(
        requirements=tuple(dict.fromkeys(wanted.lines)),
        targets=tuple(str(target) for target in chosen(selection.targets, interpreters)),
        constraints=wanted.constraints,
        overrides=request.overrides(selection),
        build_constraints=request.build_constraints(selection),
        from_source=selection.from_source,
        exclude_newer=policy.exclude_newer.isoformat() if policy.exclude_newer else "",
        before=policy.before.isoformat() if policy.before else "",
        prereleases=selection.prereleases,
        check_reproducible=selection.check_reproducible,
        rebuild=selection.rebuild or selection.check_reproducible,
        limits=request.limits(selection),
    )


def _wheels(ended: RunEnded) -> Sequence[Artifact]:
    return [row.artifact for row in ended.rows if row.ending in GOOD and row.artifact is not None]


def _is_good(watched: _Watched) -> bool:
    if watched.request.get("state") != "done":
        return False
    if watched.ended is None:
        return True
    fine = GOOD | {Ending.NOT_APPLICABLE}
    return all(row.ending in fine for row in watched.ended.rows) and not any(
        one.applicable for one in watched.ended.exclusions
    )


async def _export(client: FarmClient, wheels: Sequence[Artifact], output: Path) -> ExportResult:
    """Bring wheels from the farm and write an index of them."""
    with tempfile.TemporaryDirectory(prefix="wheelyard-") as folder:
        blobs = FolderBlobs(Path(folder), flush=False)
        sizes = {wheel.digest: wheel.size for wheel in wheels}
        metadata = {wheel.metadata_digest for wheel in wheels if wheel.metadata_digest}
        for digest in sizes | dict.fromkeys(metadata):
            await _bring(client, blobs, digest)
        return await export_wheels(wheels, blobs, output)


async def _bring(client: FarmClient, blobs: FolderBlobs, digest: str) -> None:
    async with client.http.stream("GET", f"/api/blobs/{digest}") as response:
        size = int(response.headers["content-length"])
        async with blobs.receive(digest, size=size) as incoming:
            async for chunk in response.aiter_bytes():
                await incoming.write(chunk)
            await incoming.keep()
