"""What is in a conda package, read from its first byte to its last, and nothing of it written anywhere.

A ``.conda`` file is a zip of two tar archives, one with ``info/`` and one with the rest; a ``.tar.bz2`` is one
tar. Names, links, sizes and what comes after the end are looked at before anything in it is believed.
"""

import bz2
import hashlib
import os
import re
import struct
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, NoReturn

import msgspec

from wheelyard.errors import InvalidArchiveError
from wheelyard.executor.archive_entries import Budget, UnpackLimits, entry_path, shown
from wheelyard.executor.archive_reading import Readable, SourceEntry, read_tar, refusing
from wheelyard.model.channel import CondaName

INDEX = "info/index.json"
ABOUT = "info/about.json"
RUN_EXPORTS = "info/run_exports.json"
PATHS = "info/paths.json"
_LARGEST = {INDEX: 1 << 20, ABOUT: 1 << 20, RUN_EXPORTS: 1 << 20, PATHS: 128 << 20}
_HINT = "The package is corrupt or hostile; it was not used."
_CHUNK = 256 << 10
_PARTS = 3
_FORMAT = 2
# The end of a zip archive (APPNOTE 4.3.16), and the first word of what stands before it in a large one (4.3.15).
_END = struct.Struct("<4s4H2LH")
_LOCATOR = struct.Struct("<4s16x")
_LARGEST_LIST = 4096
_LARGEST_FORMAT = 64 << 10
# What the strongest setting of the compressor needs to be read again; more is only there to use up memory.
_WINDOW_BYTES = 128 << 20
_DRIVE = re.compile(r"[A-Za-z]:")


@dataclass(frozen=True, slots=True)
class Packed:
    """A file in a package: its SHA-256 in hexadecimal, and its size in bytes."""

    sha256: str
    size: int


@dataclass(slots=True)
class CondaContents:
    """All that is in a package by its path: files, links by their targets; and the bytes of what is about it."""

    archive: str
    files: dict[str, Packed] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)
    folders: set[str] = field(default_factory=set)
    about: dict[str, bytes] = field(default_factory=dict)

    def add(self, entry: SourceEntry) -> str:
        """Take one entry in and return its path; empty for the root. Raises InvalidArchiveError."""
        parts = entry_path(self.archive, entry.name)
        path = "/".join(parts)
        if entry.kind == "folder":
            self.folders.add(path)
            return path
        if not parts:
            self.refuse(entry.name, "is the root, but no folder")
        if path in self.files or path in self.links:
            self.refuse(entry.name, "is there twice")
        if entry.kind == "link":
            if _leaves(parts, entry.target):
                self.refuse(
                    entry.name, f"is a link to {shown(entry.target)}, outside of the package"
                )
            self.links[path] = entry.target
        elif entry.kind == "hardlink":
            target = "/".join(entry_path(self.archive, entry.target))
            if target not in self.files:
                self.refuse(
                    entry.name, f"is a hard link to {shown(entry.target)}, which is no file"
                )
            self.files[path] = self.files[target]
        else:
            self.files[path] = self._read(entry, path)
        return path

    def check_tree(self) -> None:
        """Refuse what would be written through a link or a file. Raises InvalidArchiveError."""
        for path in (*self.files, *self.links, *self.folders):
            above = path.rpartition("/")[0]
            while above and above not in self.files and above not in self.links:
                above = above.rpartition("/")[0]
            if above:
                self.refuse(path, f"lies below {shown(above)}, which is no folder")
        for path in self.folders:
            if path in self.files or path in self.links:
                self.refuse(path, "is there twice, as different kinds")

    def check_everywhere(self) -> None:
        """Refuse names that leave their place on another system. Raises InvalidArchiveError."""
        for path in (*self.files, *self.links, *self.folders):
            if path:
                entry_path(self.archive, path, foreign=True)
        for path, target in self.links.items():
            if "\\" in target or _DRIVE.match(target):
                self.refuse(path, f"is a link to {shown(target)}, outside of the package")

    def refuse(self, name: str, fault: str) -> NoReturn:
        """Raise InvalidArchiveError for an entry."""
        raise InvalidArchiveError(f"{self.archive}: entry {shown(name)} {fault}", hint=_HINT)

    def _read(self, entry: SourceEntry, path: str) -> Packed:
        most = _LARGEST.get(path)
        if most is not None and entry.size > most:
            self.refuse(entry.name, f"has {entry.size} bytes, more than {most}")
        found, kept = hashlib.sha256(), bytearray()
        stream, left = entry.open(), entry.size
        while left:
            chunk = stream.read(min(left, _CHUNK))
            if not chunk:
                self.refuse(entry.name, f"is cut short by {left} bytes")
            left -= len(chunk)
            found.update(chunk)
            if most is not None:
                kept += chunk
        if most is not None:
            self.about[path] = bytes(kept)
        return Packed(found.hexdigest(), entry.size)


