"""``wheelyard job cancel``, ``hold``, ``boost`` and ``log --follow``: here, or on a farm."""

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import msgspec
import typer

from wheelyard.cli import options as o
from wheelyard.cli.display.neutral import neutral
from wheelyard.cli.farm_jobs import key_of
from wheelyard.cli.farm_options import FarmClient, FarmUrl, Token, on_farm
from wheelyard.cli.following import follow
from wheelyard.depot.http import Query
from wheelyard.errors import ConfigurationError
from wheelyard.jobs.priority import levels
from wheelyard.jobs.selection import Selection
from wheelyard.model.job import BuildKey
from wheelyard.store.folder import StateFolder
from wheelyard.wiring.places import state_path

Key = Annotated[
    str, typer.Argument(metavar="JOB", help="The key of a job, or the beginning of it.")
]
Reason = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; others see it.")]
Levels = Annotated[
    int,
    typer.Option(
        "--by", min=-100, max=100, help="By how many levels; each is worth a day of waiting."
    ),
]


def add_commands(app: typer.Typer) -> None:
    """Give a group what people want of single jobs."""
    app.command("cancel")(cancel)
    app.command("hold")(hold)
    app.command("boost")(boost)


def cancel(  # noqa: PLR0913, PLR0917 - its options
    context: typer.Context,
    job: Key,
    reason: Reason = "",
    farm: FarmUrl = "",
    token: Token = "",
    state: o.State = None,
) -> None:
    """End a job; on a farm its builder stops at once."""
    if farm:
        _wish(_At(context, farm, token), job, "cancel", {"reason": reason}, "is cancelled")
        return
    _here(state, job, lambda folder, key: folder.jobs.cancel(key, reason), "is cancelled")


def hold(  # noqa: PLR0913, PLR0917 - its options
    context: typer.Context,
    job: Key,
    reason: Reason = "",
    farm: FarmUrl = "",
    token: Token = "",
    state: o.State = None,
) -> None:
    """Let a job wait for a person: nobody builds it until it is retried."""
    if farm:
        _wish(_At(context, farm, token), job, "hold", {"reason": reason}, "is held")
        return
    why = reason or "somebody holds it"
    _here(state, job, lambda folder, key: folder.jobs.hold(key, why), "is held")


def boost(  # noqa: PLR0913, PLR0917 - its options
    context: typer.Context,
    job: Key,
    by: Levels = 1,
    farm: FarmUrl = "",
    token: Token = "",
    state: o.State = None,
) -> None:
    """Let a job that waits come sooner, or later with a negative number."""
    moved = "comes sooner" if by > 0 else "comes later"
    if farm:
        _wish(_At(context, farm, token), job, "boost", {"by": by}, moved)
        return

    async def move(folder: StateFolder, key: BuildKey) -> bool:
        return await folder.queue.rank_again(Selection(keys=(key,)), by=levels(by)) > 0

    _here(state, job, move, moved)


def log_of_farm(  # noqa: PLR0913 - what the command was given
    context: typer.Context, job: str, farm: str, token: str, *, following: bool, raw: bool
) -> None:
    """Print the log of a job of a farm, as far as it goes or to its end."""

    async def work(client: FarmClient) -> None:
        key = await key_of(client, job)
        if following:
            await _print_followed(client, key, raw=raw)
        else:
            await _print_log(client, key, raw=raw)

    on_farm(context, farm, token, work)


async def _print_log(client: FarmClient, job: str, *, raw: bool) -> None:
    async with client.http.stream("GET", f"/api/jobs/{job}/log", Query()) as response:
        async for text in response.aiter_text():
            _put(text, raw=raw)


async def _print_followed(client: FarmClient, job: str, *, raw: bool) -> None:
    async for event in follow(client.http, f"/api/jobs/{job}/log/events"):
        said = msgspec.json.decode(event.data, type=dict[str, Any])
        if event.kind == "log":
            _put(str(said["text"]), raw=raw)
        elif event.kind == "attempt":
            typer.echo(f"on {said['builder']}, fence {said['fence']}:", err=True)
        elif event.kind == "state" and said["state"] == "ready":
            typer.echo("it waits for a builder", err=True)
        elif event.kind == "end":
            outcome = said["outcome"] or said["state"]
            typer.echo(f"{outcome} {said['reason']}".rstrip(), err=True)


def _put(text: str, *, raw: bool) -> None:
    sys.stdout.write(text if raw else neutral(text))
    sys.stdout.flush()


class _At(NamedTuple):
    """The farm that a command means."""

    context: typer.Context
    url: str
    token: str


def _wish(at: _At, job: str, verb: str, body: object, done: str) -> None:
    path = f"/api/jobs/{job}/{verb}"
    found = on_farm(*at, lambda client: client.post(path, body))
    if not found["changed"]:
        raise ConfigurationError(
            f"job {job!r} does not stand so that it could be changed",
            hint="It may have ended; 'wheelyard job list' shows how.",
        )
    typer.echo(f"{job[:12]} {done}")


def _here(
    state: Path | None,
    job: str,
    work: Callable[[StateFolder, BuildKey], Awaitable[bool]],
    done: str,
) -> None:
    async def run() -> str:
        async with _folder(state) as folder:
            keys = await folder.jobs.keys(job, limit=2)
            if len(keys) != 1:
                what = "there is no job" if not keys else "there are several jobs"
                raise ConfigurationError(
                    f"{what} {job!r}", hint="'wheelyard job list --json' shows their keys."
                )
            if not await work(folder, keys[0]):
                raise ConfigurationError(
                    f"job {job!r} does not stand so that it could be changed",
                    hint="It may have ended; 'wheelyard job list' shows how.",
                )
            return keys[0]

    typer.echo(f"{asyncio.run(run())[:12]} {done}")


@contextlib.asynccontextmanager
async def _folder(state: Path | None) -> AsyncIterator[StateFolder]:
    async with await StateFolder.open(state_path(state)) as folder:
        yield folder
