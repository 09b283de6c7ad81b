"""``wheelyard job``: what was tried, how it ended, and trying it again."""

import gzip
import io
import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from wheelyard.cli import options as o
from wheelyard.cli.attempt_filters import Filters, selection
from wheelyard.cli.attempts import find_attempt, with_archive
from wheelyard.cli.display.console import results
from wheelyard.cli.display.events import as_fields
from wheelyard.cli.display.lines import seconds
from wheelyard.cli.display.neutral import RESET, neutral, neutral_stream
from wheelyard.cli.display.report import print_report, say_line
from wheelyard.cli.farm_jobs import FarmJobs
from wheelyard.cli.farm_options import FarmUrl, Token
from wheelyard.cli.job_calls import add_calls, calls_line
from wheelyard.cli.job_wishes import add_commands, log_of_farm
from wheelyard.cli.request import takes
from wheelyard.errors import ConfigurationError
from wheelyard.jobs.held import advice_for_held
from wheelyard.jobs.job import Job, State
from wheelyard.jobs.selection import Selection
from wheelyard.model.job import Attempt, BuildKey
from wheelyard.wiring.keeping import Archive

_PIECE_BYTES = 1 << 16

app = typer.Typer(
    help="Jobs: what was tried, how it ended, and trying it again.", no_args_is_help=True
)

