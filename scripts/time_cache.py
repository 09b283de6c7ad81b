"""Times builds with a compiler cache: empty, filled by the same build, and filled by that for another Python of the same platform.

``.venv/bin/python scripts/time_cache.py --state DIR [--packages pyyaml,msgpack] [--platform linux_aarch64]``: of each build only
the step in which the back end builds counts. What includes Python.h is another file for another Python: there the cache
only helps with what does not.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, kw_only=True)
class Timed:
    """A build: what its step took, and what was in the cache. ``compilers`` is 0 where nothing catches them."""

    seconds: float
    cpu_seconds: float
    compilers: float
    there: int
    asked: int

    def __str__(self) -> str:
        """Write it as a cell of the table."""
        compilers = f", {self.compilers:.2f} in compilers" if self.compilers else ""
        return f"{self.seconds:.2f} ({self.cpu_seconds:.2f} CPU{compilers}), {self.there} of {self.asked}"


def main() -> int:
    """Build, and print a table: seconds, and how many of the compiled files came from the cache."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--packages", default="pyyaml,msgpack")
    parser.add_argument("--platform", default="", help="such as linux_aarch64; without: this one")
    parser.add_argument("--pythons", default="cp311,cp313")
    given = parser.parse_args()
    first, second = given.pythons.split(",")
    print(f"| package | empty, {first} | filled, {first} | ratio | {second}, filled by {first} |")
    print("|---|---|---|---|---|")
    for package in given.packages.split(","):
        for cache in (given.state / "compiler-caches").glob(f"{package}+*"):
            shutil.rmtree(cache)
        one, other = (f"{python}-{given.platform}".rstrip("-") for python in (first, second))
        empty = build(package, one, given.state)
        filled = build(package, one, given.state)
        across = build(package, other, given.state)
        ratio = empty.seconds / filled.seconds
        print(f"| {package} | {empty} | {filled} | {ratio:.1f} | {across} |", flush=True)
    return 0


def build(package: str, target: str, state: Path) -> Timed:
    """Build a package once more."""
    with tempfile.TemporaryDirectory() as output:
        command = (
            *(sys.executable, "-m", "wheelyard", "build", package, "--target", target),
            *("--rebuild", "--from-source", "requested", "--state", str(state), "--jobs", "1"),
            *("--output", output, "--json", "--compiler-cache", "ccache"),
        )
        done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    (report,) = [row["report"] for row in rows if row["event"] == "row" and row["requested"]]
    (step,) = [step for step in report["steps"] if step["name"] == "build"]
    calls = report["calls"]
    return Timed(
        seconds=step["seconds"],
        cpu_seconds=step["cpu_seconds"],
        compilers=calls["milliseconds"] / 1000,
        there=calls["cached"],
        asked=calls["cachable"],
    )


if __name__ == "__main__":
    sys.exit(main())