def read_contents(path: Path, name: CondaName, limits: UnpackLimits | None = None) -> CondaContents:
    """Read all of a package. Raises InvalidArchiveError."""
    archive = str(name)
    contents = CondaContents(archive)
    budget = Budget(archive, path.stat().st_size, limits or UnpackLimits())
    with path.open("rb") as file, _refusing(archive):
        if name.suffix == ".conda":
            _read_conda(file, name, contents, budget)
        else:
            stream = bz2.BZ2File(file)
            _take(contents, stream, budget)
    contents.check_tree()
    return contents


def _read_conda(file: IO[bytes], name: CondaName, contents: CondaContents, budget: Budget) -> None:
    _check_end(file, contents)
    with zipfile.ZipFile(file) as archive:
        for part in _parts(archive, name, contents):
            with archive.open(part) as packed:
                paths = _take(contents, _decompressed(packed), budget)
            # What is about a package must not be in the part that a reader leaves out, and nothing else in this one.
            about = part.filename.startswith("info-")
            for path in paths:
                if path and about != (path == "info" or path.startswith("info/")):
                    contents.refuse(path, f"is in {part.filename}, where it does not belong")


def _check_end(file: IO[bytes], contents: CondaContents) -> None:
    """Refuse a list of parts that would fill the memory, before anybody reads it.

    The outer archive ends with its end record and no comment, and is too small for the large form of that.
    """
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - _LOCATOR.size - _END.size))
    tail = file.read().rjust(_LOCATOR.size + _END.size, b"\0")
    signature, *_, parts, listed, _, comment = _END.unpack(tail[-_END.size :])
    (large,) = _LOCATOR.unpack(tail[: _LOCATOR.size])
    if signature != b"PK\5\6" or comment:
        why = "it is no zip archive, or cut short"
        raise InvalidArchiveError(f"{contents.archive} cannot be read: {why}", hint=_HINT)
    if large == b"PK\6\7" or parts != _PARTS or listed > _LARGEST_LIST:
        raise InvalidArchiveError(
            f"{contents.archive} lists {parts} parts in {listed} bytes, and not {_PARTS}",
            hint=_HINT,
        )
    file.seek(0)


def _parts(
    archive: zipfile.ZipFile, name: CondaName, contents: CondaContents
) -> Iterator[zipfile.ZipInfo]:
    """Check the outer archive, and yield its part about the package and its part with the rest."""
    entries = archive.infolist()
    wanted = ("metadata.json", f"info-{name.stem}.tar.zst", f"pkg-{name.stem}.tar.zst")
    found = {entry.orig_filename: entry for entry in entries}
    if len(entries) != _PARTS or set(found) != set(wanted):
        names = ", ".join(shown(entry.orig_filename) for entry in entries[:5]) or "nothing"
        raise InvalidArchiveError(
            f"{contents.archive} holds {names}, and not {', '.join(wanted)}", hint=_HINT
        )
    for entry in entries:
        if entry.compress_type != zipfile.ZIP_STORED or entry.flag_bits & 1:
            contents.refuse(entry.orig_filename, "is not stored as it is")
    _check_format(archive, found[wanted[0]], contents)
    yield from (found[one] for one in wanted[1:])


def _check_format(
    archive: zipfile.ZipFile, entry: zipfile.ZipInfo, contents: CondaContents
) -> None:
    content = b"" if entry.file_size > _LARGEST_FORMAT else archive.read(entry)
    try:
        said = msgspec.json.decode(content, type=dict[str, object])
    except msgspec.DecodeError:
        said = {}
    if said.get("conda_pkg_format_version") != _FORMAT:
        contents.refuse(entry.orig_filename, f"does not say that the format is {_FORMAT}")


def _decompressed(packed: IO[bytes]) -> Readable:
    import zstandard

    reader = zstandard.ZstdDecompressor(max_window_size=_WINDOW_BYTES)
    return reader.stream_reader(packed, read_across_frames=True)


def _take(contents: CondaContents, stream: Readable, budget: Budget) -> list[str]:
    """Take all entries of one tar archive in, and return their paths."""
    paths = []
    for entry in read_tar(contents.archive, stream, budget):
        budget.take_entry()
        paths.append(contents.add(entry))
    # Whoever reads on after the end of an archive, as some do, would find another one there.
    while chunk := stream.read(_CHUNK):
        budget.take_bytes(len(chunk), "the end")
        if chunk.strip(b"\0"):
            raise InvalidArchiveError(f"{contents.archive} goes on after its end", hint=_HINT)
    return paths


@contextmanager
def _refusing(archive: str) -> Iterator[None]:
    """Turn what decompressors raise into InvalidArchiveError."""
    import zstandard

    try:
        with refusing(archive):
            yield
    except zstandard.ZstdError as error:
        raise InvalidArchiveError(f"{archive} cannot be read: {error}", hint=_HINT) from error


def _leaves(parts: tuple[str, ...], target: str) -> bool:
    """Whether a link leads out of the package, as its text says; nothing may lie below one."""
    if not target or target.startswith("/") or "\0" in target:
        return True
    depth = len(parts) - 1
    for part in target.split("/"):
        if part == "..":
            depth -= 1
        elif part not in {"", "."}:
            depth += 1
        if depth < 0:
            return True
    return False
