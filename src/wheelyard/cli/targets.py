"""``wheelyard target``: what this machine can build for."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass

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
from wheelyard.executor.platforms.description import Description, targets_of
from wheelyard.executor.platforms.missing import how_to_have, of_all
from wheelyard.plan.unit import PlanOptions
from wheelyard.targets.target import Target
from wheelyard.wiring.places import find_interpreters, state_path
from wheelyard.wiring.platforms import known_platforms

app = typer.Typer(
    help="Targets: which there are here, and what is missing for others.", no_args_is_help=True
)


@app.command("list")
def list_targets(state: State = None, as_json: AsJson = False) -> None:
    """List the Pythons of this machine as targets, other machines' that it builds for, and what the others lack."""
    found = asyncio.run(find_interpreters(state_path(state)))
    rows = describe_targets(found.found)
    across = _across(found, known_platforms(state_path(state)).descriptions().values())
    if as_json:
        fields = [_fields(row) for row in rows]
        broken = [{"executable": str(b.executable), "reason": b.reason} for b in found.broken]
        listed = {"targets": fields, "across": across, "broken": broken}
        typer.echo(msgspec.json.encode(listed).decode())
        return
    _print(rows, across, found.broken)


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


@dataclass(frozen=True, slots=True, kw_only=True)
class _AcrossRow:
    """A target that this machine is none of, the platforms that lead there, and what is missing for it."""

    target: str
    platforms: tuple[str, ...]
    missing: tuple[str, ...]


def _across(
    found: MachineInterpreters, descriptions: Iterable[Description]
) -> tuple[_AcrossRow, ...]:
    platforms: dict[Target, list[Description]] = {}
    for one in descriptions:
        for target in targets_of(one):
            platforms.setdefault(target, []).append(one)
    return tuple(_across_row(found, target, platforms[target]) for target in sorted(platforms))


def _across_row(
    found: MachineInterpreters, target: Target, platforms: list[Description]
) -> _AcrossRow:
    build = Target(target.interpreter, native_platform())
    lacks = [] if found.executable(build) else [f"{build.interpreter} here: {how_to_serve(build)}"]
    absent = {one.name: of_all(one) for one in platforms}
    reaching = [name for name in absent if not absent[name]]
    if not reaching:
        lacks += [how_to_have(one) for one in absent.values()][:1]
    return _AcrossRow(
        target=str(target),
        platforms=() if lacks else tuple(reaching),
        missing=tuple(lacks),
    )


def _print(
    rows: tuple[TargetRow, ...],
    across: tuple[_AcrossRow, ...],
    broken: tuple[BrokenInterpreter, ...],
) -> None:
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
    if across:
        console.print()
        console.print(_table_across(across))
    for one in broken:
        console.print(f"not usable: {one.executable}: {one.reason}", style="yellow", markup=False)


def _table_across(rows: tuple[_AcrossRow, ...]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("other machines", "platforms that lead there", "missing"):
        table.add_column(column, overflow="fold")
    for row in rows:
        style = "" if row.platforms else "dim"
        table.add_row(row.target, ", ".join(row.platforms), "; ".join(row.missing), style=style)
    return table
