"""Unpacking sources that may be corrupt or hostile.

Nothing is written outside the folder, no link leads out of it, and no archive may grow beyond its
limits: members are checked one by one while they are read.
"""

import os
import posixpath
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from lzma import LZMAError
from pathlib import Path
from typing import IO

from wheelyard.errors import InvalidArchiveError, OutOfSpaceError

_CHUNK = 1 << 20
_LONGEST_NAME = 255
_LONGEST_PATH = 1000
_EARLIEST = 315532800
"""1980-01-01 in seconds: what a zip archive can hold at the earliest, so wheels can be made of it."""
_FULL = {28, 122}
"""ENOSPC and EDQUOT."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnpackLimits:
    """Bytes that come out, members, and how much larger than the archive they may be together.

    A small archive may exceed ``ratio``: what matters begins at ``ratio_from`` bytes.
    """

    total_bytes: int = 20 << 30
    members: int = 500_000
    ratio: int = 300
    ratio_from: int = 256 << 20


def unpack_source(archive: Path, into: Path, *, limits: UnpackLimits | None = None) -> Path:
    """Unpack a tar or zip archive and return the folder of the project in it.

    Raises InvalidArchiveError, which names the member, and OutOfSpaceError.
    """
    budget = _Budget(limits or UnpackLimits(), archive)
    into.mkdir(parents=True, exist_ok=True)
    with _refusing():
        if zipfile.is_zipfile(archive):
            _unpack_zip(archive, into, budget)
        else:
            _unpack_tar(archive, into, budget)
    return _project_folder(into)


def _project_folder(into: Path) -> Path:
    entries = sorted(entry for entry in into.iterdir() if entry.name != "pax_global_header")
    if len(entries) == 1 and entries[0].is_dir():
        return entries[0]
    if any((into / name).is_file() for name in ("pyproject.toml", "setup.py")):
        return into
    raise _refusal("", "it does not hold one project folder")


class _Budget:
    """Counts what comes out of an archive."""

    def __init__(self, limits: UnpackLimits, archive: Path) -> None:
        self._limits = limits
        self._ratio_bytes = max(limits.ratio_from, limits.ratio * archive.stat().st_size)
        self._bytes = 0
        self._members = 0

    def count_member(self, name: str) -> None:
        """Note a member. Raises InvalidArchiveError where there are too many."""
        self._members += 1
        if self._members > self._limits.members:
            raise _refusal(name, f"it has more than {self._limits.members} members")

    def count_bytes(self, size: int, name: str) -> None:
        """Note bytes. Raises InvalidArchiveError where there are too many."""
        self._bytes += size
        if self._bytes > min(self._limits.total_bytes, self._ratio_bytes):
            raise _refusal(name, f"it unpacks to {self._bytes} bytes and more")


def _unpack_tar(archive: Path, into: Path, budget: _Budget) -> None:
    folders: set[Path] = set()
    links: list[tuple[Path, tarfile.TarInfo]] = []
    with tarfile.open(archive, mode="r:*", errorlevel=2) as tar:
        for member in tar:
            budget.count_member(member.name)
            place = _place(into, member.name)
            if place is None:
                continue
            if member.isdir():
                _make_folder(place, folders)
            elif member.isfile():
                _make_folder(place.parent, folders)
                source = tar.extractfile(member)
                if source is None:
                    raise _refusal(member.name, "its content cannot be read")
                _write(source, place, budget, member.name)
                _set_mode(place, mode=member.mode, seconds=member.mtime)
            elif member.issym() or member.islnk():
                links.append((place, member))
            else:
                raise _refusal(member.name, "it is a device or a pipe")
    # Links come last, so that nothing is ever written through one.
    for place, member in links:
        _link(into, place, member, budget, folders)


def _link(
    into: Path,
    place: Path,
    member: tarfile.TarInfo,
    budget: _Budget,
    folders: set[Path],
) -> None:
    if member.issym():
        base = posixpath.dirname(member.name)
        wanted = posixpath.normpath(posixpath.join(base, member.linkname))
        if posixpath.isabs(member.linkname) or wanted.startswith(".."):
            raise _refusal(member.name, f"it is a link to {member.linkname!r}, outside")
    else:
        wanted = member.linkname
    target = _place(into, wanted)
    _make_folder(place.parent, folders)
    if place.exists() or place.is_symlink():
        raise _refusal(member.name, "it is there twice")
    if member.issym():
        place.symlink_to(member.linkname)
        if not place.resolve().is_relative_to(into.resolve()):
            place.unlink()
            raise _refusal(member.name, f"it leads out, to {member.linkname!r}")
    elif target is not None and target.is_file() and not target.is_symlink():
        with target.open("rb") as source:
            _write(source, place, budget, member.name)
    else:
        raise _refusal(member.name, f"it is a link to {member.linkname!r}, not there")


def _unpack_zip(archive: Path, into: Path, budget: _Budget) -> None:
    folders: set[Path] = set()
    with zipfile.ZipFile(archive) as opened:
        for info in opened.infolist():
            budget.count_member(info.filename)
            place = _place(into, info.filename)
            if place is None:
                continue
            if info.is_dir():
                _make_folder(place, folders)
                continue
            mode = info.external_attr >> 16
            if stat.S_ISLNK(mode):
                raise _refusal(info.filename, "it is a link in a zip archive")
            _make_folder(place.parent, folders)
            with opened.open(info) as source:
                _write(source, place, budget, info.filename)
            _set_mode(place, mode=mode or 0o644, seconds=0)


def _place(into: Path, name: str) -> Path | None:
    """Return where a member goes; None for the top itself and for what is no file of the source."""
    if "\0" in name or "\\" in name or posixpath.isabs(name):
        raise _refusal(name, "its path is absolute or no path")
    parts = [part for part in name.split("/") if part not in {"", "."}]
    if not parts or name == "pax_global_header":
        return None
    if ".." in parts:
        raise _refusal(name, "its path leads out of the archive")
    if len(name) > _LONGEST_PATH or max(len(part.encode()) for part in parts) > _LONGEST_NAME:
        raise _refusal(name[:80] + "…", "its name is too long")
    return into.joinpath(*parts)


def _make_folder(place: Path, folders: set[Path]) -> None:
    if place not in folders:
        place.mkdir(parents=True, exist_ok=True)
        folders.add(place)


def _write(source: IO[bytes], place: Path, budget: _Budget, name: str) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    try:
        descriptor = os.open(place, flags, 0o644)
    except FileExistsError:
        raise InvalidArchiveError(
            f"the archive has {name!r} twice", hint="It is not a valid source; tell its authors."
        ) from None
    with os.fdopen(descriptor, "wb") as target:
        while chunk := source.read(_CHUNK):
            budget.count_bytes(len(chunk), name)
            target.write(chunk)


def _set_mode(place: Path, *, mode: int, seconds: float) -> None:
    """Keep what matters of a mode: whether its owner may run it. No setuid, nothing for others to write."""
    place.chmod(0o755 if mode & stat.S_IXUSR else 0o644)
    moment = max(float(seconds), _EARLIEST)
    os.utime(place, (moment, moment))


@contextmanager
def _refusing() -> Iterator[None]:
    """Translate what readers of archives raise."""
    try:
        yield
    except (tarfile.TarError, zipfile.BadZipFile, zlib.error, LZMAError, EOFError) as error:
        raise _refusal("", f"it is damaged: {error}") from error
    except (NotImplementedError, RuntimeError, UnicodeError, ValueError) as error:
        raise _refusal("", f"it cannot be read: {error}") from error
    except OSError as error:
        if error.errno in _FULL:
            raise OutOfSpaceError(
                "the disk is full while a source is unpacked",
                hint="Make room, or name another state folder with --state.",
            ) from error
        raise _refusal("", f"it cannot be unpacked: {error.strerror or error}") from error


def _refusal(member: str, why: str) -> InvalidArchiveError:
    named = f", member {member!r}" if member else ""
    return InvalidArchiveError(
        f"the source archive{named}: {why}",
        hint="It is not a valid source; if it came from upstream, tell its authors.",
    )
