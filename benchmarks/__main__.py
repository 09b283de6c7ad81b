"""``python -m benchmarks``: measures wheelyard beside its peers; ``--help`` says how."""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

from benchmarks import bus, pure_and_c, targets, tree_from_source
from benchmarks.measure import BenchmarkError

NAMES = ("pure_and_c", "tree_from_source", "targets", "bus")


def main() -> int:
    # wheelyard, uv and the like are those of the environment that this runs in.
    own = Path(sys.executable).parent
    os.environ["PATH"] = f"{own}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    options = parser().parse_args()
    python = options.python or interpreter_of(options.target)
    for name in options.benchmark or NAMES:
        try:
            run(name, python, options)
        except BenchmarkError as error:
            print(f"{name} stopped: {error}", file=sys.stderr)
            return 1
    return 0


def parser() -> argparse.ArgumentParser:
    result = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    result.add_argument("benchmark", nargs="*", choices=[*NAMES, []], help="which ones; all")
    result.add_argument("--repeat", type=int, default=3, help="how often; medians are shown (3)")
    result.add_argument("--target", default="cp312", help="what everybody builds for (cp312)")
    result.add_argument(
        "--python", type=Path, help="its interpreter, where it is not to be looked for"
    )
    result.add_argument(
        "--only", nargs="*", default=[], help="how the names of those begin that are measured; all"
    )
    return result


def interpreter_of(target: str) -> Path:
    """Ask wheelyard where the Python of a target is."""
    listed = json.loads(subprocess.check_output(["wheelyard", "target", "list", "--json"]))
    for row in listed["targets"]:
        if row["target"].partition("-")[0] == target and row["executable"]:
            return Path(row["executable"])
    raise SystemExit(f"no Python here builds for {target}; name one with --python")


def run(name: str, python: Path, options: argparse.Namespace) -> None:
    if name == "bus":
        bus.run(repeat=options.repeat)
        return
    if name == "targets":
        targets.run(["cp310", "cp311", "cp312", "cp313"], repeat=options.repeat)
        return
    benchmark = {"pure_and_c": pure_and_c, "tree_from_source": tree_from_source}[name]
    benchmark.run(python, options.target, only=options.only, repeat=options.repeat)


if __name__ == "__main__":
    raise SystemExit(main())
