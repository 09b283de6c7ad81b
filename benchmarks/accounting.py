"""Processor seconds of everything that a command started, however it ended.

A control group counts them all. ``wait4`` alone does not: when the first process of a process
namespace dies, the kernel reaps what is left in it without adding its time to anybody's, and a
sandbox ends just so. Without a control group of our own, ``wait4`` has to do, and the report says it.
"""

import contextlib
import os
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_ROOT = Path("/sys/fs/cgroup")
_ORPHAN_SECONDS = 10


@dataclass(frozen=True, slots=True)
class Account:
    """A control group for one command; ``run`` is where its processes are put."""

    top: Path
    run: Path
    counter: Path

    def seconds(self) -> float:
        """Return what was used so far."""
        text = self.counter.read_text()
        if self.counter.name == "cpuacct.usage":
            return int(text) / 1e9
        fields = dict(line.split() for line in text.splitlines())
        return int(fields["usage_usec"]) / 1e6

    def wait_until_empty(self) -> None:
        """Wait for orphans; those that stay longer go on uncounted."""
        deadline = time.monotonic() + _ORPHAN_SECONDS
        while (self.run / "cgroup.procs").read_text() and time.monotonic() < deadline:
            time.sleep(0.01)


@contextlib.contextmanager
def account() -> Iterator[Account | None]:
    """Make a group, and remove it afterwards; None where we may not."""
    made = _make()
    try:
        yield made
    finally:
        if made is not None:
            for folder in {made.run: None, made.top: None}:
                with contextlib.suppress(OSError):
                    folder.rmdir()


def kind() -> str:
    """Name what counts on this machine."""
    with account() as made:
        return "wait4" if made is None else made.counter.name


def _make() -> Account | None:
    for controllers, path in _own_groups():
        name = f"benchmark-{secrets.token_hex(6)}"
        try:
            if "cpuacct" in controllers.split(","):
                top = _ROOT / controllers / path.lstrip("/") / name
                top.mkdir()
                return Account(top, top, top / "cpuacct.usage")
            if not controllers and (_ROOT / "cgroup.controllers").is_file():
                top = _ROOT / path.lstrip("/") / name
                (top / "run").mkdir(parents=True)
                # What is measured may make groups for its jobs beside its own: inside of ours then.
                with contextlib.suppress(OSError):
                    (top / "cgroup.subtree_control").write_text("+memory +pids")
                return Account(top, top / "run", top / "cpu.stat")
        except OSError:
            continue
    return None


def _own_groups() -> list[tuple[str, str]]:
    try:
        lines = Path("/proc/self/cgroup").read_text().splitlines()
    except OSError:
        return []
    return [(line.split(":", 2)[1], line.split(":", 2)[2]) for line in lines]


def entering(made: Account | None, command: list[str | Path]) -> list[str | Path]:
    """Return a command that joins the group before it becomes the given one."""
    if made is None:
        return command
    script = 'echo $$ > "$0" && exec "$@"'
    return ["sh", "-c", script, os.fspath(made.run / "cgroup.procs"), *command]
