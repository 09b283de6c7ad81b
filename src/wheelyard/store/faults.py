"""What goes wrong with files and with SQLite, told as the error family tells it."""

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from wheelyard.errors import OutOfSpaceError, StoreError

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_DENIED = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Turn what fails inside into a StoreError about ``path``."""
    try:
        yield
    except sqlite3.Error as error:
        raise database_fault(error, path) from error
    except OSError as error:
        raise file_fault(error, path) from error


def file_fault(error: OSError, path: Path) -> StoreError:
    """Say what an OSError means for a file or folder of the state."""
    if error.errno in _FULL:
        return OutOfSpaceError(
            f"no space is left for {str(path)!r}",
            hint="Make room on that disk, or choose another state folder with --state.",
        )
    if error.errno in _DENIED:
        return StoreError(
            f"{str(path)!r} is not writable: {error.strerror}",
            hint="Give yourself write access to it, or choose another state folder with --state.",
        )
    return StoreError(
        f"{str(path)!r} cannot be used: {error.strerror or error}",
        hint="Choose another state folder with --state.",
    )


def database_fault(error: sqlite3.Error, path: Path) -> StoreError:
    """Say what an error of SQLite means."""
    name = getattr(error, "sqlite_errorname", "") or ""
    match name.removeprefix("SQLITE_").split("_")[0]:
        case "FULL":
            return OutOfSpaceError(
                f"no space is left for the database {str(path)!r}",
                hint="Make room on that disk, or choose another state folder with --state.",
            )
        case "NOTADB" | "CORRUPT":
            return corrupt(path, str(error))
        case "BUSY" | "LOCKED":
            return StoreError(
                f"the database {str(path)!r} is locked by another process",
                hint="Look for a wheelyard that hangs, or a copy or a backup of the folder in progress.",
            )
        case "READONLY" | "CANTOPEN" | "PERM" | "AUTH":
            return StoreError(
                f"the database {str(path)!r} cannot be written: {error}",
                hint="Give yourself write access to it, or choose another state folder with --state.",
            )
        case _:
            return StoreError(
                f"the database {str(path)!r} failed: {error}",
                hint="Check the disk that it lies on, or choose another state folder with --state.",
            )


def corrupt(path: Path, why: str) -> StoreError:
    """Say that a database cannot be read, and how to go on without it."""
    return StoreError(
        f"the database {str(path)!r} is damaged: {why}",
        hint=(
            f"Restore it from a backup, or move it away together with {path.name}-wal and "
            f"{path.name}-shm: a new one is made, and what was built is built again."
        ),
    )
