"""A process and its descendants, as /proc tells."""

import os
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

_PAGE = os.sysconf("SC_PAGE_SIZE")
_PARENT, _RESIDENT = 1, 21


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """Which processes there are and how much memory they hold (shared pages count for each)."""

    pids: tuple[int, ...]
    resident_bytes: int


def tree_of(root: int) -> Tree:
    """Look at a process and all that descends from it."""
    children: dict[int, list[int]] = defaultdict(list)
    resident: dict[int, int] = {}
    for name in os.listdir("/proc"):  # noqa: PTH208 - hundreds of names, looked at often
        if name.isdigit():
            fields = _fields(name)
            if fields:
                children[int(fields[_PARENT])].append(int(name))
                resident[int(name)] = int(fields[_RESIDENT]) * _PAGE
    found: list[int] = []
    queue = [root]
    total = 0
    while queue:
        pid = queue.pop()
        if pid in resident:
            found.append(pid)
            total += resident[pid]
        queue.extend(children.get(pid, ()))
    return Tree(pids=tuple(found), resident_bytes=total)


def _fields(name: str) -> list[bytes]:
    """Return a process's stat from its state on; the name before it may hold anything."""
    try:
        return (Path("/proc") / name / "stat").read_bytes().rpartition(b")")[2].split()
    except OSError:
        return []
