"""``wheelyard index yank | status | key``: what people say about what is published."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from wheelyard.cli import options as o
from wheelyard.cli.addresses import Database
from wheelyard.coordinator.channel import is_package
from wheelyard.errors import ConfigurationError
from wheelyard.model.listing import ProjectStatus, Status
from wheelyard.model.release import project_name
from wheelyard.settings.file import Configuration
from wheelyard.wiring.keeping import Archive, open_archive, public_key
from wheelyard.wiring.places import state_path

Result = TypeVar("Result")


def with_archive(
    context: typer.Context,
    state: Path | None,
    database: str,
    work: Callable[[Archive], Awaitable[Result]],
    *,
    blobs: str | None = None,
) -> Result:
    """Do work over what a state folder remembers, wherever its database is, and its blobs, too.

    ``blobs`` is their address, or None where the work only looks at what is on this machine.
    """
    configuration: Configuration | None = context.obj
    farm = {} if configuration is None else configuration.farm
    address = database or farm.get("database", "")
    stored = "" if blobs is None else blobs or farm.get("blobs", "")

    async def run() -> Result:
        async with open_archive(state, database=address, blobs=stored) as archive:
            return await work(archive)

    return asyncio.run(run())


def yank(  # noqa: PLR0913, PLR0917 - its options
    context: typer.Context,
    filename: Annotated[str, typer.Argument(metavar="FILE", help="The name of a published file.")],
    reason: Annotated[
        str, typer.Option("--reason", metavar="TEXT", help="What installers print.")
    ] = "",
    undo: Annotated[bool, typer.Option("--undo", help="Take it back.")] = False,
    state: o.State = None,
    database: Database = "",
) -> None:
    """Let installers take a file only where it is pinned (PEP 592); its bytes stay.

    A conda package (FILE, or SUBDIR/FILE) leaves repodata.json, so that solvers don't see it.
    """
    wish = None if undo else reason

    async def work(archive: Archive) -> bool:
        if is_package(filename):
            return await archive.door.remove(filename, wish, actor="")
        return await archive.artifacts.yank(filename, wish)

    done = with_archive(context, state, database, work)
    if not done:
        raise ConfigurationError(
            f"{filename!r} is not published", hint="'wheelyard index list' shows what is."
        )


def status(  # noqa: PLR0913, PLR0917 - its options
    context: typer.Context,
    project: Annotated[str, typer.Argument(metavar="PROJECT", help="A project of the index.")],
    status: Annotated[
        Status | None, typer.Argument(help="Its new status. Without it: print the present one.")
    ] = None,
    reason: Annotated[
        str, typer.Option("--reason", metavar="TEXT", help="Why, for people who read it.")
    ] = "",
    state: o.State = None,
    database: Database = "",
) -> None:
    """Show or set a project's status (PEP 792). No file of a quarantined project is offered."""
    name = project_name(project)

    async def work(archive: Archive) -> ProjectStatus:
        if status is not None:
            wanted = ProjectStatus(status=status, reason=reason)
            if not await archive.artifacts.set_status(name, wanted):
                raise ConfigurationError(
                    f"nothing of {name!r} was ever published here",
                    hint="'wheelyard index list' shows what is.",
                )
        return await archive.artifacts.status(name)

    found = with_archive(context, state, database, work)
    typer.echo(f"{found.status}: {found.reason}" if found.reason else found.status.value)


def key(state: o.State = None) -> None:
    """Print the public key of this state folder, with which its provenance is checked."""
    typer.echo(public_key(state_path(state)), nl=False)
