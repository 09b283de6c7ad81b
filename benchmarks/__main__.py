"""``python -m benchmarks``: measures wheelyard beside its peers; ``--help`` says how."""

import argparse
import contextlib
import fcntl
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import (
    bus,
    dispatch,
    fleet,
    index_pages,
    interception,
    migrations,
    planning,
    pure_and_c,
    queue_depth,
    recipe_edits,
    second_run,
    site_pages,
    targets,
    tree_from_source,
)
from benchmarks.corpus import Corpus, cache_folder
from benchmarks.measure import BenchmarkError
from benchmarks.report import Report
from benchmarks.setting import Setting
from rich.console import Console

Part = Callable[[Setting, Report], None]
# The quick ones first; the last one takes the better part of an hour.
PARTS: Mapping[str, Part] = {
    "planning": planning.run,
    "migrations": migrations.run,
    "recipe_edits": recipe_edits.run,
    "targets": targets.run,
    "interception": interception.run,
    "queue_depth": queue_depth.run,
    "bus": bus.run,
    "dispatch": dispatch.run,
    "fleet": fleet.run,
    "site_pages": site_pages.run,
    "index_pages": index_pages.run,
    "pure_and_c": pure_and_c.run,
    "tree_from_source": tree_from_source.run,
    "second_run": second_run.run,
}
OUT = Path(__file__).resolve().parent / "out"
_TARGETS = ("cp312", "cp310", "cp311", "cp313")


def main() -> int:
    # wheelyard, uv and the like are those of the environment that this runs in.
    own = Path(sys.executable).parent
    os.environ["PATH"] = f"{own}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    options = parser().parse_args()
    unknown = [name for name in options.part if name not in PARTS]
    if unknown:
        raise SystemExit(f"{unknown[0]!r} is no part; there are {', '.join(PARTS)}")
    path = options.json or OUT / f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}.json"
    report = Report(path, console())
    with alone(cache_folder()):
        failed = run(options.part or list(PARTS), setting_of(options), report)
    report.say(f"written to {path}")
    return int(failed)


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Refuse to measure beside another run, which would spoil the numbers and the folders of both."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SystemExit(f"another run measures in {folder}; wait for its end") from None
        yield


def console() -> Console:
    """Return where tables go; in a pipe they are as wide as they want to be."""
    return Console() if sys.stdout.isatty() else Console(width=120)


def parser() -> argparse.ArgumentParser:
    result = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    result.add_argument(
        "part", nargs="*", help=f"what to measure: {', '.join(PARTS)}; without, all"
    )
    result.add_argument("--repeat", type=int, default=3, metavar="N", help="how often (3)")
    result.add_argument(
        "--json", type=Path, metavar="FILE", help="where the numbers go (out/TIME.json)"
    )
    result.add_argument("--target", default=_TARGETS[0], help=f"what all build for ({_TARGETS[0]})")
    result.add_argument("--python", type=Path, help="its interpreter; without, looked for")
    result.add_argument(
        "--only", nargs="*", default=[], metavar="NAME", help="whom: how their names begin"
    )
    return result


def setting_of(options: argparse.Namespace) -> Setting:
    """Return what a command line asks for."""
    cache = cache_folder()
    return Setting(
        cache=cache,
        corpus=Corpus(folder=cache / "sdists"),
        python=options.python or interpreter_of(options.target),
        target=options.target,
        targets=tuple(dict.fromkeys((options.target, *_TARGETS))),
        only=tuple(options.only),
        repeat=options.repeat,
    )


def interpreter_of(target: str) -> Path:
    """Ask wheelyard where the Python of a target is."""
    listed = json.loads(subprocess.check_output(["wheelyard", "target", "list", "--json"]))
    for row in listed["targets"]:
        if row["target"].partition("-")[0] == target and row["executable"]:
            return Path(row["executable"])
    raise SystemExit(f"no Python here builds for {target}; name one with --python")


def run(parts: list[str], setting: Setting, report: Report) -> bool:
    """Run parts, and return whether one of them could not be measured; the others are all the same."""
    failed = False
    for name in parts:
        try:
            PARTS[name](setting, report)
        except BenchmarkError as error:
            report.say(f"{name} stopped: {error}")
            failed = True
    return failed


if __name__ == "__main__":
    raise SystemExit(main())
