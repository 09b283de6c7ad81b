"""Parse, edit and write of every recorded recipe, beside ruamel.yaml's reading of the same text.

The edit is proven on every variant, and the answer is written to a file, as ``wheelyard recipe rebuild`` and
``to-version`` do without starting a process. What the network says is recorded. ruamel.yaml, on which the field's bot
builds, cannot read a meta.yaml as it is: it gets the text with templates blanked out, which is less work.
"""

import contextlib
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
from ruamel.yaml import YAML, YAMLError

from wheelyard.recipes.edits import rebuild, to_version
from wheelyard.recipes.parse import parse_recipe

CASES = Path(__file__).resolve().parents[2] / "shared" / "cases" / "recipe_edits.jsonl.gz"
MOST_MS, MOST_P99_MS = 2.0, 20.0
_TEMPLATES = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", re.DOTALL)

Case = dict[str, Any]


class _FromTheCommit:
    """The digests that the recorded commit wrote."""

    def __init__(self, case: Case) -> None:
        self._digest = re.findall(r"sha256: ([0-9a-f]{64})", case["expected"])[0]

    def digest(self, url: str, kind: str) -> str:
        return self._digest

    def files(self, project: str) -> None:
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
    """Measure edits and readings, and judge the edits."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "meta.yaml"
    edits = [_edit(case, file) for case in cases]
    readings = [_reading(case) for case in cases]
    ours, theirs = measured(edits, turns), measured(readings, turns)
    ratio = statistics.median(ours) / statistics.median(theirs)
    verdicts = (
        Verdict(what="median", unit="ms", found=statistics.median(ours) * 1e3, most=MOST_MS),
        Verdict(what="p99", unit="ms", found=_percentile(ours, 99) * 1e3, most=MOST_P99_MS),
        Verdict(what="of ruamel.yaml's reading", unit="", found=ratio, most=1.0),
    )
    subject = f"{len(cases)} recipes"
    return [
        Row(subject=subject, runner="wheelyard", usages=_usages(ours), verdicts=verdicts),
        Row(subject=subject, runner="ruamel.yaml, reading alone", usages=_usages(theirs)),
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


def _reading(case: Case) -> Callable[[], None]:
    text = _TEMPLATES.sub(lambda found: re.sub(r"[^\n]", "x", found[0]), case["input"])
    # A statement alone on its line would be no YAML.
    text = re.sub(r"^[ \t]*x+[ \t]*(?:#.*)?$", "", text, flags=re.MULTILINE)

    def read() -> None:
        reader = YAML(typ="rt")
        reader.allow_duplicate_keys = True
        with contextlib.suppress(YAMLError):
            reader.load(io.StringIO(text))

    return read


def measured(steps: Sequence[Callable[[], None]], turns: int) -> list[float]:
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
