"""Control groups: limits on memory and processes of one job, where we may make them.

Version 1 needs a writable folder of the controller; version 2 needs a group whose controllers
are handed down to its children already, because a group with processes in it cannot do so.
"""

import contextlib
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

_ROOT = Path("/sys/fs/cgroup")


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What a job's groups counted."""

    peak_bytes: int = 0
    killed: bool = False


class Group:
    """The groups of one job."""

    def __init__(self, folders: dict[str, Path]) -> None:
        self._folders = folders

    def limit(self, *, memory_bytes: int, processes: int) -> None:
        """Set limits; what a kernel does not know is left out."""
        for name, value in (
            ("memory.limit_in_bytes", memory_bytes),
            ("memory.memsw.limit_in_bytes", memory_bytes),
            ("memory.max", memory_bytes),
            ("memory.swap.max", 0),
            ("pids.max", processes),
        ):
            for folder in set(self._folders.values()):
                if (folder / name).exists():
                    with contextlib.suppress(OSError):
                        (folder / name).write_text(str(value))

    def add(self, pid: int) -> None:
        """Put a process into the groups; its children follow."""
        for folder in set(self._folders.values()):
            with contextlib.suppress(OSError):
                (folder / "cgroup.procs").write_text(str(pid))

    def usage(self) -> Usage:
        """Read what was used and whether the kernel killed for memory."""
        memory = self._folders.get("memory")
        if memory is None:
            return Usage()
        peak = _number(memory / "memory.max_usage_in_bytes") or _number(memory / "memory.peak")
        events = _read(memory / "memory.events") or _read(memory / "memory.oom_control")
        counts = dict(line.split()[:2] for line in events.splitlines() if " " in line)
        return Usage(peak_bytes=peak, killed=int(counts.get("oom_kill", "0")) > 0)

    def close(self) -> None:
        """Remove the groups, which are empty by now."""
        for folder in set(self._folders.values()):
            with contextlib.suppress(OSError):
                folder.rmdir()


@dataclass(frozen=True, slots=True, kw_only=True)
class Groups:
    """Where groups can be made: a folder for each controller."""

    parents: tuple[tuple[str, Path], ...] = ()

    @classmethod
    def find(cls) -> "Groups":
        """Look for controllers that we may use, by making a group and removing it."""
        found = {}
        for controller, folder in _candidates():
            if controller not in found and _usable(folder, controller):
                found[controller] = folder
        return cls(parents=tuple(sorted(found.items())))

    @property
    def kinds(self) -> tuple[str, ...]:
        """Name the controllers that are in force."""
        return tuple(name for name, _ in self.parents)

    def new(self) -> Group:
        """Make the groups of one job."""
        name = f"wheelyard-{secrets.token_hex(8)}"
        folders = {}
        for controller, parent in self.parents:
            with contextlib.suppress(OSError):
                (parent / name).mkdir(exist_ok=True)
                folders[controller] = parent / name
        return Group(folders)


def _candidates() -> list[tuple[str, Path]]:
    candidates = []
    for line in _read(Path("/proc/self/cgroup")).splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers:
            folder = _ROOT / controllers / path.lstrip("/")
            wanted = sorted({"memory", "pids"} & set(controllers.split(",")))
            candidates += [(controller, folder) for controller in wanted]
        else:
            own = _ROOT / path.lstrip("/")
            for folder in (own, own.parent):
                handed_down = _read(folder / "cgroup.subtree_control").split()
                candidates += [(name, folder) for name in ("memory", "pids") if name in handed_down]
    return candidates


def _usable(parent: Path, controller: str) -> bool:
    trial = parent / f"wheelyard-{secrets.token_hex(8)}"
    names = {"memory": ("memory.max", "memory.limit_in_bytes"), "pids": ("pids.max",)}[controller]
    try:
        trial.mkdir()
    except OSError:
        return False
    try:
        return any(os.access(trial / name, os.W_OK) for name in names)
    finally:
        trial.rmdir()


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""


def _number(path: Path) -> int:
    text = _read(path).strip()
    return int(text) if text.isdigit() else 0
