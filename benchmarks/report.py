"""Results as tables for people, one as soon as it is known, and as JSON for later."""

import json
import os
import platform
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.accounting import kind
from benchmarks.measure import Usage, median
from rich.console import Console
from rich.table import Table

from wheelyard import __version__


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Something that was found, beside the most that it may be."""

    what: str
    unit: str
    found: float
    most: float

    @property
    def met(self) -> bool:
        """Whether it is as it should be."""
        return self.found <= self.most


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What one runner took for one thing, each time that it was run; without times where it was counted only."""

    subject: str
    runner: str
    usages: tuple[Usage, ...] = ()
    verdicts: tuple[Verdict, ...] = ()

    @property
    def typical(self) -> Usage:
        """The medians."""
        return median(self.usages)


@dataclass(frozen=True, slots=True, kw_only=True)
class Aim:
    """What a runner may take: ``most`` times what a peer takes or, without a peer, so many seconds."""

    subject: str
    runner: str
    most: float
    peer: str = ""
    clock: str = "cpu"

    def verdict(self, rows: Iterable[Row]) -> Verdict | None:
        """Judge the rows; None where one that it takes was not measured."""
        found = {row.runner: row for row in rows if row.subject == self.subject and row.usages}
        if self.runner not in found or (self.peer and self.peer not in found):
            return None
        ours = getattr(found[self.runner].typical, self.clock)
        if not self.peer:
            return Verdict(what=self.clock, unit="s", found=ours, most=self.most)
        share = ours / getattr(found[self.peer].typical, self.clock)
        return Verdict(what=f"{self.clock} / {self.peer}", unit="", found=share, most=self.most)


def judged(rows: Sequence[Row], aims: Iterable[Aim]) -> list[Row]:
    """Add to each row what it was measured for."""
    verdicts: dict[tuple[str, str], list[Verdict]] = {}
    for aim in aims:
        verdict = aim.verdict(rows)
        if verdict is not None:
            verdicts.setdefault((aim.subject, aim.runner), []).append(verdict)
    return [
        replace(row, verdicts=(*row.verdicts, *verdicts.get((row.subject, row.runner), ())))
        for row in rows
    ]


class Report:
    """Takes rows as they come. ``path`` holds all of them after each, so that a run that is stopped loses none."""

    def __init__(self, path: Path, console: Console) -> None:
        self._path = path
        self._console = console
        self._began = time.monotonic()
        self._parts: dict[str, list[Row]] = {}
        self._loads: dict[str, float] = {}

    def say(self, text: str) -> None:
        """Tell how far it is."""
        minutes, seconds = divmod(round(time.monotonic() - self._began), 60)
        print(f"{minutes:3}:{seconds:02}  {text}", file=sys.stderr, flush=True)

    def publish(self, part: str, rows: Sequence[Row]) -> None:
        """Print rows and write them to the file."""
        self._parts.setdefault(part, []).extend(rows)
        self._loads[part] = os.getloadavg()[0]
        self._console.print(table(part, rows))
        self._console.print()
        self._path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = self._path.with_name(f".{self._path.name}")
        unfinished.write_text(json.dumps(self._content(), indent=1) + "\n")
        unfinished.replace(self._path)

    def _content(self) -> dict[str, object]:
        parts = {
            name: {"load": self._loads[name], "rows": [_fields(row) for row in rows]}
            for name, rows in self._parts.items()
        }
        now = datetime.now(UTC).isoformat(timespec="seconds")
        return {"at": now, "wheelyard": __version__, "machine": machine(), "parts": parts}


def table(part: str, rows: Sequence[Row]) -> Table:
    """Lay out rows, each with its medians and with what it was measured for."""
    load = f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
    result = Table(title=f"{part}: medians, {load}", title_justify="left", box=None, pad_edge=False)
    for column in ("what", "runner"):
        result.add_column(column, no_wrap=True)
    for column in ("runs", "cpu s", "wall s", "result"):
        result.add_column(column, justify="right", no_wrap=True)
    for column in ("of", "aim", "verdict"):
        result.add_column(column, no_wrap=column != "of")
    for row in rows:
        numbers = ["", "", ""]
        if row.usages:
            usage = row.typical
            numbers = [str(len(row.usages)), f"{usage.cpu:.2f}", f"{usage.wall:.2f}"]
        first, *more = [_cells(verdict) for verdict in row.verdicts] or [[]]
        result.add_row(row.subject, row.runner, *numbers, *first)
        for cells in more:
            result.add_row("", "", "", "", "", *cells)
    return result


def _cells(verdict: Verdict) -> list[str]:
    word = "met" if verdict.met else "[bold]missed[/bold]"
    return [
        f"{verdict.found:.2f} {verdict.unit}".rstrip(),
        verdict.what,
        f"≤ {verdict.most:g}",
        word,
    ]


def _fields(row: Row) -> dict[str, object]:
    median_of = {"median": asdict(row.typical)} if row.usages else {}
    verdicts = [asdict(verdict) | {"met": verdict.met} for verdict in row.verdicts]
    return asdict(row) | median_of | {"verdicts": verdicts}


def machine() -> dict[str, object]:
    """Say on what this was measured."""
    return {
        "system": platform.platform(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "processor_time_by": kind(),
        "python": platform.python_version(),
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()
