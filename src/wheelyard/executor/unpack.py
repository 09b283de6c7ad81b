"""Unpack a source archive into a folder that nothing can leave.

Every name is checked before it is created, nothing is ever written through a link, and links are
made last and looked at again when all of them are there: only then is it known where a chain of
them ends. Modes keep no more than the executable bit.
"""

# Files are made through descriptors and strings: a Path for each would cost more than the file.
# ruff: noqa: PTH101, PTH102, PTH116, PTH118, PTH123, PTH211

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from wheelyard.errors import InvalidArchiveError, OutOfSpaceError, StoreError
from wheelyard.executor.archive_entries import (
    Budget,
    UnpackLimits,
    clamped_epoch,
    entry_path,
    shown,
)
from wheelyard.executor.archive_reading import Readable, SourceEntry, read_entries, refusing

__all__ = ["UnpackLimits", "unpack_source"]

_CHUNK = 256 << 10
_FOLDER_MODE = 0o755
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
_FULL = {errno.ENOSPC, errno.EDQUOT}
_MARKS = ("pyproject.toml", "setup.py", "PKG-INFO")


def unpack_source(
    archive: Path, into: Path, *, limits: UnpackLimits | None = None, name: str = ""
) -> Path:
    """Unpack a tar or zip archive into an empty folder and return the project's folder in it.

    The format is told by its bytes, since a blob has no suffix; ``name`` is what people know it by.
    Raises InvalidArchiveError with the entry's name, and OutOfSpaceError.
    """
    name = name or archive.name
    into.mkdir(parents=True, exist_ok=True)
    budget = Budget(name, archive.stat().st_size, limits or UnpackLimits())
    tree = _Tree(name, into, budget)
    with _translated(name), refusing(name):
        for entry in read_entries(archive, budget):
            tree.add(entry)
        tree.link()
    return _project_folder(name, into)


