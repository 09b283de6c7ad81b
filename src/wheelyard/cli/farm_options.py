"""Which farm a command means, and who asks."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, TypeVar

import msgspec
import typer
from rich.table import Table
from rich.text import Text

from wheelyard.cli.display.console import results
from wheelyard.cli.display.neutral import neutral
from wheelyard.depot.http import Farm, Query, fields_of
from wheelyard.errors import ConfigurationError
from wheelyard.settings.file import Configuration

T = TypeVar("T")
_PANEL = "Which farm"

FarmUrl = Annotated[
    str,
    typer.Option(
        "--farm",
        metavar="URL",
        envvar="WHEELYARD_FARM",
        help="The address of a farm.",
        rich_help_panel=_PANEL,
        show_default=False,
    ),
]
Token = Annotated[
    str,
    typer.Option(
        "--token",
        metavar="TOKEN",
        envvar="WHEELYARD_TOKEN",
        help="Your token on the farm; @FILE reads it from a file. Without it: token-file in wheelyard.toml.",
        rich_help_panel=_PANEL,
        show_default=False,
    ),
]


class FarmClient:
    """A farm as people ask it: JSON in and out."""

    def __init__(self, url: str, farm: Farm) -> None:
        self.url = url
        self.http = farm

    async def get(self, path: str, **query: str | int) -> dict[str, Any]:
        """Return what is at an address."""
        given = {name: value for name, value in query.items() if value != ""}
        return fields_of(await self.http.ask("GET", path, Query(params=given)))

    async def post(self, path: str, body: object = None) -> dict[str, Any]:
        """Have something done, and return the answer."""
        content = msgspec.json.encode({} if body is None else body)
        headers = {"Content-Type": "application/json"}
        return fields_of(await self.http.ask("POST", path, Query(content=content, headers=headers)))


def on_farm(
    context: typer.Context, url: str, token: str, work: Callable[[FarmClient], Awaitable[T]]
) -> T:
    """Do something on the farm that is meant. Raises ConfigurationError where none is."""
    configuration: Configuration = context.obj
    address = url or configuration.farm.get("url", "")
    if not address:
        raise ConfigurationError(
            "it is not said which farm is meant",
            hint="Give --farm URL, set WHEELYARD_FARM, or write url into [farm] of wheelyard.toml.",
        )
    return asyncio.run(_on_farm(address.rstrip("/"), token_of(configuration, token), work))


async def _on_farm(url: str, token: str, work: Callable[[FarmClient], Awaitable[T]]) -> T:
    farm = Farm(url, token=token)
    try:
        return await work(FarmClient(url, farm))
    finally:
        await farm.close()


def token_of(configuration: Configuration, given: str) -> str:
    """Return the token that was given, or the one in the file that was named. Raises ConfigurationError."""
    if given and not given.startswith("@"):
        return given.strip()
    name = given[1:] or configuration.farm.get("token-file", "")
    if not name:
        return ""
    path = Path(name).expanduser()
    if not given and configuration.path is not None:
        path = configuration.path.parent / path
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"the token in '{path}' cannot be read: {error}", hint="Check the path."
        ) from error


def print_json(value: object) -> None:
    """Print a value as JSON."""
    typer.echo(msgspec.json.encode(value).decode())


def print_rows(columns: tuple[str, ...], rows: list[tuple[object, ...]], *, none: str) -> None:
    """Print rows as a table, or say on standard error that there are none."""
    if not rows:
        typer.echo(none, err=True)
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(Text(neutral(str(cell))) for cell in row))
    results().print(table)


def day(moment: object) -> str:
    """Write a moment as JSON has it so that it can be read."""
    return str(moment or "")[:16].replace("T", " ")


def pick(fields: Mapping[str, Any], *names: str) -> tuple[object, ...]:
    """Return some fields, empty where there are none."""
    return tuple("" if fields.get(name) is None else fields[name] for name in names)
