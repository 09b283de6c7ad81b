"""The locks of environments: shared by whoever uses one, exclusive for whoever removes it.

The kernel drops a lock when its process ends, however it ends. A lock's file goes with its environment.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def lock_of(environment: Path) -> Path:
    """Return the lock file of an environment."""
    return environment.with_name(f"{environment.name}.lock")


def hold(lock: Path) -> int:
    """Say that an environment is used until the descriptor that is returned is closed."""
    while True:
        descriptor = os.open(lock, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o644)
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        if _names(lock, descriptor):
            return descriptor
        # Whoever removed the environment took its lock along while we waited.
        os.close(descriptor)


@contextmanager
def unused(lock: Path) -> Iterator[bool]:
    """Keep everybody away from an environment; False where somebody uses it."""
    descriptor = os.open(lock, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        yield False
    else:
        yield _names(lock, descriptor)
    finally:
        os.close(descriptor)


def _names(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False
