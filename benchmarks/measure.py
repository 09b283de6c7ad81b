"""Processor and wall seconds of a whole process tree.

``accounting`` says who counts. As a child subreaper (Linux) we also get orphans, so that a command
that leaves its work to daemons looks no cheaper than it is.
"""

import contextlib
import ctypes
import os
import statistics
import subprocess
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.accounting import account, entering

_PR_SET_CHILD_SUBREAPER = 36
_ORPHAN_SECONDS = 10


class BenchmarkError(Exception):
    """A measured command failed; its output is in the text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Seconds of the processor and of the clock."""

    cpu: float = 0.0
    wall: float = 0.0

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(cpu=self.cpu + other.cpu, wall=self.wall + other.wall)

    def __sub__(self, other: "Usage") -> "Usage":
        return Usage(cpu=self.cpu - other.cpu, wall=self.wall - other.wall)


def median(usages: Sequence[Usage]) -> Usage:
    """Return the medians of both, each for itself."""
    return Usage(
        cpu=statistics.median(usage.cpu for usage in usages),
        wall=statistics.median(usage.wall for usage in usages),
    )


def total(usages: Iterable[Usage]) -> Usage:
    """Add up."""
    return sum(usages, start=Usage())


def measure(
    command: Sequence[str | Path],
    *,
    log: Path,
    cwd: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> Usage:
    """Run a command to its end, output to ``log``. Raises BenchmarkError where it fails."""
    become_subreaper()
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as output, account() as group:
        before, started = _children(), time.monotonic()
        process = subprocess.Popen(
            entering(group, list(command)),
            cwd=cwd,
            env=_plain(os.environ if environment is None else environment),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        _, status, used = os.wait4(process.pid, 0)
        wall = time.monotonic() - started
        cpu = used.ru_utime + used.ru_stime + _orphans(before)
        if group is not None:
            group.wait_until_empty()
            cpu = group.seconds()
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        tail = log.read_text(errors="replace")[-3000:]
        words = " ".join(map(str, command))
        raise BenchmarkError(f"{words}\nended with {process.returncode}:\n{tail}")
    return Usage(cpu=cpu, wall=wall)


def _plain(environment: Mapping[str, str]) -> dict[str, str]:
    """Leave out what would have every Python compile all that it imports in each run."""
    return {name: text for name, text in environment.items() if name != "PYTHONDONTWRITEBYTECODE"}


def become_subreaper() -> None:
    """Make orphans of our children ours."""
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _orphans(before: frozenset[int]) -> float:
    """Wait for what a command left behind and return the processor seconds of it; not for who was there before."""
    cpu = 0.0
    deadline = time.monotonic() + _ORPHAN_SECONDS
    while left := _children() - before:
        if time.monotonic() >= deadline:
            raise BenchmarkError(f"processes were left running for more than {_ORPHAN_SECONDS} s")
        for child in left:
            pid, _, used = os.wait4(child, os.WNOHANG)
            if pid:
                cpu += used.ru_utime + used.ru_stime
        time.sleep(0.01)
    return cpu


def _children() -> frozenset[int]:
    """Return the processes whose parent is this one, dead ones that nobody waited for included."""
    found = set()
    for place in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            # A name may hold spaces and brackets; what follows it does not.
            if int(place.read_text(errors="replace").rpartition(")")[2].split()[1]) == os.getpid():
                found.add(int(place.parent.name))
    return frozenset(found)
