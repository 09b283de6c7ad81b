"""Times builds for another machine beside builds of the same sources for this one, and emulated ones.

``.venv/bin/python scripts/time_across.py --state DIR [--rounds N]``: each package is built in turn on each way, the best
of some rounds counts, and only the step in which the back end builds. All compile with ``-O2 -g0``.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("markupsafe", "pyyaml", "msgpack", "cffi", "kiwisolver")
TARGET = "cp311-linux_aarch64"
WAYS: Mapping[str, tuple[str, str]] = {
    "native": ("cp311", ""),
    "cross": (TARGET, ""),
    "emulated": (TARGET, "emulate = true\n"),
}
# The recipe's own flags come last on a command line, so that they win.
FLAGS = 'cflags = "-O2 -g0"\ncxxflags = "-O2 -g0"\nimports = []\n'
_SLOW = frozenset({"pyyaml", "cffi", "kiwisolver"})
"""Emulated, their build requirements would be built under the emulator, too, or ask for libraries there."""


def main() -> int:
    """Build, and print a table in seconds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", action="append", choices=PACKAGES)
    parser.add_argument("--processor-time", action="store_true", help="for a busy machine")
    given = parser.parse_args()
    field = "cpu_seconds" if given.processor_time else "seconds"
    print("| package | native | cross | cross / native | emulated |\n|---|---|---|---|---|")
    for package in given.only or PACKAGES:
        best = {
            name: seconds(package, name, given.state, given.rounds, field)
            for name in WAYS
            if name != "emulated" or package not in _SLOW
        }
        cells = [f"{best[name]:.2f}" if name in best else "" for name in WAYS]
        ratio = best["cross"] / best["native"]
        print(f"| {package} | {cells[0]} | {cells[1]} | {ratio:.2f} | {cells[2]} |", flush=True)
    return 0


def seconds(package: str, way: str, state: Path, rounds: int, field: str) -> float:
    """Return the best time of the step that builds."""
    target, extra = WAYS[way]
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, f"{package}.toml").write_text(FLAGS + extra)
        return min(_once(package, target, Path(folder), state)[field] for _ in range(rounds))


def _once(package: str, target: str, recipes: Path, state: Path) -> dict[str, float]:
    command: Sequence[str] = (
        *(sys.executable, "-m", "wheelyard", "build", package, "--target", target, "--rebuild"),
        *("--from-source", "requested", "--recipes", str(recipes), "--state", str(state)),
        *("--output", str(state / "timed"), "--jobs", "1", "--json"),
    )
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    (report,) = [row["report"] for row in rows if row["event"] == "row" and row["requested"]]
    (step,) = [step for step in report["steps"] if step["name"] == "build"]
    return {name: float(step[name]) for name in ("seconds", "cpu_seconds")}


if __name__ == "__main__":
    sys.exit(main())
