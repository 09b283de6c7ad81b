"""``wheelyard index``: serve, export, list and check what was built."""

import asyncio
import sys
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from wheelyard.errors import ConfigurationError, ExitCode
from wheelyard.index.export import ExportResult, export
from wheelyard.index.listing import IndexPorts, Listing, listings
from wheelyard.index.verify import Verification, verify
from wheelyard.model.counted import plural
from wheelyard.wiring.keeping import open_archive

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
Host = Annotated[
    str,
    typer.Option(
        envvar="WHEELYARD_HOST", help="The address to listen on; 0.0.0.0 lets other machines in."
    ),
]
Port = Annotated[
    int,
    typer.Option(envvar="WHEELYARD_PORT", min=0, max=65535, help="The port; 0 takes a free one."),
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
    ) -> None:
        """Serve the index over HTTP until Ctrl-C."""
        asyncio.run(_serve(open_state, state, host, port))

    @app.command("export")
    def export_command(
        output: Annotated[Path, typer.Argument(metavar="DIR", help="The folder; it is made.")],
        state: State = None,
    ) -> None:
        """Write the index into a folder: for a web server, or to install from it as it is."""
        result = asyncio.run(_export(open_state, state, output))
        _tell_exported(result)

    @app.command("list")
    def list_command(state: State = None, as_json: AsJson = False) -> None:
        """List the projects of the index and their files."""
        found = asyncio.run(_list(open_state, state))
        if as_json:
            typer.echo(listings_json(found))
        else:
            _print_listings(found)

    @app.command("verify")
    def verify_command(
        output: Annotated[Path, typer.Argument(metavar="DIR", help="An exported folder.")],
        as_json: AsJson = False,
    ) -> None:
        """Read an exported folder again: links, digests, metadata files; HTML against JSON."""
        verification = asyncio.run(verify(output))
        _print_verification(verification, as_json=as_json)
        if verification.findings:
            raise typer.Exit(ExitCode.STATE)

    app.command("yank")(yank)
    return app


def yank(
    filename: Annotated[str, typer.Argument(metavar="FILE", help="The name of a published file.")],
    reason: Annotated[
        str, typer.Option("--reason", metavar="TEXT", help="What installers print.")
    ] = "",
    undo: Annotated[bool, typer.Option("--undo", help="Take it back.")] = False,
    state: State = None,
) -> None:
    """Let installers take a file only where it is pinned (PEP 592); its bytes stay."""

    async def work() -> bool:
        async with open_archive(state) as archive:
            return await archive.artifacts.yank(filename, None if undo else reason)

    if not asyncio.run(work()):
        raise ConfigurationError(
            f"{filename!r} is not published", hint="'wheelyard index list' shows what is."
        )


async def _serve(open_state: OpenState, state: Path | None, host: str, port: int) -> None:
    # Importing a web server takes longer than most commands.
    from wheelyard.index.serving import serve

    async with open_state(state) as ports:
        await serve(ports.artifacts, ports.blobs, host=host, port=port, announce=_announce)


async def _export(open_state: OpenState, state: Path | None, output: Path) -> ExportResult:
    async with open_state(state) as ports:
        return await export(ports.artifacts, ports.blobs, output)


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


def _print_verification(verification: Verification, *, as_json: bool) -> None:
    findings = [{"path": str(f.path), "problem": f.problem} for f in verification.findings]
    if as_json:
        said = {
            "projects": verification.projects,
            "files": verification.files,
            "findings": findings,
        }
        typer.echo(msgspec.json.format(msgspec.json.encode(said)).decode())
        return
    for finding in findings:
        typer.echo(f"{finding['path']} {finding['problem']}")
    projects = plural(verification.projects, "project")
    files = plural(verification.files, "file")
    typer.echo(f"{projects}, {files}, {len(findings)} wrong.", err=True)
