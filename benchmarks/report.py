"""Results as a table for people and as JSON for later."""

import json
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.accounting import kind
from benchmarks.measure import Usage, median
from rich.console import Console
from rich.table import Table

OUT = Path(__file__).resolve().parent / "out"
OURS = "wheelyard"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What one runner took for one thing, each time that it was run."""

    subject: str
    runner: str
    usages: tuple[Usage, ...]

    @property
    def typical(self) -> Usage:
        """The medians."""
        return median(self.usages)


def publish(name: str, rows: Sequence[Row], targets: Mapping[tuple[str, str], float]) -> None:
    """Print a table and write ``out/NAME-TIME.json``.

    ``targets`` say which share of a peer's processor seconds ours may take, by subject and peer.
    """
    Console().print(table(name, rows, targets))
    keep(name, [asdict(row) | {"median": asdict(row.typical)} for row in rows])


def keep(name: str, measured: Sequence[Mapping[str, object]]) -> None:
    """Write what was measured to ``out/NAME-TIME.json``."""
    OUT.mkdir(exist_ok=True)
    now = datetime.now(UTC)
    path = OUT / f"{name}-{now:%Y%m%dT%H%M%SZ}.json"
    content = {"benchmark": name, "at": now.isoformat(), "machine": machine(), "rows": measured}
    path.write_text(json.dumps(content, indent=1))
    print(f"written to {path}")


def table(name: str, rows: Sequence[Row], targets: Mapping[tuple[str, str], float]) -> Table:
    """Lay out rows with the ratio of ours to each peer's."""
    ours: dict[str, Usage] = {}
    for row in rows:
        if row.runner.startswith(OURS) and "cache" not in row.runner:
            # Of several ways to look at ours, the last is the one that the aims are about.
            ours[row.subject] = row.typical
    result = Table(title=f"{name}: medians, seconds", box=None, pad_edge=False)
    for column in ("what", "runner", "runs", "cpu", "wall", "ours/its cpu", "ours/its wall", "aim"):
        result.add_column(column, justify="left" if column in {"what", "runner"} else "right")
    for row in rows:
        usage, mine = row.typical, ours.get(row.subject)
        ratios = ["", ""]
        if mine is not None and not row.runner.startswith(OURS):
            ratios = [f"{mine.cpu / usage.cpu:.2f}", f"{mine.wall / usage.wall:.2f}"]
        aim = targets.get((row.subject, row.runner))
        numbers = [f"{usage.cpu:.2f}", f"{usage.wall:.2f}", *ratios]
        written = "" if aim is None else f"≤ {aim}"
        result.add_row(row.subject, row.runner, str(len(row.usages)), *numbers, written)
    return result


def machine() -> dict[str, object]:
    """Say on what this was measured."""
    return {
        "system": platform.platform(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "processor_time_by": kind(),
        "load": os.getloadavg()[0],
        "python": platform.python_version(),
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()
