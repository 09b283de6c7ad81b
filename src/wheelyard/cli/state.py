"""``wheelyard state``: what the state folder holds, what of it can go, and whether it is whole."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, TypeVar

import msgspec
import typer
from rich.table import Table

from wheelyard.channel_ports import CONDA
from wheelyard.cli import options as o
from wheelyard.cli.addresses import Blobs, Database
from wheelyard.cli.display.console import results
from wheelyard.coordinator.upkeep import Checked, Cleaned, Upkeep
from wheelyard.errors import ExitCode
from wheelyard.model.counted import plural
from wheelyard.ports import Holding
from wheelyard.settings.file import Configuration
from wheelyard.wiring.keeping import open_upkeep
from wheelyard.wiring.places import state_path

Result = TypeVar("Result")

app = typer.Typer(
    help="The state folder: what it holds, what can go, and whether it is whole.",
    no_args_is_help=True,
)

Unused = Annotated[
    str,
    typer.Option(
        "--unused",
        metavar="TIME",
        envvar="WHEELYARD_UNUSED",
        help="Only what nobody used for so long: 12h, 30d, 8w.",
    ),
]
Logs = Annotated[
    str,
    typer.Option(
        "--logs",
        metavar="TIME",
        envvar="WHEELYARD_KEEP_LOGS",
        help="Also the logs of attempts that ended so long ago: 90d. Without it: logs stay.",
        show_default=False,
    ),
]
Evidence = Annotated[
    str,
    typer.Option(
        "--evidence",
        metavar="TIME",
        envvar="WHEELYARD_KEEP_EVIDENCE",
        help="Also wheels so old that neither count nor are in the index or a snapshot: 90d. Without it: they stay.",
        show_default=False,
    ),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would go, and remove nothing.")]


@app.command("show")
def show(
    context: typer.Context,
    state: o.State = None,
    database: Database = "",
    blobs: Blobs = "",
    as_json: o.AsJson = False,
) -> None:
    """Show how much there is of each kind of thing."""
    held = _with_upkeep(context, state, (database, blobs), lambda upkeep: upkeep.show())
    if as_json:
        _print_json({"state": str(state_path(state)), "holdings": list(map(asdict, held))})
        return
    typer.echo(str(state_path(state)))
    _print_holdings(held)


@app.command("clean")
def clean(  # noqa: PLR0913, PLR0917 - its options
    context: typer.Context,
    unused: Unused = "30d",
    logs: Logs = "",
    evidence: Evidence = "",
    dry_run: DryRun = False,
    state: o.State = None,
    database: Database = "",
    blobs: Blobs = "",
    as_json: o.AsJson = False,
) -> None:
    """Remove environments, caches and downloads that were not used for a while, and leftovers.

    What the index or a snapshot shows stays. Builds may run meanwhile: what they might want stays, too.
    """
    seconds = o.duration(unused).total_seconds()
    cleaned = _with_upkeep(
        context,
        state,
        (database, blobs),
        lambda upkeep: upkeep.clean(
            unused_seconds=seconds,
            preview=dry_run,
            logs_seconds=_seconds(logs),
            evidence_seconds=_seconds(evidence),
        ),
    )
    if as_json:
        _print_json(asdict(cleaned))
    else:
        _print_cleaned(cleaned, dry_run=dry_run)


@app.command("check")
def check(
    context: typer.Context,
    state: o.State = None,
    database: Database = "",
    blobs: Blobs = "",
    as_json: o.AsJson = False,
) -> None:
    """Read every stored file again and hold it against its digest.

    A wheel that is missing or damaged leaves the index, and the next build that wants it builds it again.
    """
    checked = _with_upkeep(context, state, (database, blobs), lambda upkeep: upkeep.check())
    if as_json:
        _print_json(asdict(checked))
    else:
        _print_checked(checked)
    if checked.lost or checked.damaged:
        raise typer.Exit(ExitCode.STATE)


def _with_upkeep(
    context: typer.Context,
    state: Path | None,
    elsewhere: tuple[str, str],
    work: Callable[[Upkeep], Awaitable[Result]],
) -> Result:
    configuration: Configuration = context.obj
    database = elsewhere[0] or configuration.farm.get("database", "")
    blobs = elsewhere[1] or configuration.farm.get("blobs", "")

    async def run() -> Result:
        async with open_upkeep(state, database=database, blobs=blobs) as upkeep:
            return await work(upkeep)

    return asyncio.run(run())


def _seconds(duration: str) -> float | None:
    return o.duration(duration).total_seconds() if duration else None


def _print_json(value: object) -> None:
    typer.echo(msgspec.json.format(msgspec.json.encode(value)).decode())


def _print_holdings(holdings: Sequence[Holding]) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("what")
    table.add_column("how many", justify="right")
    table.add_column("MiB", justify="right")
    for one in holdings:
        table.add_row(one.kind, str(one.count), f"{one.size / (1 << 20):.1f}")
    results().print(table)


def _print_cleaned(cleaned: Cleaned, *, dry_run: bool) -> None:
    removed = [one for one in cleaned.removed if one.count]
    if removed:
        typer.echo("would go:" if dry_run else "removed:", err=True)
        _print_holdings(removed)
    else:
        typer.echo("There is nothing that was not used for so long.", err=True)
    if cleaned.leftovers:
        leftovers = plural(cleaned.leftovers, "leftover")
        typer.echo(f"put right: {leftovers} of killed runs.", err=True)
    if cleaned.spared:
        kinds = ", ".join(cleaned.spared)
        typer.echo(f"A run goes on, so these were left alone: {kinds}.", err=True)


def _print_checked(checked: Checked) -> None:
    for one in checked.lost:
        said = "was damaged" if one.damaged else "is missing"
        typer.echo(f"{one.filename or one.digest}: its {_SINGULAR[one.kind]} {said}")
    typer.echo(
        f"{plural(checked.blobs, 'file')} read: {checked.damaged} damaged, {len(checked.lost)} lost; "
        f"{plural(len(checked.reopened), 'job')} open again.",
        err=True,
    )


_SINGULAR = {
    "wheels": "wheel",
    "metadata": "metadata",
    "provenance": "provenance",
    CONDA: "conda package",
    "logs": "log",
}
