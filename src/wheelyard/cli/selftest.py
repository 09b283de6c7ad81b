"""``wheelyard selftest``: whether a farm survives on this machine what it says that it survives."""

import asyncio
import logging
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from rich.table import Table

from wheelyard.cli import options as o
from wheelyard.cli.display.console import results
from wheelyard.errors import ConfigurationError, ExitCode
from wheelyard.selftest.engines import EngineName, missing
from wheelyard.selftest.rows.table import ROWS
from wheelyard.selftest.suite import Ended, Row, Suite


class Engines(StrEnum):
    """On which engines rows are run."""

    EMBEDDED = "embedded"
    DISTRIBUTED = "distributed"
    BOTH = "both"


def selftest(
    faults: Annotated[
        bool,
        typer.Option(
            "--faults", help="Inject the faults that a farm survives, and see whether it does."
        ),
    ] = False,
    row: Annotated[
        list[int] | None,
        typer.Option("--row", metavar="N", help="Only this row; may be repeated. Without it: all."),
    ] = None,
    engine: Annotated[
        Engines,
        typer.Option(
            "--engine",
            help="embedded: SQLite, and a bus in the process; distributed: PostgreSQL and NATS, started for the test.",
        ),
    ] = Engines.BOTH,
    keep: Annotated[
        Path | None,
        typer.Option(
            "--keep", metavar="DIR", help="Leave the farms of rows that failed in this folder."
        ),
    ] = None,
    as_json: o.AsJson = False,
) -> None:
    """Run farms of processes on this machine, break them, and see that nothing is lost.

    Each row runs a coordinator, three builders and sixty jobs of its own on the loopback, in a folder that goes with it; nothing of
    a farm that works here is touched.
    """
    if not faults:
        raise ConfigurationError(
            "nothing to test was named", hint="Say what: wheelyard selftest --faults."
        )
    rows = _chosen(row or [])
    engines = tuple(EngineName) if engine is Engines.BOTH else (EngineName(engine.value),)
    lacking = [error for name in engines for error in missing(name)]
    if lacking:
        raise ExceptionGroup("this machine lacks what the test needs", lacking)
    # The suite is a builder and an administrator of its farms; what it meets as such is no news to people.
    logging.getLogger("wheelyard").addHandler(logging.NullHandler())
    progress = _Progress(as_json=as_json, count=len(rows) * len(engines))
    ended = asyncio.run(
        Suite(kept=keep).run(rows, engines, began=progress.began, ended=progress.ended)
    )
    if not as_json:
        _print(ended)
    if not all(one.survived for one in ended):
        raise typer.Exit(ExitCode.BUILDS_FAILED)


def _chosen(numbers: list[int]) -> tuple[Row, ...]:
    known = {row.number: row for row in ROWS}
    for number in numbers:
        if number not in known:
            raise ConfigurationError(
                f"there is no row {number}", hint=f"Rows are numbered 1 to {max(known)}."
            )
    return tuple(known[number] for number in dict.fromkeys(numbers)) if numbers else ROWS


class _Progress:
    """Says how far it is: on a terminal as it goes, as JSON a line a row."""

    def __init__(self, *, as_json: bool, count: int) -> None:
        self._as_json = as_json
        self._count = count
        self._done = 0

    def began(self, row: Row, engine: EngineName) -> None:
        self._done += 1
        if sys.stderr.isatty():
            said = f"[{self._done}/{self._count}] row {row.number} on {engine}: {row.title} …"
            typer.echo(f"\r\x1b[K{said}", err=True, nl=False)

    def ended(self, one: Ended) -> None:
        if sys.stderr.isatty():
            typer.echo("\r\x1b[K", err=True, nl=False)
        if self._as_json:
            typer.echo(msgspec.json.encode(_as_json(one)).decode())
            sys.stdout.flush()
            return
        how = "survived" if one.survived else f"NOT SURVIVED: {one.reason}"
        line = f"row {one.row.number:>2} on {one.engine}: {how} ({one.seconds:.1f} s)"
        typer.echo(line, err=True)


def _as_json(one: Ended) -> dict[str, Any]:
    return {
        "row": one.row.number,
        "fault": one.row.title,
        "engine": one.engine.value,
        "survived": one.survived,
        "reason": one.reason,
        "seconds": round(one.seconds, 1),
    }


def _print(ended: "list[Ended] | tuple[Ended, ...] | Any") -> None:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("row", justify="right")
    table.add_column("fault")
    engines = list(dict.fromkeys(one.engine for one in ended))
    for engine in engines:
        table.add_column(engine.value)
    for row in dict.fromkeys(one.row for one in ended):
        cells = {one.engine: one for one in ended if one.row == row}
        table.add_row(str(row.number), row.title, *(_cell(cells[e]) for e in engines if e in cells))
    results().print(table)
    survived = sum(one.survived for one in ended)
    typer.echo(f"{survived} of {len(ended)} survived", err=True)


def _cell(one: Ended) -> str:
    return f"{'survived' if one.survived else 'NOT SURVIVED'} ({one.seconds:.0f} s)"