Held = Annotated[
    bool, typer.Option("--held", help="Only those whose job waits for a person's look.")
]
Name = Annotated[
    str,
    typer.Argument(
        metavar="ATTEMPT", help="An attempt (a17), the beginning of a key, or a project."
    ),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tried:
    """An attempt, and where its job stands now."""

    attempt: Attempt
    job: Job | None

    @property
    def waits(self) -> bool:
        """Whether what this attempt brought waits for a person."""
        job = self.job
        return job is not None and job.state is State.HELD and job.attempt == self.attempt.number

    @property
    def ending(self) -> str:
        """How it ended, in a word."""
        if self.attempt.report is None:
            return "running"
        return "held" if self.waits else self.attempt.report.outcome.value

    @property
    def reason(self) -> str:
        """Why it ended so."""
        if self.waits and self.job is not None:
            return self.job.reason
        return self.attempt.report.reason if self.attempt.report else ""


@app.command("list")
@takes(filters=Filters)
def list_attempts(  # noqa: PLR0913, PLR0917 - the filters
    context: typer.Context,
    filters: Filters,
    held: Held = False,
    limit: Annotated[int, typer.Option("--limit", min=1, help="At most so many.")] = 50,
    farm: FarmUrl = "",
    token: Token = "",
    state: o.State = None,
    as_json: o.AsJson = False,
) -> None:
    """List attempts, the newest first; of a farm its jobs, and where each stands."""
    wanted = selection(filters)
    if farm:
        wanted = replace(wanted, state=State.HELD if held else None)
        FarmJobs(context=context, url=farm, token=token).list(wanted, limit=limit, as_json=as_json)
        return

    async def work(archive: Archive) -> Sequence[_Tried]:
        if held:
            return await _held(archive, wanted, limit)
        return await _with_jobs(archive, await archive.jobs.find_attempts(wanted, limit=limit))

    found = with_archive(state, work)
    if as_json:
        typer.echo(msgspec.json.encode([_fields(tried) for tried in found]).decode())
    elif not found:
        typer.echo("There is no attempt that fits.", err=True)
    else:
        _print_list(found)


async def _held(archive: Archive, wanted: Selection, limit: int) -> "Sequence[_Tried]":
    """Find the last attempts of the jobs that wait for a person; what holds them is the job's reason."""
    jobs = await archive.jobs.jobs(replace(wanted, state=State.HELD), limit=limit)
    keys = tuple(job.key for job in jobs)
    attempts = await archive.jobs.find_attempts(Selection(keys=keys)) if keys else ()
    tried = await _with_jobs(archive, attempts)
    return [one for one in tried if one.waits]


async def _with_jobs(archive: Archive, attempts: Sequence[Attempt]) -> "Sequence[_Tried]":
    keys = tuple({attempt.key for attempt in attempts})
    jobs = await archive.jobs.jobs(Selection(keys=keys), limit=len(keys)) if keys else ()
    by_key = {job.key: job for job in jobs}
    return [_Tried(attempt=attempt, job=by_key.get(attempt.key)) for attempt in attempts]


def _print_list(found: "Sequence[_Tried]") -> None:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("attempt", "release", "target", "outcome", "took", "started", "reason"):
        table.add_column(column)
    for tried in found:
        attempt, report = tried.attempt, tried.attempt.report
        table.add_row(
            f"a{attempt.id}",
            str(attempt.release),
            str(attempt.target),
            tried.ending,
            seconds(report.wall_seconds) if report else "",
            f"{attempt.started:%Y-%m-%d %H:%M}",
            Text(neutral(tried.reason)),
        )
    results().print(table)


@app.command("show")
def show(  # noqa: PLR0913, PLR0917 - its options
    context: typer.Context,
    name: Name,
    farm: FarmUrl = "",
    token: Token = "",
    state: o.State = None,
    as_json: o.AsJson = False,
) -> None:
    """Show an attempt: its steps with their times, environment, findings, and how to repeat it.

    Of a farm's job: where it stands, what it waits for, and all its attempts.
    """
    if farm:
        FarmJobs(context=context, url=farm, token=token).show(name, as_json=as_json)
        return

    async def work(archive: Archive) -> _Tried:
        (tried,) = await _with_jobs(archive, [await find_attempt(archive, name)])
        return tried

    tried = with_archive(state, work)
    if as_json:
        typer.echo(msgspec.json.encode(_fields(tried)).decode())
        return
    _print_attempt(results(), tried, place=state)


@app.command("log")
def log(  # noqa: PLR0913, PLR0917 - its options
    context: typer.Context,
    name: Name,
    raw: Annotated[
        bool, typer.Option("--raw", help="The bytes as they came, control sequences and all.")
    ] = False,
    following: Annotated[
        bool,
        typer.Option("-f", "--follow", help="With --farm: go on printing until the job ends."),
    ] = False,
    farm: FarmUrl = "",
    token: Token = "",
    state: o.State = None,
) -> None:
    """Print the log of an attempt, or of a job of a farm.

    What a terminal would obey is written out, but for colours.
    """
    if farm:
        log_of_farm(context, name, farm, token, following=following, raw=raw)
        return
    if following:
        raise ConfigurationError(
            "only the logs of a farm can be followed",
            hint="Give --farm URL; a build here shows what it prints by itself.",
        )

    async def work(archive: Archive) -> bytes:
        attempt = await find_attempt(archive, name)
        if attempt.report is None or not attempt.report.log_digest:
            raise ConfigurationError(
                f"a{attempt.id} has no log", hint="It is running, or it never began."
            )
        return await archive.blobs.read(attempt.report.log_digest)

    _print_log(with_archive(state, work), raw=raw)


def _print_log(packed: bytes, *, raw: bool) -> None:
    output = sys.stdout.buffer
    with gzip.open(io.BytesIO(packed)) as stream:
        pieces = iter(lambda: stream.read(_PIECE_BYTES), b"")
        if raw:
            output.writelines(pieces)
        else:
            output.writelines(text.encode() for text in neutral_stream(pieces))
            # A colour that was left on is not the next program's.
            output.write(RESET.encode() if sys.stdout.isatty() else b"")
    sys.stdout.flush()


@app.command("retry")
@takes(filters=Filters)
def retry(  # noqa: PLR0913, PLR0917 - the filters
    context: typer.Context,
    filters: Filters,
    preview: Annotated[
        bool, typer.Option("--preview", help="Say which, and change nothing.")
    ] = False,
    farm: FarmUrl = "",
    token: Token = "",
    state: o.State = None,
) -> None:
    """Let jobs that did not end well be tried again by the next build that wants them."""
    wanted = selection(filters)
    if farm:
        FarmJobs(context=context, url=farm, token=token).retry(wanted, preview=preview)
        return

    async def work(archive: Archive) -> Sequence[Job]:
        return await archive.jobs.retry(wanted, preview=preview)

    found = with_archive(state, work)
    if not found:
        typer.echo("There is no job that did not end well and fits.", err=True)
    for job in found:
        outcome_text = job.outcome.value if job.outcome else job.state.value
        typer.echo(f"{job.release} for {job.target}: {outcome_text} {job.reason}".rstrip())


@app.command("approve")
def approve(
    context: typer.Context,
    name: Name,
    farm: FarmUrl = "",
    token: Token = "",
    state: o.State = None,
) -> None:
    """Let a wheel count that was held because something about it looks wrong."""
    if farm:
        FarmJobs(context=context, url=farm, token=token).approve(name)
        return

    async def work(archive: Archive) -> str:
        attempt = await find_attempt(archive, name)
        if not await archive.jobs.approve(attempt.key):
            raise ConfigurationError(
                f"a{attempt.id} ({attempt.release} for {attempt.target}) is not held",
                hint="'wheelyard job list --held' shows what is.",
            )
        artifact = await archive.artifacts.by_key(attempt.key)
        if artifact is not None:
            await archive.artifacts.publish(artifact)
        return f"{attempt.release} for {attempt.target} counts now"

    typer.echo(with_archive(state, work))


add_commands(app)
add_calls(app)


def _fields(tried: _Tried) -> dict[str, object]:
    attempt = tried.attempt
    return {
        "attempt": f"a{attempt.id}",
        "key": BuildKey(attempt.key),
        "number": attempt.number,
        "release": str(attempt.release),
        "target": str(attempt.target),
        "builder": attempt.builder,
        "started": attempt.started.isoformat(),
        "finished": attempt.finished.isoformat() if attempt.finished else None,
        "state": tried.job.state.value if tried.job else None,
        "report": as_fields(attempt.report) if attempt.report else None,
    }


def _print_attempt(console: Console, tried: _Tried, *, place: Path | None) -> None:
    attempt = tried.attempt
    say_line(console, f"a{attempt.id}: {attempt.release} for {attempt.target}", "bold")
    say_line(console, f"  key      {attempt.key}")
    began = f"{attempt.started:%Y-%m-%d %H:%M:%S} UTC"
    say_line(console, f"  attempt  {attempt.number}, on {attempt.builder}, {began}")
    if attempt.report is None:
        say_line(console, "  running, or ended without a word")
        return
    if tried.waits:
        say_line(console, f"  held     {tried.reason}", "yellow")
        advice = advice_for_held(attempt.key[:12], attempt.report.findings)
        say_line(console, f"           {advice}", "yellow")
    print_report(console, attempt.report)
    # Whoever named a state folder has to name it there, too.
    option = f" --state {shlex.quote(str(place))}" if place is not None else ""
    say_line(console, f"  log      wheelyard job log a{attempt.id}{option}")
    if attempt.report.calls_digest:
        say_line(console, f"  compiled {calls_line(attempt.report.calls)}")
        say_line(console, f"           wheelyard job calls a{attempt.id}{option}")
    if attempt.report.repeat:
        say_line(console, "  repeat by hand:")
        say_line(console, attempt.report.repeat)