@contextmanager
def _translated(archive: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise OutOfSpaceError(
                f"no space left while unpacking {archive}", hint="Free some space and try again."
            ) from error
        raise StoreError(
            f"cannot unpack {archive}: {error}", hint="Look at the folder that it goes to."
        ) from error


class _Tree:
    """The folder that an archive is unpacked into."""

    def __init__(self, archive: str, root: Path, budget: Budget) -> None:
        self._archive = archive
        self._root = os.path.realpath(root)
        self._budget = budget
        self._folders: set[tuple[str, ...]] = {()}
        self._files: set[tuple[str, ...]] = set()
        self._links: dict[tuple[str, ...], str] = {}

    def add(self, entry: SourceEntry) -> None:
        """Write one entry; links wait until ``link``."""
        self._budget.take_entry()
        parts = entry_path(self._archive, entry.name, foreign=entry.foreign)
        if entry.kind == "folder":
            self._make_folders(parts, entry.name)
        elif not parts:
            self._refuse(entry.name, "is the root, but no folder")
        elif entry.kind == "link":
            self._remember_link(parts, entry)
        elif entry.kind == "hardlink":
            self._copy(parts, entry)
        else:
            self._write(parts, entry, entry.open())

    def _make_folders(self, parts: tuple[str, ...], name: str) -> None:
        if parts in self._folders:
            return
        if parts in self._files or parts in self._links:
            self._refuse(name, "is a folder and a file or link at once")
        self._make_folders(parts[:-1], name)
        path = self._path(parts)
        os.mkdir(path)
        os.chmod(path, _FOLDER_MODE)
        self._folders.add(parts)

    def _write(self, parts: tuple[str, ...], entry: SourceEntry, stream: Readable) -> None:
        if parts in self._files:
            self._compare(parts, entry, stream)
            return
        self._claim(parts, entry.name)
        mode = 0o755 if entry.executable else 0o644
        descriptor = os.open(self._path(parts), _NEW_FILE, mode)
        try:
            for chunk in self._chunks(entry, stream):
                _write_all(descriptor, chunk)
            os.fchmod(descriptor, mode)
            when = clamped_epoch(entry.modified)
            os.utime(descriptor, (when, when))
        finally:
            os.close(descriptor)

    def _chunks(self, entry: SourceEntry, stream: Readable) -> Iterator[bytes]:
        left = entry.size
        while left:
            chunk = stream.read(min(left, _CHUNK))
            if not chunk:
                self._refuse(entry.name, f"is cut short by {left} bytes")
            left -= len(chunk)
            yield chunk

    def _compare(self, parts: tuple[str, ...], entry: SourceEntry, stream: Readable) -> None:
        # Old back ends wrote a file twice; that is harmless only while both are the same.
        with open(self._path(parts), "rb") as earlier:
            same = os.fstat(earlier.fileno()).st_size == entry.size
            for chunk in self._chunks(entry, stream):
                same = same and earlier.read(len(chunk)) == chunk
        if not same:
            self._refuse(entry.name, "is there twice, with different bytes")

    def _copy(self, parts: tuple[str, ...], entry: SourceEntry) -> None:
        target = entry_path(self._archive, entry.target, foreign=entry.foreign)
        if target not in self._files:
            self._refuse(entry.name, f"is a hard link to {shown(entry.target)}, which is no file")
        if target == parts:
            return
        source = self._path(target)
        status = os.stat(source, follow_symlinks=False)
        self._budget.take_bytes(status.st_size, entry.name)
        with open(source, "rb") as stream:
            self._write(parts, entry.resized(status.st_size, status.st_mode), stream)

    def _claim(self, parts: tuple[str, ...], name: str) -> None:
        if parts in self._folders or parts in self._links:
            self._refuse(name, "is there twice, as different kinds")
        self._make_folders(parts[:-1], name)
        self._files.add(parts)

    def _remember_link(self, parts: tuple[str, ...], entry: SourceEntry) -> None:
        if self._links.get(parts) == entry.target:
            return
        if not entry.target or entry.target.startswith("/") or "\0" in entry.target:
            self._refuse(entry.name, f"is a link to {shown(entry.target)}, which leaves its place")
        if parts in self._files or parts in self._folders or parts in self._links:
            self._refuse(entry.name, "is there twice, as different kinds")
        self._make_folders(parts[:-1], entry.name)
        self._links[parts] = entry.target

    def link(self) -> None:
        """Make the links and refuse those whose end lies outside of the top folder."""
        for parts, target in self._links.items():
            os.symlink(target, self._path(parts))
        for parts, target in self._links.items():
            place = os.path.realpath(self._path(parts))
            top = self._path(parts[:1]) if len(parts) > 1 else self._root
            if place != top and not place.startswith(top + os.sep):
                self._refuse(
                    "/".join(parts), f"is a link to {shown(target)}, which leaves its place"
                )

    def _path(self, parts: tuple[str, ...]) -> str:
        return os.path.join(self._root, *parts)

    def _refuse(self, name: str, fault: str) -> None:
        raise InvalidArchiveError(
            f"{self._archive}: entry {shown(name)} {fault}",
            hint="The archive is corrupt or hostile; it was not used.",
        )


def _write_all(descriptor: int, content: bytes) -> None:
    written = os.write(descriptor, content)
    while written < len(content):
        written += os.write(descriptor, content[written:])


def _project_folder(archive: str, into: Path) -> Path:
    """Find the project: the single top folder, or the one place that looks like a project."""
    tops = sorted(into.iterdir())
    folders = [top for top in tops if top.is_dir() and not top.is_symlink()]
    if len(tops) == 1 and folders:
        return folders[0]
    marked = [place for place in (into, *folders) if _is_marked(place)]
    if marked and (marked[0] == into or len(marked) == 1):
        return marked[0]
    found = ", ".join(shown(top.name) for top in tops[:5]) or "nothing"
    raise InvalidArchiveError(
        f"{archive} does not hold one project folder, but {found}",
        hint="A source archive has one top folder, named after the release.",
    )


def _is_marked(place: Path) -> bool:
    return any((place / mark).is_file() for mark in _MARKS)
