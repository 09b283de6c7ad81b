"""Runs the checks and, with ``--tests``, the tests, and says how long each took.

The summary of the checks stands before the tests, so that pytest has the last word.
"""

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
IN_CI = os.environ.get("CI", "").lower() in {"1", "true", "yes"}
PURE_FLOORS = ("errors", "targets", "model", "jobs", "plan", "graph", "migrate")

CHECKS = (
    ("format", ["ruff", "format", "--check", "."]),
    ("lint", ["ruff", "check", "."]),
    ("floors", ["lint-imports"]),
    ("types", ["mypy"]),
)


@dataclass(frozen=True)
class Result:
    """How a check ended, after how many seconds, and what it printed."""

    name: str
    passed: bool
    seconds: float
    output: str


def main() -> int:
    os.chdir(ROOT)
    # The tools that tests and checks call are those of .venv.
    os.environ["PATH"] = f"{BIN}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    failed = [result.name for result in run_checks() if not result.passed]
    if "--tests" not in sys.argv:
        return report(failed)
    if failed:
        report(failed)
    code = subprocess.run(pytest_command(), check=False).returncode
    if failed and code == 0:
        return report(failed)
    return code


def run_checks() -> list[Result]:
    started = time.monotonic()
    with ThreadPoolExecutor(max_workers=2) as pool:
        results = []
        for result in pool.map(run_check, CHECKS):
            results.append(result)
            print(
                f"{'ok' if result.passed else 'FAILED':6} {result.name:8} {result.seconds:5.1f} s"
            )
            if not result.passed:
                print(result.output)
            sys.stdout.flush()
    passed = sum(result.passed for result in results)
    seconds = time.monotonic() - started
    print(f"{passed} of {len(results)} checks passed in {seconds:.1f} s", flush=True)
    return results


def run_check(check: tuple[str, list[str]]) -> Result:
    name, (program, *arguments) = check
    started = time.monotonic()
    done = subprocess.run(
        [BIN / program, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    return Result(name, done.returncode == 0, time.monotonic() - started, done.stdout)


def pytest_command() -> list[str | Path]:
    command: list[str | Path] = [BIN / "pytest", "-q", "-n", "2", "--dist", "loadfile"]
    command += [f"--cov=wheelyard.{floor}" for floor in PURE_FLOORS]
    command += ["--cov-branch", "--cov-report=term-missing:skip-covered"]
    command += ["--durations=10", "--durations-min=3"]
    if not IN_CI and os.environ.get("UPSTREAM", "") not in {"yes", "true", "1"}:
        command += ["-m", "not upstream"]
    return command


def report(failed: list[str]) -> int:
    if failed:
        print(f"failed: {', '.join(failed)}", flush=True)
    return int(bool(failed))


if __name__ == "__main__":
    raise SystemExit(main())
