"""``wheelyard index conda``: packages into the conda channel, and what is in it."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from wheelyard.channel_ports import ChannelChanges, Entered
from wheelyard.cli import options as o
from wheelyard.cli.addresses import Blobs, Database
from wheelyard.cli.curation import with_archive
from wheelyard.cli.display.console import results
from wheelyard.errors import ConfigurationError
from wheelyard.model.channel import CondaPackage
from wheelyard.model.counted import plural
from wheelyard.wiring.keeping import Archive

if TYPE_CHECKING:
    from wheelyard.index.channel_export import ChannelExport

app = typer.Typer(help="Packages of the conda channel, at /conda/.", no_args_is_help=True)


@app.command("add")
def add(
    context: typer.Context,
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE…", help="Packages: .conda or .tar.bz2.")
    ],
    state: o.State = None,
    database: Database = "",
    blobs: Blobs = "",
) -> None:
    """Let packages into the channel, all of them or none; their own bytes say for which platform they are."""
    for path in files:
        if not path.is_file():
            raise ConfigurationError(f"there is no file '{path}'", hint="Check the path.")

    async def work(archive: Archive) -> tuple[Sequence[CondaPackage], Entered]:
        return await archive.door.take(files, actor="")

    packages, entered = with_archive(context, state, database, work, blobs=blobs)
    new = {one.place for one in entered.new}
    for place in dict.fromkeys(one.place for one in packages):
        typer.echo(place if place in new else f"{place} (was there already)")


@app.command("list")
def list_command(
    context: typer.Context,
    state: o.State = None,
    database: Database = "",
    as_json: o.AsJson = False,
) -> None:
    """List the packages of the channel, those that are removed, too."""

    async def work(archive: Archive) -> ChannelChanges:
        return await archive.channel.changes_since(-1)

    found = [one for one in with_archive(context, state, database, work).packages if one.there]
    if as_json:
        listed = [_said(one) for one in found]
        typer.echo(msgspec.json.format(msgspec.json.encode(listed)).decode())
    else:
        _print(found)


def tell_channel(result: "ChannelExport") -> None:
    """Say what an export wrote, and how to install from it."""
    packages, files = plural(result.packages, "conda package"), plural(result.written, "file")
    typer.echo(f"{result.channel}: {packages}; {files} written.", err=True)
    for left_out in result.left_out:
        typer.echo(f"Left out: {left_out.filename}: {left_out.reason}.", err=True)
    address = result.channel.resolve().as_uri()
    said = f"conda install --override-channels --channel {address} PACKAGE"
    typer.echo(f"Install from it: {said}", err=True)


def _said(one: CondaPackage) -> dict[str, Any]:
    return {
        "package": one.place,
        "name": one.name,
        "version": one.version,
        "build": one.build,
        "build_number": one.build_number,
        "digest": one.digest,
        "md5": one.md5,
        "size": one.size,
        "created": one.created,
        "job": one.build_key,
        "removed": one.removed,
    }


def _print(found: Sequence[CondaPackage]) -> None:
    from rich.table import Table

    if not found:
        typer.echo(
            "Nothing is in the channel yet: 'wheelyard index conda add FILE' lets a package in.",
            err=True,
        )
        return
    table = Table("Package", "Version", "File", "Bytes", box=None, pad_edge=False)
    for one in found:
        removed = "" if one.removed is None else " (removed)"
        table.add_row(one.name, f"{one.version}{removed}", one.place, str(one.size))
    results().print(table, soft_wrap=True, markup=False)
