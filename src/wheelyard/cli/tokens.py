"""``wheelyard token``: who may do what on a farm."""

import asyncio
from collections.abc import Awaitable, Callable
from enum import StrEnum
from typing import Annotated, Any, TypeVar

import typer

from wheelyard.cli import options as o
from wheelyard.cli.addresses import Database
from wheelyard.cli.farm_options import FarmUrl, Token, day, on_farm, pick, print_json, print_rows
from wheelyard.errors import ConfigurationError
from wheelyard.farm_ports import Role
from wheelyard.settings.file import Configuration
from wheelyard.store.clock import SystemClock
from wheelyard.store.folder import StateFolder
from wheelyard.web.minting import Mint
from wheelyard.wiring.places import state_path

T = TypeVar("T")

app = typer.Typer(
    help="Tokens: who may do what on a farm. With --farm over its HTTP, else in the state folder itself.",
    no_args_is_help=True,
)


class Makeable(StrEnum):
    """The roles of people; builders get theirs with 'wheelyard builder enrol'."""

    READER = "reader"
    REQUESTER = "requester"
    OPERATOR = "operator"
    ADMINISTRATOR = "administrator"


@app.command("create")
def create(  # noqa: PLR0913, PLR0917 - what a token is
    context: typer.Context,
    subject: Annotated[str, typer.Argument(metavar="WHO", help="Whose token it is.")],
    role: Annotated[
        Makeable,
        typer.Option(
            "--role",
            envvar="WHEELYARD_ROLE",
            help="What its bearer may do; each role includes those before it.",
        ),
    ] = Makeable.REQUESTER,
    expires: Annotated[
        str,
        typer.Option(
            "--expires",
            metavar="TIME",
            help="For how long it counts: 12h, 30d. Without it: for good.",
        ),
    ] = "",
    note: Annotated[str, typer.Option("--note", metavar="TEXT", help="What it is for.")] = "",
    farm: FarmUrl = "",
    token: Token = "",
    state: o.State = None,
    database: Database = "",
) -> None:
    """Make a token and print it. It is kept nowhere else."""
    seconds = o.duration(expires).total_seconds() if expires else None
    if _is_remote(context, farm):
        wanted = {"role": role.value, "subject": subject, "seconds": seconds, "note": note}
        made = on_farm(context, farm, token, lambda client: client.post("/api/tokens", wanted))
        typer.echo(made["token"])
        return

    async def work(folder: StateFolder) -> str:
        mint = Mint(tokens=folder.tokens, clock=SystemClock())
        credential, _ = await mint.make(Role(role.value), subject, note=note, seconds=seconds)
        return str(credential)

    typer.echo(_in_folder(context, state, database, work))


@app.command("list")
def list_tokens(  # noqa: PLR0913, PLR0917 - its options
    context: typer.Context,
    farm: FarmUrl = "",
    token: Token = "",
    state: o.State = None,
    database: Database = "",
    as_json: o.AsJson = False,
) -> None:
    """List the tokens that were made, without their secrets."""
    if _is_remote(context, farm):
        found = on_farm(context, farm, token, lambda client: client.get("/api/tokens"))["tokens"]
    else:
        found = _in_folder(context, state, database, _listed)
    if as_json:
        print_json(found)
        return
    rows = [
        (
            *pick(one, "id", "role", "subject"),
            day(one.get("created")),
            "revoked" if one.get("revoked") else day(one.get("expires")) or "for good",
            *pick(one, "note"),
        )
        for one in found
    ]
    print_rows(("id", "role", "whose", "made", "until", "note"), rows, none="There is no token.")


@app.command("revoke")
def revoke(  # noqa: PLR0913, PLR0917 - its options
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="ID", help="The id of a token, or the token.")],
    farm: FarmUrl = "",
    token: Token = "",
    state: o.State = None,
    database: Database = "",
) -> None:
    """Let a token count no more, at once."""
    # Whoever has the token itself at hand need not look its id up.
    wanted = name.removeprefix("wy_").partition("_")[0]
    if _is_remote(context, farm):
        path = f"/api/tokens/{wanted}/revoke"
        on_farm(context, farm, token, lambda client: client.post(path))
        return
    if not _in_folder(context, state, database, lambda folder: folder.tokens.revoke(wanted)):
        raise ConfigurationError(
            f"there is no token {wanted!r}", hint="'wheelyard token list' shows which there are."
        )


async def _listed(folder: StateFolder) -> list[dict[str, Any]]:
    return [
        {
            "id": one.id,
            "role": one.role.value,
            "subject": one.subject,
            "created": one.created.isoformat(),
            "expires": one.expires.isoformat() if one.expires else None,
            "note": one.note,
            "revoked": one.revoked,
        }
        for one in await folder.tokens.all()
    ]


def _is_remote(context: typer.Context, farm: str) -> bool:
    configuration: Configuration = context.obj
    return bool(farm or configuration.farm.get("url"))


def _in_folder(
    context: typer.Context,
    state: Any,
    database: str,
    work: Callable[[StateFolder], Awaitable[T]],
) -> T:
    configuration: Configuration = context.obj
    address = database or configuration.farm.get("database", "")

    async def run() -> T:
        async with await StateFolder.open(state_path(state), database=address) as folder:
            return await work(folder)

    return asyncio.run(run())
