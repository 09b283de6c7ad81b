"""The end of a run as a table: a row a release, a column a target."""

import re
import shlex
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from wheelyard.cli.display.console import say
from wheelyard.cli.display.lines import excerpt, name, seconds
from wheelyard.model.artifact import Origin
from wheelyard.model.counted import plural
from wheelyard.model.release import Release
from wheelyard.plan.bootstrap import BrokenCycle
from wheelyard.plan.events import Exclusion
from wheelyard.plan.summary import GOOD, Ending, Row
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
_KEY_LETTERS = 12
"""So much of a key names a job."""


def print_summary(
    console: Console,
    rows: Sequence[Row],
    exclusions: Sequence[Exclusion],
    cycles: Sequence[BrokenCycle],
    *,
    place: Path | str | None,
) -> None:
    """Print what was built, covered and failed, and why.

    ``place`` is the state folder that was named, or the address of the farm.
    """
    name = "--farm" if isinstance(place, str) else "--state"
    option = f" {name} {shlex.quote(str(place))}" if place is not None else ""
    if rows:
        console.print(_matrix(rows))
    for alike in _alike(rows):
        _print_failure(console, alike, option)
    _print_blocked(console, rows)
    print_exclusions(console, exclusions)
    print_choices(console, rows)
    _print_upstream(console, rows, cycles)
    print_cache(console, rows)
    say(console, totals(rows) or "nothing was built", "bold")


def print_exclusions(console: Console, exclusions: Sequence[Exclusion]) -> None:
    """Say what was left out, and why: once for all targets of which that is so."""
    found: dict[Exclusion, list[str]] = {}
    for exclusion in exclusions:
        alike = replace(exclusion, target=exclusions[0].target)
        found.setdefault(alike, []).append(str(exclusion.target))
    for exclusion, targets in found.items():
        label = "left out" if exclusion.applicable else "not applicable"
        text = f"{label}: {exclusion.requirement} for {', '.join(targets)}: {exclusion.reason}"
        say(console, text, "red" if exclusion.applicable else "dim")
        print_hint(console, exclusion.hint)


def print_choices(console: Console, rows: Sequence[Row]) -> None:
    """Say which releases upstream withdrew, and of which projects a newer one was not chosen, and why."""
    withdrawn = {row.unit.release: row.yanked for row in rows if row.yanked is not None}
    for release, reason in withdrawn.items():
        words = f": {reason}" if reason else ""
        say(console, f"yanked: {release.project} {release.version}{words}", "yellow")
    found: dict[tuple[Release, str], list[str]] = {}
    for row in rows:
        if row.older:
            interpreters = found.setdefault((row.unit.release, row.older), [])
            interpreters.append(str(row.unit.target.interpreter))
    for (release, why), interpreters in found.items():
        targets = ", ".join(dict.fromkeys(interpreters))
        say(console, f"older: {release.project} {release.version} for {targets}: {why}", "dim")


def print_cache(console: Console, rows: Sequence[Row]) -> None:
    """Say what the compiler cache had of what was compiled."""
    counted = [row.report.calls for row in rows if row.report and row.ending is Ending.BUILT]
    asked = sum(one.cachable for one in counted)
    if asked:
        there = sum(one.cached for one in counted)
        say(console, f"compiler cache: {there} of {plural(asked, 'compiled file')} from it")


def print_reproducible(console: Console, rows: Sequence[Row]) -> None:
    """Say how many of the wheels that were built twice have the same bytes, and which have not."""
    built = [row for row in rows if row.ending is Ending.BUILT and row.report is not None]
    differing = [str(row.unit) for row in built if row.report and row.report.irreproducible]
    text = f"built twice: {len(built) - len(differing)} of {len(built)} gave the same bytes again"
    if differing:
        text += f", but not {', '.join(differing)} (wheelyard job show says what differs)"
    say(console, text, "yellow" if differing else "")


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
    # Four targets with their platform are wider than a terminal; what all have in common is said once.
    shared = len({target.platform for target in targets}) == 1
    table.add_column(f"release ({targets[0].platform})" if shared else "release")
    for target in targets:
        table.add_column(str(target.interpreter if shared else target))
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
    if row.as_of and row.ending in GOOD:
        text += f" (tools of {row.as_of})"
    return Text(text, style=_STYLE[row.ending])


def _alike(rows: Sequence[Row]) -> list[list[Row]]:
    """Return what failed or was skipped; targets of a release where that has one reason go together."""
    found: dict[tuple[object, ...], list[Row]] = {}
    for number, row in enumerate(rows):
        if row.ending in {Ending.FAILED, Ending.SKIPPED}:
            reason = (row.reason, row.hint) if row.reason else number
            found.setdefault((row.unit.release, row.ending, reason), []).append(row)
    return list(found.values())


def _print_failure(console: Console, alike: Sequence[Row], option: str) -> None:
    row, *others = alike
    names = ", ".join([name(row.unit), *(str(one.unit.target.interpreter) for one in others)])
    reason = row.reason or "see its log"
    say(console, f"{row.ending.value}: {names}: {reason}", _STYLE[row.ending])
    print_hint(console, _COMMANDS.sub(lambda found: f"'{found[1]}{option}'", row.hint))
    if row.ending is Ending.FAILED and row.report is not None:
        for line in excerpt(row.report):
            say(console, f"  {line}", "dim")
        verb = "log" if row.report.log_digest else "show"
        job = row.key[:_KEY_LETTERS] if row.key else row.unit.release.project
        command = f"wheelyard job {verb} {job}{option}"
        say(console, f"  look: {command}", fold=False)


def print_hint(console: Console, hint: str) -> None:
    """Say what to do, where that is known."""
    if hint:
        indented = hint.replace("\n", "\n        ")
        say(console, f"  hint: {indented}")


def _print_blocked(console: Console, rows: Sequence[Row]) -> None:
    """Say once for each root cause what waits for it."""
    waiting: dict[str, list[str]] = {}
    for row in rows:
        if row.ending is Ending.BLOCKED:
            waiting.setdefault(row.reason, []).append(name(row.unit))
    for reason, names in waiting.items():
        say(console, f"blocked: {', '.join(names)}: {reason}", _STYLE[Ending.BLOCKED])


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
        say(console, f"from upstream: {filename}", "magenta")
    for broken in cycles:
        say(console, str(broken), "magenta")
