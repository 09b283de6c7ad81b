"""Twelve packages, eight pure and four with C: wheelyard beside what people build wheels with today."""

from collections.abc import Sequence
from pathlib import Path

from benchmarks.corpus import COMPILED, GROUPS, PURE, cache_folder
from benchmarks.measure import Usage
from benchmarks.report import Row, publish
from benchmarks.runners import (
    Fromager,
    FromJobStart,
    PipWheel,
    PypaBuild,
    Runner,
    UvBuild,
    Wheelyard,
    fresh,
)
from benchmarks.warm_builder import WarmBuilder

from wheelyard.model.release import Release

EVERYTHING = PURE + COMPILED
SUBJECTS: dict[str, tuple[Release, ...]] = GROUPS | {"all": EVERYTHING}
AIMS = {
    ("pure", "uv build"): 0.2,
    ("pure", "pip wheel"): 0.06,
    ("compiled", "uv build"): 0.8,
    ("all", "fromager build-sequence"): 0.5,
}


def run(python: Path, target: str, *, only: Sequence[str], repeat: int) -> None:
    """Measure everybody, in turns, so that what else the machine does falls on all alike."""
    runners = [one for one in known(python, target) if wanted(one, only)]
    for runner in runners:
        print(f"preparing {runner.name}", flush=True)
        runner.prepare(EVERYTHING)
    rows = [
        measure_in_turns(subject, [one for one in runners if takes(one, subject)], repeat)
        for subject in SUBJECTS
    ]
    publish("pure_and_c", [row for group in rows for row in group], AIMS)


def known(python: Path, target: str) -> list[Runner]:
    """Return every runner there is."""
    return [
        PipWheel(python=python),
        PypaBuild(python=python),
        UvBuild(python=python),
        Fromager(python=python),
        Wheelyard(target=target),
        FromJobStart(target=target),
        WarmBuilder(target=target),
        FromJobStart(
            target=target,
            name="wheelyard, from job start, warm ccache",
            options=("--compiler-cache", "ccache"),
        ),
    ]


def wanted(runner: Runner, only: Sequence[str]) -> bool:
    """Whether the command line names a runner, or none."""
    return not only or runner.name.startswith(tuple(only))


def takes(runner: Runner, subject: str) -> bool:
    """Fromager is measured on the whole, as a command; jobs alone beside who builds one by one."""
    if isinstance(runner, FromJobStart):
        return subject != "all"
    return subject == "all" or not isinstance(runner, Fromager)


def measure_in_turns(subject: str, runners: Sequence[Runner], repeat: int) -> list[Row]:
    """Run each once, then each again."""
    usages: dict[str, list[Usage]] = {runner.name: [] for runner in runners}
    for turn in range(repeat):
        for runner in runners:
            print(f"{subject}: {runner.name}, {turn + 1} of {repeat}", flush=True)
            folder = fresh(cache_folder() / "run")
            usages[runner.name].append(runner.build(SUBJECTS[subject], folder))
    return [Row(subject=subject, runner=name, usages=tuple(got)) for name, got in usages.items()]
