"""``wheelyard build --farm``: the same build, on a farm, shown as if it were here."""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from wheelyard.blobs.folder import FolderBlobs
from wheelyard.cli import request
from wheelyard.cli.display.console import results, say
from wheelyard.cli.display.events import JsonDisplay, encode
from wheelyard.cli.display.table import print_reproducible, print_summary
from wheelyard.cli.farm_options import FarmClient
from wheelyard.cli.request import Selection
from wheelyard.cli.targets import chosen
from wheelyard.cli.watching import Display, Telling, Watched, bring, submit, watch
from wheelyard.errors import ConfigurationError
from wheelyard.index.export import ExportResult, export_wheels
from wheelyard.model.artifact import Artifact
from wheelyard.model.request import Kind
from wheelyard.plan.summary import GOOD, Ending
from wheelyard.protocol.requests import WheelsWanted, encode_wanted
from wheelyard.web.telling import RunEnded
from wheelyard.wiring.places import find_interpreters, state_path

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


@dataclass(frozen=True, slots=True, kw_only=True)
class FarmBuild:
    """What is wanted of a farm, and how it is told."""

    selection: Selection
    display: Display
    output: Path | None
    telling: Telling

    async def carry_out(self, client: FarmClient) -> bool:
        """Ask, watch to the end, and say whether all is there."""
        made = await submit_selection(client, self.selection, self.telling)
        watched = await watch(client, made, self.display)
        await self._tell(client, watched)
        return _is_good(watched)

    async def _tell(self, client: FarmClient, watched: Watched) -> None:
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
            if self.selection.check_reproducible:
                print_reproducible(console, ended.rows)
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
    client: FarmClient, selection: Selection, telling: Telling
) -> dict[str, Any]:
    """Ask a farm for what a command line selects, and return the request."""
    asked = encode_wanted(await _wanted(selection))
    return await submit(client, Kind.WHEELS, asked, telling)


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
        fall_back=selection.fall_back,
        limits=request.limits(selection),
    )


def _wheels(ended: RunEnded) -> Sequence[Artifact]:
    return [row.artifact for row in ended.rows if row.ending in GOOD and row.artifact is not None]


def _is_good(watched: Watched) -> bool:
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
        beside = {
            digest
            for wheel in wheels
            for digest in (wheel.metadata_digest, wheel.provenance_digest)
            if digest
        }
        for digest in sizes | dict.fromkeys(beside):
            await bring(client, blobs, digest)
        return await export_wheels(wheels, blobs, output)
