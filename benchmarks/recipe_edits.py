"""Parse, edit and write of every recorded recipe, beside ruamel.yaml's reading of the same text.

The edit is proven on every variant, and the answer is written to a file, as ``wheelyard recipe rebuild`` and
``to-version`` do without starting a process. What the network says is recorded. ruamel.yaml, on which the field's bot
builds, cannot read a meta.yaml as it is: it gets the text with templates blanked out, which is less work.
"""

import gzip
import io
import json
import re
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.measure import BenchmarkError, Usage
from benchmarks.report import Report, Row, Verdict
from benchmarks.setting import Setting
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from wheelyard.recipes.edits import rebuild, to_version
from wheelyard.recipes.parse import parse_recipe

CASES = Path(__file__).resolve().parents[2] / "shared" / "cases" / "recipe_edits.jsonl.gz"
MOST_MS, MOST_P99_MS = 2.0, 20.0
_TEMPLATES = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", re.DOTALL)

Case = dict[str, Any]


class _FromTheCommit:
    """The digests that the recorded commit wrote."""

    def __init__(self, case: Case) -> None:
        self._digest: str = re.findall(r"sha256: ([0-9a-f]{64})", case["expected"])[0]

    def digest(self, url: str, kind: str) -> str:  # noqa: ARG002 - one answer to all
        return self._digest

    def files(self, project: str) -> None:  # noqa: ARG002 - one answer to all
        return None


def run(setting: Setting, report: Report) -> None:
    """Measure in turns, after one turn that warms up."""
    report.publish("recipe_edits", rows(read_cases(CASES), setting.run_folder(), setting.repeat))


def read_cases(path: Path) -> list[Case]:
    """Read the recorded edits."""
    if not path.is_file():
        raise BenchmarkError(f"{path} is not there: the recorded cases lie beside the checkout")
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def rows(cases: Sequence[Case], folder: Path, turns: int) -> list[Row]:
    """Measure edits and readings, and judge the edits; the ratio is that of what both can read."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "meta.yaml"
    readings = [_reading(case) for case in cases]
    readable = [at for at, read in enumerate(readings) if read()]
    ours = measured([_edit(case, file) for case in cases], turns)
    theirs = measured([readings[at] for at in readable], turns)
    ratio = statistics.median(ours[at] for at in readable) / statistics.median(theirs)
    verdicts = (
        Verdict(what="median", unit="ms", found=statistics.median(ours) * 1e3, most=MOST_MS),
        Verdict(what="p99", unit="ms", found=_percentile(ours, 99) * 1e3, most=MOST_P99_MS),
        Verdict(what="of ruamel.yaml's reading", unit="", found=ratio, most=1.0),
    )
    return [
        Row(
            subject=f"{len(cases)} recipes",
            runner="wheelyard",
            usages=_usages(ours),
            verdicts=verdicts,
        ),
        Row(
            subject=f"{len(readable)} of them",
            runner="ruamel.yaml, reading",
            usages=_usages(theirs),
        ),
    ]


def _usages(seconds: list[float]) -> tuple[Usage, ...]:
    total = sum(seconds)
    return (Usage(cpu=total, wall=total),)


def _edit(case: Case, file: Path) -> Callable[[], None]:
    answers = _FromTheCommit(case) if case["kind"] == "version" else None

    def edit() -> None:
        recipe = parse_recipe(case["input"], name=case["path"])
        text = rebuild(recipe) if answers is None else to_version(recipe, case["version"], answers)
        file.write_bytes(text.encode())

    return edit


def _reading(case: Case) -> Callable[[], bool]:
    text = _TEMPLATES.sub(lambda found: re.sub(r"[^\n]", "x", found[0]), case["input"])
    # A statement alone on its line would be no YAML.
    text = re.sub(r"^[ \t]*x+[ \t]*(?:#.*)?$", "", text, flags=re.MULTILINE)

    def read() -> bool:
        reader = YAML(typ="rt")
        reader.allow_duplicate_keys = True
        try:
            reader.load(io.StringIO(text))
        except YAMLError:
            return False
        return True

    return read


def measured(steps: Sequence[Callable[[], object]], turns: int) -> list[float]:
    """Give the seconds of every step, the best of some turns each."""
    best = [float("inf")] * len(steps)
    for turn in range(turns + 1):
        for at, step in enumerate(steps):
            before = time.process_time()
            step()
            if turn:
                best[at] = min(best[at], time.process_time() - before)
    return best


def _percentile(seconds: Sequence[float], percent: int) -> float:
    ordered = sorted(seconds)
    return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)]
