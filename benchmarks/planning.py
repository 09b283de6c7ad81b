"""A plan of 5,000 releases with recorded metadata: seconds, and the memory of its process."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from benchmarks.corpus import fresh
from benchmarks.measure import BenchmarkError, Usage
from benchmarks.report import Aim, Report, Row, Verdict, judged
from benchmarks.setting import Setting

WAYS = {"planner": "the planner alone", "run": "wheelyard plan, all recorded"}
MOST_SECONDS, MOST_MEGABYTES = 2.0, 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """What one plan took."""

    usage: Usage
    megabytes: float


def run(setting: Setting, report: Report) -> None:
    """Measure the pure planner, and the whole of a command that plans, which includes it."""
    subject = f"{setting.planned} releases"
    folder = fresh(setting.cache / "large-plan")
    report.say("recording a large plan")
    _child("record", setting.planned, folder)
    found: dict[str, list[Planned]] = {way: [] for way in WAYS}
    for turn in range(setting.repeat):
        for way, name in WAYS.items():
            report.say(f"{subject}: {name}, {turn + 1} of {setting.repeat}")
            found[way].append(plan(way, setting.planned, folder))
    rows = [_row(subject, WAYS[way], planned) for way, planned in found.items()]
    aims = [Aim(subject=subject, runner=name, most=MOST_SECONDS) for name in WAYS.values()]
    report.publish("planning", judged(rows, aims))


def plan(way: str, releases: int, folder: Path) -> Planned:
    """Make the plan once in a process of its own."""
    found = json.loads(_child(way, releases, folder))
    usage = Usage(cpu=found["cpu"], wall=found["wall"])
    return Planned(usage=usage, megabytes=found["megabytes"])


def _row(subject: str, name: str, planned: list[Planned]) -> Row:
    peak = max(one.megabytes for one in planned)
    return Row(
        subject=subject,
        runner=name,
        usages=tuple(one.usage for one in planned),
        verdicts=(Verdict(what="peak memory", unit="MB", found=peak, most=MOST_MEGABYTES),),
    )


def _child(way: str, releases: int, folder: Path) -> str:
    command = [sys.executable, "-m", "benchmarks.large_plan_run", way, str(releases), str(folder)]
    root = Path(__file__).resolve().parent.parent
    ended = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    if ended.returncode != 0:
        raise BenchmarkError(f"{' '.join(command)}\nended with {ended.returncode}:\n{ended.stderr}")
    return ended.stdout
