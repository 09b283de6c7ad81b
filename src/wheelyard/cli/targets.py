"""``wheelyard target``: what this machine can build for."""

import asyncio

import msgspec
import typer
from rich.table import Table

from wheelyard.cli.display.console import results
from wheelyard.cli.options import AsJson, State
from wheelyard.errors import ConfigurationError
from wheelyard.executor.interpreters import (
    BrokenInterpreter,
    MachineInterpreters,
    TargetRow,
    describe_targets,
    how_to_serve,
    native_platform,
)
from wheelyard.plan.unit import PlanOptions
from wheelyard.targets.target import Target
from wheelyard.wiring.places import find_interpreters, state_path

app = typer.Typer(
    help="Targets: which there are here, and what is missing for others.", no_args_is_help=True
)


@app.command("list")
def list_targets(state: State = None, as_json: AsJson = False) -> None:
    """List the Pythons of this machine as targets, and what the others lack."""
    found = asyncio.run(find_interpreters(state_path(state)))
    rows = describe_targets(found.found)
    if as_json:
        fields = [_fields(row) for row in rows]
        broken = [{"executable": str(b.executable), "reason": b.reason} for b in found.broken]
        typer.echo(msgspec.json.encode({"targets": fields, "broken": broken}).decode())
        return
    _print(rows, found.broken)


def chosen(texts: list[str] | None, found: MachineInterpreters) -> tuple[Target, ...]:
    """Read targets; without any, the newest stable Python of this machine. Raises WheelyardError."""
    if not texts:
        stable = [
            one.target
            for one in found.found
            if one.target.interpreter.implementation == "cp"
            and not one.target.interpreter.flags
            and one.has_headers
            and one.version.replace(".", "").isdigit()
        ]
        if not stable:
            raise ConfigurationError(
                "no Python was found to build for",
                hint="Install one, for example with 'uv python install 3.13'.",
            )
        return (stable[-1],)
    split = [part for text in texts for part in text.replace(",", " ").split()]
    return tuple(dict.fromkeys(Target.parse(text, native_platform()) for text in split))


def check_present(options: PlanOptions, found: MachineInterpreters) -> None:
    """Raise ConfigurationError for targets that this machine builds for in no way."""
    absent = [
        target
        for target in options.targets
        if found.executable(target) is None and str(target) not in options.ways
    ]
    if not absent:
        return
    here = ", ".join(str(target.interpreter) for target in found.targets()) or "none"
    names = ", ".join(map(str, absent))
    raise ConfigurationError(
        f"no Python of this machine builds for {names}",
        hint=f"{how_to_serve(absent[0])} There are {here}; 'wheelyard target list' says more.",
    )


def _fields(row: TargetRow) -> dict[str, object]:
    return {
        "target": str(row.target),
        "executable": str(row.executable) if row.executable else None,
        "version": row.version,
        "headers": row.has_headers,
        "missing": list(row.missing),
    }


def _print(rows: tuple[TargetRow, ...], broken: tuple[BrokenInterpreter, ...]) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("target", "version", "python", "missing"):
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(
            str(row.target),
            row.version,
            str(row.executable or ""),
            "; ".join(row.missing),
            style="" if row.executable else "dim",
        )
    console = results()
    console.print(table)
    for one in broken:
        console.print(f"not usable: {one.executable}: {one.reason}", style="yellow", markup=False)
