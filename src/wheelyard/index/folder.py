"""A folder that others read while it is written.

Whatever a reader finds is whole: bytes are written under ``.wheelyard/`` and renamed into place.
What stands in the folder and was not put there by wheelyard is never replaced.
"""

import errno
import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import NoReturn

from wheelyard.errors import OutOfSpaceError, StoreError

PRIVATE = ".wheelyard"
_UNWRITTEN = PurePosixPath(PRIVATE, "unwritten")
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
# A link to a file that others cannot read is no use to a web server with a user of its own; a copy
# is as readable as the umask lets the pages be.
_READABLE = 0o444
_BLOCK = 1 << 20


class ExportFolder:
    """The folder and the number of files that were put there."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.written = 0

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Create the folder and keep other exports out of it, also those of other processes."""
        with self._translated():
            (self.root / _UNWRITTEN).mkdir(parents=True, exist_ok=True)
            lock = (self.root / PRIVATE / "lock").open("wb")
        with lock:
            with self._translated():
                fcntl.flock(lock, fcntl.LOCK_EX)
                self._sweep()
            yield

    def read(self, path: PurePosixPath) -> bytes | None:
        """Return the bytes of a file, or None where there is none."""
        with self._translated():
            try:
                return (self.root / path).read_bytes()
            except FileNotFoundError:
                return None

    def write(self, path: PurePosixPath, content: bytes) -> bool:
        """Put a page in its place; False where just this page stood there already."""
        if self.read(path) == content:
            return False
        with self._translated():
            unwritten = self._unwritten()
            with unwritten.open("xb") as file:
                file.write(content)
            self._move(unwritten, path)
        return True

    def place(self, path: PurePosixPath, blob: Path, digest: str) -> None:
        """Put a stored file in its place, as a hard link where that is possible.

        Raises StoreError when the bytes are not those of the digest; a link is not read for that.
        """
        with self._translated():
            expected = blob.stat()
            if self._stands(path, expected.st_size):
                return
            unwritten = self._unwritten()
            if not _link(blob, unwritten, expected):
                _copy(blob, unwritten, digest)
            self._move(unwritten, path)

    def _stands(self, path: PurePosixPath, size: int) -> bool:
        with suppress(FileNotFoundError):
            return (self.root / path).stat().st_size == size
        return False

    def _unwritten(self) -> Path:
        # One export at a time holds the lock, so a number is name enough.
        return self.root / _UNWRITTEN / str(self.written)

    def _move(self, unwritten: Path, path: PurePosixPath) -> None:
        place = self.root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        unwritten.rename(place)
        # Where both are links to one file a rename does nothing, and says nothing.
        unwritten.unlink(missing_ok=True)
        self.written += 1

    def _sweep(self) -> None:
        """Remove what a killed export left behind."""
        for path in (self.root / _UNWRITTEN).iterdir():
            path.unlink()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            self._raise(error)

    def _raise(self, error: OSError) -> NoReturn:
        if error.errno in _FULL:
            raise OutOfSpaceError(
                f"There is no space left for the index in '{self.root}'",
                hint="Make room, then export again: what was written is complete and is kept.",
            ) from error
        if isinstance(error, (FileExistsError, NotADirectoryError, IsADirectoryError)):
            raise StoreError(
                f"The index cannot be written to '{self.root}': {_said(error)}",
                hint="Choose a folder, or a name where nothing lies yet.",
            ) from error
        raise StoreError(
            f"The index cannot be written to '{self.root}': {_said(error)}",
            hint="Choose a folder that you may write to.",
        ) from error


def _said(error: OSError) -> str:
    words = (error.strerror or str(error)).lower()
    return f"{words} ('{error.filename}')" if error.filename else words


def _link(blob: Path, place: Path, status: os.stat_result) -> bool:
    if status.st_mode & _READABLE != _READABLE:
        return False
    try:
        os.link(blob, place)
    except OSError as error:
        # Another device, too many links, or a file system that has none: a copy does as well.
        if error.errno in _FULL:
            raise
        return False
    return True


def _copy(blob: Path, place: Path, digest: str) -> None:
    found = hashlib.sha256()
    with blob.open("rb") as source, place.open("xb") as target:
        while block := source.read(_BLOCK):
            found.update(block)
            target.write(block)
    if f"sha256:{found.hexdigest()}" != digest:
        place.unlink()
        raise StoreError(
            f"The stored bytes of {digest} are damaged",
            hint="Build the release again; the damaged file was not exported.",
        )
