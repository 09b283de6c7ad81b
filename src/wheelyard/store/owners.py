"""Which processes are alive: each holds a lock that the kernel drops when it ends, however it ends.

So the leases of a run that was killed are given back at once, not when they expire. A builder is
called ``HOST-RUN``; its lock is ``runs/RUN.lock``. All of them share a lock of the folder itself: whoever
has that alone knows that no run goes on, and that none begins.
"""

import fcntl
import os
import secrets
import socket
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from wheelyard.store.faults import translated


class Owner:
    """The lock of this process, held until ``close``."""

    def __init__(self, folder: Path, *, host: str = "") -> None:
        self._run = secrets.token_hex(4)
        self._path = folder / f"{self._run}.lock"
        self.name = f"{host or socket.gethostname()}-{self._run}"
        with translated(self._path):
            self._present = _open_folder(folder)
            fcntl.flock(self._present, fcntl.LOCK_SH)
            self._descriptor = self._acquire()

    def close(self) -> None:
        """Drop the lock and its file."""
        if self._descriptor >= 0:
            self._path.unlink(missing_ok=True)
            os.close(self._descriptor)
            os.close(self._present)
            self._descriptor = -1

    def _acquire(self) -> int:
        while True:
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if _same(descriptor, self._path):
                return descriptor
            # A sweep of another process took the file away before it was locked.
            os.close(descriptor)


@contextmanager
def alone(folder: Path) -> Iterator[bool]:
    """Keep runs from beginning; False where one goes on."""
    with translated(folder):
        descriptor = _open_folder(folder)
    with _locked(descriptor, fcntl.LOCK_EX) as free:
        yield free


def _open_folder(folder: Path) -> int:
    return os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)


def dead(folder: Path, builders: Iterable[str], *, host: str = "") -> frozenset[str]:
    """Return those builders whose process has ended.

    Where a lock file is missing, only a builder of this host is known to be dead: the folder of
    another host's lock may not be ours.
    """
    here = f"{host or socket.gethostname()}-"
    gone = set()
    with translated(folder):
        for builder in builders:
            path = folder / f"{builder.rpartition('-')[2]}.lock"
            free = _free(path)
            if free or (free is None and builder.startswith(here)):
                gone.add(builder)
    return frozenset(gone)


def sweep(folder: Path) -> int:
    """Remove the lock files of processes that have ended; return how many there were."""
    with translated(folder):
        return sum(_take_away(path) for path in folder.glob("*.lock"))


def _take_away(path: Path) -> bool:
    descriptor = _open_lock(path)
    if descriptor is None:
        return False
    with _locked(descriptor, fcntl.LOCK_EX) as free:
        if free:
            path.unlink(missing_ok=True)
        return free


def _free(path: Path) -> bool | None:
    """Say whether nobody holds a lock; None where there is no such file."""
    descriptor = _open_lock(path)
    if descriptor is None:
        return None
    # Shared, so that two processes that look at once do not take each other for the owner.
    with _locked(descriptor, fcntl.LOCK_SH) as free:
        return free


def _open_lock(path: Path) -> int | None:
    try:
        return os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return None


@contextmanager
def _locked(descriptor: int, how: int) -> Iterator[bool]:
    """Lock what is open for a while; False where another process has it. Closes it in either case."""
    try:
        fcntl.flock(descriptor, how | fcntl.LOCK_NB)
    except BlockingIOError:
        yield False
    else:
        yield True
    finally:
        os.close(descriptor)


def _same(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False
