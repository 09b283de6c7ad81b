"""What this machine has and how it fares at a moment: memory, disk, processors, load.

Read from ``/proc`` and ``os`` alone, so that it works wherever Python does. What a system does not tell
is zero, and nothing is decided by it.
"""

import contextlib
import os
import platform
import shutil
import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

_TICKS = os.sysconf("SC_CLK_TCK")
_PARENT, _TIMES = 1, slice(11, 15)
# user nice system idle iowait irq softirq steal; what other guests of a host stole is not our load.
_BUSY = (0, 1, 2, 5, 6)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A look at the machine. ``at`` goes forward only.

    ``load`` is the load average of a minute. ``busy_seconds`` is the processor time that all processes
    together used since the start, ``own_seconds`` that of this process and its descendants; 0 both
    where the system does not tell.
    """

    at: float = 0.0
    load: float = 0.0
    free_memory_bytes: int = 0
    free_disk_bytes: int = 0
    busy_seconds: float = 0.0
    own_seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Equipment:
    """What a machine has, whatever runs on it. ``libc_version`` is empty where it cannot be known."""

    system: str
    cores: int
    memory_bytes: int
    disk_bytes: int
    libc_version: str = ""


class Machine(Protocol):
    """A machine that can be looked at; each look may take a moment."""

    def look(self) -> Reading:
        """Look at it now."""
        ...


class LocalMachine:
    """This machine; the disk is the one that ``folder`` lies on."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def look(self) -> Reading:
        """Look at it now."""
        return Reading(
            at=time.monotonic(),
            load=_load(),
            free_memory_bytes=_memory("MemAvailable") or _pages("SC_AVPHYS_PAGES"),
            free_disk_bytes=_disk(self._folder).free,
            busy_seconds=_busy_seconds(),
            own_seconds=_seconds_of_tree(os.getpid()),
        )

    def equipment(self) -> Equipment:
        """Say what it has, as far as this process may use it."""
        return Equipment(
            system=platform.system().lower(),
            cores=_cores(),
            memory_bytes=_usable_memory(),
            disk_bytes=_disk(self._folder).total,
            libc_version=platform.libc_ver()[1],
        )


def _load() -> float:
    try:
        return os.getloadavg()[0]
    except OSError:
        return 0.0


def _cores() -> int:
    """Return how many processors this process may use, as far as affinity and control groups say."""
    try:
        cores = len(os.sched_getaffinity(0))
    except (AttributeError, OSError):
        cores = os.cpu_count() or 1
    words = _read(Path("/sys/fs/cgroup/cpu.max")).split()
    if words and words[0].isdecimal():
        cores = min(cores, max(1, int(words[0]) // int(words[1])))
    return cores


def _usable_memory() -> int:
    """Return the memory of the machine, or of the control group where that is less (containers)."""
    total = _memory("MemTotal") or _pages("SC_PHYS_PAGES")
    for path in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        text = _read(Path(path)).strip()
        if text.isdecimal():
            total = min(total, int(text)) if total else int(text)
    return total


def _memory(name: str) -> int:
    for line in _read(Path("/proc/meminfo")).splitlines():
        words = line.split()
        if words[0] == f"{name}:":
            return int(words[1]) * 1024
    return 0


def _pages(name: str) -> int:
    try:
        return os.sysconf(name) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError):
        return 0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Disk:
    total: int = 0
    free: int = 0


def _disk(folder: Path) -> _Disk:
    with contextlib.suppress(OSError):
        usage = shutil.disk_usage(folder)
        return _Disk(total=usage.total, free=usage.free)
    return _Disk()


def _busy_seconds() -> float:
    words = _read(Path("/proc/stat")).partition("\n")[0].split()[1:]
    return sum(int(words[place]) for place in _BUSY) / _TICKS if len(words) > max(_BUSY) else 0.0


def _seconds_of_tree(root: int) -> float:
    """Add up the time of a process, of all that descend from it, and of those that have ended."""
    children: dict[int, list[int]] = defaultdict(list)
    ticks: dict[int, int] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        fields = _read(path).rpartition(")")[2].split()
        if fields:
            pid = int(path.parent.name)
            children[int(fields[_PARENT])].append(pid)
            ticks[pid] = sum(map(int, fields[_TIMES]))
    total, queue = 0, [root]
    while queue:
        pid = queue.pop()
        total += ticks.get(pid, 0)
        queue.extend(children.get(pid, ()))
    return total / _TICKS


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
