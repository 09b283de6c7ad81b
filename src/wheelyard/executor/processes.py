"""A process and its descendants, as /proc tells."""

import os
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_PAGE = os.sysconf("SC_PAGE_SIZE")
_PARENT, _RESIDENT = 1, 21
_HAS_CHILDREN_FILES = Path("/proc/self/task", str(os.getpid()), "children").exists()


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """Which processes there are and how much memory they hold (shared pages count for each)."""

    pids: tuple[int, ...]
    resident_bytes: int


def tree_of(root: int) -> Tree:
    """Look at every process there is for a process and all that descends from it."""
    children: dict[int, list[int]] = defaultdict(list)
    resident: dict[int, int] = {}
    for name in os.listdir("/proc"):  # noqa: PTH208 - hundreds of names
        if name.isdigit():
            fields = _fields(int(name))
            if fields:
                children[int(fields[_PARENT])].append(int(name))
                resident[int(name)] = _resident(fields)
    found = {pid: resident[pid] for pid in _walk(root, children) if pid in resident}
    return Tree(pids=tuple(found), resident_bytes=sum(found.values()))


def tree_at_a_glance(root: int) -> Tree:
    """Look at the descendants only: cheap, but one whose sibling ends meanwhile may be passed over.

    Good for what is looked at again and again (proc(5), children).
    """
    if not _HAS_CHILDREN_FILES:
        return tree_of(root)
    found: dict[int, int] = {}
    queue = [root]
    while queue:
        pid = queue.pop()
        fields = _fields(pid)
        if fields and pid not in found:
            found[pid] = _resident(fields)
            queue += _children(pid)
    return Tree(pids=tuple(found), resident_bytes=sum(found.values()))


def _walk(root: int, children: Mapping[int, Sequence[int]]) -> Iterator[int]:
    queue = [root]
    while queue:
        pid = queue.pop()
        yield pid
        queue.extend(children.get(pid, ()))


def _children(pid: int) -> Iterator[int]:
    """Yield the children of each thread of a process."""
    try:
        for thread in os.listdir(f"/proc/{pid}/task"):  # noqa: PTH208 - as above
            text = Path("/proc", str(pid), "task", thread, "children").read_bytes()
            yield from map(int, text.split())
    except OSError:
        return


def _resident(fields: Sequence[bytes]) -> int:
    return int(fields[_RESIDENT]) * _PAGE


def _fields(pid: int) -> list[bytes]:
    """Return a process's stat from its state on; the name before it may hold anything."""
    try:
        return Path("/proc", str(pid), "stat").read_bytes().rpartition(b")")[2].split()
    except OSError:
        return []
