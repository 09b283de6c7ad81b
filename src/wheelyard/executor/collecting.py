"""The files that a command left and that its patterns match, as an archive of the same bytes each time.

The tree was a stranger's to shape: links are followed only to files inside of it, nothing but plain files
is read, and sizes count before a byte is. Every process that could change it is gone by now.
"""

import os
import re
import shutil
import stat
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import IO

from wheelyard.executor.archive_entries import clamped_epoch, entry_path, shown
from wheelyard.executor.outcomes import MORE_ARTIFACT, Stopped, written_size
from wheelyard.model.job import Outcome

_ENTRIES = 1_000_000
_CHUNK = 1 << 20
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundFile:
    """A file for the archive: its name in that, where its bytes lie, and whether it can be run."""

    name: str
    place: str
    size: int
    executable: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Collection:
    """What was found, by name, and what a person should know of what was not."""

    files: tuple[FoundFile, ...]
    remarks: tuple[str, ...] = ()


def collect(root: Path, patterns: Sequence[str], *, most_bytes: int) -> Collection:
    """Find the files below ``root`` that patterns match; a folder that matches brings all in it.

    Raises Stopped where there are none, where one is no plain file or leads out of the tree, and where
    they hold more than ``most_bytes``.
    """
    found = _Finder(root, patterns)
    files = tuple(sorted(found.files(), key=lambda file: file.name))
    if not files:
        raise Stopped(
            Outcome.FAILED,
            f"no file matches {', '.join(map(repr, patterns))}",
            hint="The command ended well, but left nothing there: look at its log.",
        )
    total = sum(file.size for file in files)
    if total > most_bytes:
        size, most = written_size(total), written_size(most_bytes)
        reason = f"its artifacts have {size}, more than {most}"
        raise Stopped(Outcome.OVER_LIMIT, reason, hint=MORE_ARTIFACT)
    unmatched = [pattern for pattern in patterns if pattern not in found.matched]
    remarks = (*found.remarks, *(f"nothing matches {pattern!r}" for pattern in unmatched))
    return Collection(files=files, remarks=remarks)


def matches(name: str, patterns: Sequence[str]) -> bool:
    """Whether a path is one that patterns mean, or lies below one."""
    return any(_compiled(pattern).fullmatch(name) for pattern in patterns)


class _Finder:
    """A walk over a tree, without following links."""

    def __init__(self, root: Path, patterns: Sequence[str]) -> None:
        self.matched: set[str] = set()
        self.remarks: list[str] = []
        self._root = os.path.realpath(root)
        self._patterns = {pattern: _compiled(pattern) for pattern in patterns}
        self._entries = 0

    def files(self) -> Iterator[FoundFile]:
        """Yield what matches. Raises Stopped."""
        folders = [self._root]
        while folders:
            for entry in self._entries_of(folders.pop()):
                name = os.path.relpath(entry.path, self._root)
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.path)
                elif self._wants(name):
                    file = self._link(entry, name) if entry.is_symlink() else _file(entry, name)
                    if file is not None:
                        yield file

    def _entries_of(self, folder: str) -> list[os.DirEntry[str]]:
        try:
            with os.scandir(folder) as entries:
                found = list(entries)
        except PermissionError:
            name = os.path.relpath(folder, self._root)
            raise Stopped(
                Outcome.FAILED, f"{shown(name)} is a folder that cannot be read"
            ) from None
        self._entries += len(found)
        if self._entries > _ENTRIES:
            raise Stopped(Outcome.OVER_LIMIT, f"left more than {_ENTRIES} files and folders")
        return found

    def _wants(self, name: str) -> bool:
        matching = [pattern for pattern, form in self._patterns.items() if form.fullmatch(name)]
        self.matched.update(matching)
        return bool(matching)

    def _link(self, entry: os.DirEntry[str], name: str) -> FoundFile | None:
        """Take the file that a link leads to; a folder would bring in what has a place of its own."""
        place = os.path.realpath(entry.path)
        inside = f"{place}{os.sep}".startswith(self._root + os.sep)
        if inside and os.path.isdir(place):  # noqa: PTH112 - strings, for a tree of many files
            self.remarks.append(f"{shown(name)} is a link to a folder, and was left out")
            return None
        if not inside or not os.path.exists(place):  # noqa: PTH110
            raise Stopped(
                Outcome.FAILED,
                f"{shown(name)} is a link that leads out of the tree, or nowhere",
                hint="Let the command copy what it means, or narrow the patterns.",
            )
        return _plain(name, place, os.lstat(place))


def _file(entry: os.DirEntry[str], name: str) -> FoundFile:
    return _plain(name, entry.path, entry.stat(follow_symlinks=False))


def _plain(name: str, place: str, facts: os.stat_result) -> FoundFile:
    if not stat.S_ISREG(facts.st_mode):
        raise Stopped(Outcome.FAILED, f"{shown(name)} is a device, a pipe or a socket, and no file")
    _check_name(name)
    return FoundFile(
        name=name, place=place, size=facts.st_size, executable=bool(facts.st_mode & 0o111)
    )


def _check_name(name: str) -> None:
    try:
        name.encode()
    except UnicodeEncodeError:
        fault = f"{shown(name)} is a file whose name is no Unicode"
        raise Stopped(Outcome.FAILED, fault) from None
    entry_path("the archive", name, foreign=True)


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> re.Pattern[str]:
    """Return a form that paths have which match, or which lie below a folder that does."""
    return re.compile(_segments(pattern.split("/")) + r"(?:/.*)?", re.DOTALL)


def _segments(parts: Sequence[str]) -> str:
    form = ""
    for place, part in enumerate(parts):
        last = place == len(parts) - 1
        if part == "**":
            form += ".*" if last else "(?:[^/]*/)*"
        else:
            form += _segment(part) + ("" if last else "/")
    return form


def _segment(part: str) -> str:
    """Translate one part of a pattern: ``*``, ``?`` and ``[…]`` as in a shell."""
    form, rest = "", part
    while rest:
        letter, rest = rest[0], rest[1:]
        if letter == "*":
            form += "[^/]*"
        elif letter == "?":
            form += "[^/]"
        elif letter == "[" and "]" in rest[1:]:
            end = rest.index("]", 1)
            form += _class(rest[:end])
            rest = rest[end + 1 :]
        else:
            form += re.escape(letter)
    return form


def _class(letters: str) -> str:
    negated = letters[0] in "!^"
    inner = letters[1:] if negated else letters
    escaped = re.sub(r"([\\\[\]^&~|])", r"\\\1", inner)
    return f"(?!/)[{'^' if negated else ''}{escaped}]"


def write_archive(files: Sequence[FoundFile], into: Path, *, epoch: int) -> None:
    """Write a zip whose bytes depend on names, bytes and executable bits alone. Raises Stopped."""
    moment = datetime.fromtimestamp(clamped_epoch(epoch), UTC)
    with zipfile.ZipFile(into, "x") as archive:
        for file in files:
            entry = zipfile.ZipInfo(file.name, moment.timetuple()[:6])
            entry.create_system = 3  # Unix: whose modes these are
            entry.external_attr = (stat.S_IFREG | (0o755 if file.executable else 0o644)) << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.file_size = file.size
            with _opened(file) as source, archive.open(entry, "w") as sink:
                shutil.copyfileobj(source, sink, _CHUNK)


def _opened(file: FoundFile) -> IO[bytes]:
    try:
        return os.fdopen(os.open(file.place, _READ), "rb")
    except PermissionError:
        fault = f"{shown(file.name)} is a file that cannot be read"
        raise Stopped(Outcome.FAILED, fault) from None
