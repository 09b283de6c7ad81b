"""The end of a run as a table: a row a release, a column a target."""

import re
import shlex
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from wheelyard.cli.display.lines import name, seconds
from wheelyard.model.artifact import Origin
from wheelyard.model.release import Release
from wheelyard.plan.bootstrap import BrokenCycle
from wheelyard.plan.events import Exclusion
from wheelyard.plan.summary import Ending, Row
from wheelyard.targets.target import Target

_COMMANDS = re.compile(r"'(wheelyard job [^']+)'")
"""What a hint tells to type; whoever named a state folder has to name it there, too."""
_STYLE = {
    Ending.BUILT: "green",
    Ending.REUSED: "green",
    Ending.COVERED: "cyan",
    Ending.UPSTREAM: "magenta",
    Ending.FAILED: "bold red",
    Ending.BLOCKED: "yellow",
    Ending.SKIPPED: "yellow",
    Ending.NOT_APPLICABLE: "dim",
    Ending.PENDING: "dim",
}


def print_summary(
    console: Console,
    rows: Sequence[Row],
    exclusions: Sequence[Exclusion],
    cycles: Sequence[BrokenCycle],
    *,
    state: Path | None,
) -> None:
    """Print what was built, covered and failed, and why; ``state`` is the folder that was named."""
    option = f" --state {shlex.quote(str(state))}" if state is not None else ""
    if rows:
        console.print(_matrix(rows))
    for row in rows:
        if row.ending in {Ending.FAILED, Ending.SKIPPED}:
            _print_failure(console, row, option)
    _print_blocked(console, rows)
    for exclusion in exclusions:
        label = "left out" if exclusion.applicable else "not applicable"
        console.print(
            Text(f"{label}: {exclusion.requirement} for {exclusion.target}: {exclusion.reason}"),
            style="red" if exclusion.applicable else "dim",
            highlight=False,
        )
        if exclusion.hint:
            console.print(Text(f"  hint: {exclusion.hint}"), highlight=False)
    _print_upstream(console, rows, cycles)
    console.print(Text(totals(rows)), style="bold", highlight=False)


def totals(rows: Sequence[Row]) -> str:
    """Count the endings in one line."""
    counted = Counter(row.ending for row in rows)
    return ", ".join(f"{counted[ending]} {ending.value}" for ending in Ending if counted[ending])


def _matrix(rows: Sequence[Row]) -> Table:
    targets: list[Target] = sorted({row.unit.target for row in rows})
    cells: dict[tuple[Release, Target], Row] = {
        (row.unit.release, row.unit.target): row for row in rows
    }
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("release")
    for target in targets:
        table.add_column(str(target))
    for release in sorted({row.unit.release for row in rows}):
        requested = any(
            cell.requested for target in targets if (cell := cells.get((release, target)))
        )
        label = Text(f"{release.project} {release.version}", style="bold" if requested else "")
        table.add_row(label, *(_cell(cells.get((release, target))) for target in targets))
    return table


def _cell(row: Row | None) -> Text:
    if row is None:
        return Text("·", style="dim")
    text = row.ending.value
    if row.ending is Ending.BUILT and row.report is not None:
        text += f" {seconds(row.report.wall_seconds)}"
    if row.as_of and row.ending is Ending.BUILT:
        text += f" (tools of {row.as_of})"
    return Text(text, style=_STYLE[row.ending])


def _print_failure(console: Console, row: Row, option: str) -> None:
    reason = row.reason or "see its log"
    console.print(
        Text(f"{row.ending.value}: {name(row.unit)}: {reason}"),
        style=_STYLE[row.ending],
        highlight=False,
    )
    if row.hint:
        hint = _COMMANDS.sub(lambda found: f"'{found[1]}{option}'", row.hint)
        console.print(Text(f"  hint: {hint}"), highlight=False)
    if row.ending is Ending.FAILED and row.report is not None:
        if row.report.detail:
            console.print(Text("  " + row.report.detail.replace("\n", "\n  "), style="dim"))
        command = f"wheelyard job show {row.unit.release.project}{option}"
        console.print(Text(f"  look: {command}"), highlight=False, soft_wrap=True)


def _print_blocked(console: Console, rows: Sequence[Row]) -> None:
    """Say once for each root cause what waits for it."""
    waiting: dict[str, list[str]] = {}
    for row in rows:
        if row.ending is Ending.BLOCKED:
            waiting.setdefault(row.reason, []).append(name(row.unit))
    for reason, names in waiting.items():
        text = f"blocked: {', '.join(names)}: {reason}"
        console.print(Text(text), style=_STYLE[Ending.BLOCKED], highlight=False)


def _print_upstream(console: Console, rows: Sequence[Row], cycles: Sequence[BrokenCycle]) -> None:
    """Say which wheels came from upstream: the policy's, and the seeds."""
    wheels = sorted(
        {
            row.artifact.filename
            for row in rows
            if row.artifact is not None and row.artifact.origin is Origin.UPSTREAM
        }
    )
    for filename in wheels:
        console.print(Text(f"from upstream: {filename}"), style="magenta", highlight=False)
    for broken in cycles:
        console.print(Text(str(broken)), style="magenta", highlight=False)
