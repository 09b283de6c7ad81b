"""``wheelyard index snapshot``: named states of the index, promoted and rolled back."""

from collections.abc import Sequence
from typing import Annotated

import msgspec
import typer

from wheelyard.cli import options as o
from wheelyard.cli.addresses import Database
from wheelyard.cli.curation import with_archive
from wheelyard.cli.display.console import results
from wheelyard.model.counted import plural
from wheelyard.model.listing import NamedSnapshot
from wheelyard.wiring.keeping import Archive

app = typer.Typer(
    help="Named states of the index that never change, promoted from name to name and rolled back.",
    no_args_is_help=True,
)
Name = Annotated[str, typer.Argument(metavar="NAME", help="A name, for example testing.")]


@app.command("create")
def create(
    context: typer.Context, name: Name, state: o.State = None, database: Database = ""
) -> None:
    """Keep what is published now as a snapshot, and let NAME stand for it."""
    _say(with_archive(context, state, database, lambda a: a.snapshots.create(name)))


@app.command("list")
def list_command(
    context: typer.Context,
    state: o.State = None,
    database: Database = "",
    as_json: o.AsJson = False,
) -> None:
    """List the names and what they stand for."""

    async def work(archive: Archive) -> Sequence[NamedSnapshot]:
        return await archive.snapshots.names()

    found = with_archive(context, state, database, work)
    if as_json:
        typer.echo(msgspec.json.format(msgspec.json.encode(found)).decode())
    else:
        _print(found)


@app.command("promote")
def promote(
    context: typer.Context,
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="A name, or a number.")],
    name: Name,
    state: o.State = None,
    database: Database = "",
) -> None:
    """Let NAME stand for the snapshot that SOURCE stands for: all of it at once."""
    _say(with_archive(context, state, database, lambda a: a.snapshots.promote(source, name)))


@app.command("rollback")
def roll_back(
    context: typer.Context, name: Name, state: o.State = None, database: Database = ""
) -> None:
    """Let NAME stand for the snapshot that it stood for before."""
    _say(with_archive(context, state, database, lambda a: a.snapshots.roll_back(name)))


@app.command("remove")
def remove(
    context: typer.Context, name: Name, state: o.State = None, database: Database = ""
) -> None:
    """Forget NAME, and the snapshots that no other name needs. Files that the index shows stay."""
    count = with_archive(context, state, database, lambda a: a.snapshots.remove(name))
    typer.echo(f"{name} is gone, and {plural(count, 'snapshot')} with it.", err=True)


def _say(named: NamedSnapshot) -> None:
    snapshot = named.snapshot
    typer.echo(str(snapshot.id))
    typer.echo(
        f"{named.name} is snapshot {snapshot.id} of {snapshot.created:%Y-%m-%d %H:%M:%S} UTC: "
        f"{plural(snapshot.files, 'file')} of {plural(snapshot.projects, 'project')}; "
        f"installers find it at /snapshots/{named.name}/simple/.",
        err=True,
    )


def _print(found: Sequence[NamedSnapshot]) -> None:
    from rich.table import Table

    if not found:
        typer.echo("There is none yet: wheelyard index snapshot create NAME makes one.", err=True)
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("name", "snapshot", "taken (UTC)", "files", "projects", "before"):
        table.add_column(title)
    for one in found:
        snapshot = one.snapshot
        table.add_row(
            one.name,
            str(snapshot.id),
            f"{snapshot.created:%Y-%m-%d %H:%M:%S}",
            str(snapshot.files),
            str(snapshot.projects),
            ", ".join(map(str, reversed(one.earlier))),
        )
    results().print(table)
