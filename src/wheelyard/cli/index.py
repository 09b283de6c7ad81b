"""``wheelyard index``: serve, export and list what was built; its other commands are beside."""

import asyncio
import sys
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from wheelyard.cli import curation
from wheelyard.cli.addresses import FallThrough, Host, OwnProjects, Port
from wheelyard.cli.conda import app as conda_app
from wheelyard.cli.conda import tell_channel
from wheelyard.cli.snapshots import app as snapshots_app
from wheelyard.cli.verifying import verify
from wheelyard.index.export import ExportResult, export
from wheelyard.index.fallthrough import KnownProjects
from wheelyard.index.listing import IndexPorts, Listing, listings
from wheelyard.model.counted import plural
from wheelyard.wiring.behind import FallthroughSettings, fallthrough_of

if TYPE_CHECKING:
    from wheelyard.index.channel_export import ChannelExport

OpenState = Callable[[Path | None], AbstractAsyncContextManager[IndexPorts]]

State = Annotated[
    Path | None,
    typer.Option(
        "--state",
        envvar="WHEELYARD_STATE",
        metavar="DIR",
        help="The state folder. Without it: the user's own.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]


def index_app(open_state: OpenState) -> typer.Typer:
    """Return the sub-commands; ``open_state`` opens a state folder (None: the default one)."""
    app = typer.Typer(help="Serve, export, list and check what was built.", no_args_is_help=True)

    @app.command("serve")
    def serve_command(
        state: State = None,
        host: Host = "127.0.0.1",
        port: Port = 8080,
        fall_through: FallThrough = "",
        own_projects: OwnProjects = None,
    ) -> None:
        """Serve the index over HTTP until Ctrl-C."""
        behind = FallthroughSettings(upstream=fall_through, own=tuple(own_projects or ()))
        asyncio.run(_serve(open_state, state, host, port, behind))

    @app.command("export")
    def export_command(
        output: Annotated[Path, typer.Argument(metavar="DIR", help="The folder; it is made.")],
        state: State = None,
    ) -> None:
        """Write the index into a folder: for a web server, or to install from it as it is."""
        result, channel = asyncio.run(_export(open_state, state, output))
        _tell_exported(result)
        if channel is not None:
            tell_channel(channel)

    @app.command("list")
    def list_command(state: State = None, as_json: AsJson = False) -> None:
        """List the projects of the index and their files."""
        found = asyncio.run(_list(open_state, state))
        if as_json:
            typer.echo(listings_json(found))
        else:
            _print_listings(found)

    app.command("verify")(verify)
    app.command("yank")(curation.yank)
    app.command("status")(curation.status)
    app.command("key")(curation.key)
    app.add_typer(conda_app, name="conda")
    app.add_typer(snapshots_app, name="snapshot")
    return app


async def _serve(
    open_state: OpenState, state: Path | None, host: str, port: int, settings: FallthroughSettings
) -> None:
    # Importing a web server takes longer than most commands.
    from wheelyard.index.serving import serve

    async with open_state(state) as ports:
        known = ports.artifacts if isinstance(ports.artifacts, KnownProjects) else None
        upstream = None if known is None else fallthrough_of(settings, known)
        await serve(ports, host=host, port=port, announce=_announce, upstream=upstream)


async def _export(
    open_state: OpenState, state: Path | None, output: Path
) -> tuple[ExportResult, "ChannelExport | None"]:
    async with open_state(state) as ports:
        result = await export(ports.artifacts, ports.blobs, output)
        if ports.channel is None:
            return result, None
        changes = await ports.channel.changes_since(-1)
        packages = [one for one in changes.packages if one.there]
        if not packages:
            return result, None
        from wheelyard.index.channel_export import export_channel

        return result, await export_channel(packages, ports.blobs, output)


async def _list(open_state: OpenState, state: Path | None) -> list[Listing]:
    async with open_state(state) as ports:
        return await listings(ports.artifacts)


def _announce(address: str) -> None:
    typer.echo(f"{address}/simple/")
    # Whoever reads the address through a pipe waits for it now, not when the server ends.
    sys.stdout.flush()
    typer.echo(f"Install from it: pip install --index-url {address}/simple/ PROJECT", err=True)
    typer.echo("Stop with Ctrl-C.", err=True)


def _tell_exported(result: ExportResult) -> None:
    typer.echo(str(result.index))
    projects, wheels = plural(len(result.projects), "project"), plural(result.files, "wheel")
    typer.echo(f"{projects}, {wheels}; {plural(result.written, 'file')} written.", err=True)
    for left_out in result.left_out:
        typer.echo(f"Left out: {left_out.filename}: {left_out.reason}.", err=True)
    address = result.index.resolve().as_uri()
    typer.echo(f"Install from it: pip install --index-url {address}/ PROJECT", err=True)


def listings_json(found: list[Listing]) -> str:
    """Write listings as JSON: what scripts read."""
    projects = [
        {
            "project": listing.project,
            "files": [
                {
                    "filename": artifact.filename,
                    "version": str(artifact.release.version),
                    "digest": artifact.digest,
                    "size": artifact.size,
                    "created": artifact.created,
                    "yanked": artifact.yanked,
                }
                for artifact in listing.files
            ],
        }
        for listing in found
    ]
    return msgspec.json.format(msgspec.json.encode(projects)).decode()


def _print_listings(found: list[Listing]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("Project", "Version", "File", "Bytes", box=None, pad_edge=False)
    for listing in found:
        for artifact in listing.files:
            yanked = "" if artifact.yanked is None else " (yanked)"
            version = f"{artifact.release.version}{yanked}"
            table.add_row(listing.project, version, artifact.filename, str(artifact.size))
    if found:
        Console(markup=False, soft_wrap=True).print(table)
    else:
        typer.echo(
            "Nothing is published yet: wheelyard build PROJECT builds and publishes.", err=True
        )
