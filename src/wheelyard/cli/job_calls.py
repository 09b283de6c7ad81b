"""``wheelyard job calls``: what compilers were asked for in a build, and what was run instead."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated

import typer

from wheelyard.cli import options as o
from wheelyard.cli.attempts import find_attempt, with_archive
from wheelyard.cli.display.console import results
from wheelyard.cli.display.report import say_line
from wheelyard.cli.farm_jobs import NO_CALLS, FarmJobs
from wheelyard.cli.farm_options import FarmUrl, Token
from wheelyard.cross.calls import Call, CallCount, compile_commands, told
from wheelyard.cross.kept import unpacked
from wheelyard.errors import ConfigurationError
from wheelyard.model.counted import plural
from wheelyard.wiring.keeping import Archive


def add_calls(app: typer.Typer) -> None:
    """Give a group the command."""
    app.command("calls")(calls)


def calls(  # noqa: PLR0913, PLR0917 - its options
    context: typer.Context,
    name: Annotated[
        str,
        typer.Argument(metavar="ATTEMPT", help="Its number (a17), its job's key, or a project."),
    ],
    database: Annotated[
        bool,
        typer.Option(
            "--compile-commands",
            help="Print compile_commands.json, which editors and analysers read.",
        ),
    ] = False,
    failed: Annotated[
        bool, typer.Option("--failed", help="Only those that failed, as called and as run.")
    ] = False,
    farm: FarmUrl = "",
    token: Token = "",
    state: o.State = None,
    as_json: o.AsJson = False,
) -> None:
    """Show the compiler commands of a build for another machine, in the order in which they began.

    Of a farm's job: those of its newest attempt.
    """

    async def work(archive: Archive) -> bytes:
        attempt = await find_attempt(archive, name)
        if attempt.report is None or not attempt.report.calls_digest:
            raise ConfigurationError(
                f"no compiler command of a{attempt.id} was written down",
                hint=NO_CALLS,
            )
        return await archive.blobs.read(attempt.report.calls_digest)

    if farm:
        packed = FarmJobs(context=context, url=farm, token=token).calls(name)
    else:
        packed = with_archive(state, work)
    found = list(unpacked(packed))
    chosen = [call for call in found if call.exit or call.refused] if failed else found
    if database:
        typer.echo(json.dumps(compile_commands(chosen), indent=1))
    elif as_json:
        typer.echo(json.dumps([asdict(call) for call in chosen]))
    else:
        _print(chosen, commands=failed)


def calls_line(counted: CallCount) -> str:
    """Say in a line what the commands of a build came to."""
    files, commands = plural(counted.compiled, "file"), plural(counted.calls, "command")
    parts = [f"{files} with {commands}"]
    parts += [f"{counted.failed} failed"] if counted.failed else []
    parts += [f"{counted.refused} refused"] if counted.refused else []
    parts += [f"{counted.by_path} by absolute paths"] if counted.by_path else []
    parts += [f"{counted.cached} of {counted.cachable} from the cache"] if counted.cachable else []
    return f"{', '.join(parts)}; {counted.milliseconds / 1000:.1f} s in compilers"


def _print(found: Sequence[Call], *, commands: bool) -> None:
    console = results()
    first = found[0].began if found else 0.0
    for call in found:
        mark = "refused" if call.refused else f"exit {call.exit}" if call.exit else ""
        since = call.began - first
        say_line(console, f"{since:9.2f} s {call.milliseconds:9.1f} ms  {mark:8} {call.what}")
        for line in told(call) if commands else ():
            say_line(console, f"    {line}")
