"""Reading single members of an sdist, however hostile.

Nothing is written, no link is followed, and neither a member nor the whole may grow over its
limit. Names are given relative to the one top-level folder that an sdist has. Unpacking for a build
is the executor's.
"""

import bz2
import gzip
import io
import lzma
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import IO, cast

from wheelyard.errors import InvalidArchiveError

_FAULTS = (
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    OSError,
    ValueError,
    OverflowError,
    NotImplementedError,
    RuntimeError,
)
"""What the standard library raises on bytes that are not what they claim (RuntimeError: encrypted)."""

_READERS: tuple[tuple[bytes, Callable[[IO[bytes]], IO[bytes]]], ...] = (
    (b"\x1f\x8b", lambda stream: cast("IO[bytes]", gzip.GzipFile(fileobj=stream))),
    (b"BZh", lambda stream: cast("IO[bytes]", bz2.BZ2File(stream))),
    (b"\xfd7zXZ\x00", lambda stream: cast("IO[bytes]", lzma.LZMAFile(stream))),  # noqa: SIM115 - its user closes it
)
_ZIP = (b"PK\x03\x04", b"PK\x05\x06")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadLimits:
    """Bytes of one member, bytes of all, number of members."""

    member_bytes: int = 16 << 20
    total_bytes: int = 20 << 30
    members: int = 1_000_000


@dataclass(frozen=True, slots=True)
class Members:
    """Contents by name, and every name that was passed on the way (regular files only)."""

    contents: dict[str, bytes] = field(default_factory=dict)
    names: frozenset[str] = frozenset()


def read_members(
    stream: IO[bytes],
    filename: str,
    wanted: Callable[[str], bool],
    *,
    limits: ReadLimits | None = None,
) -> Members:
    """Read the wanted members of a tar or zip file. Raises InvalidArchiveError."""
    limits = limits or ReadLimits()
    found: dict[str, dict[str, bytes]] = {}
    names: dict[str, set[str]] = {}
    with refusing(filename):
        walk = _walk_zip if _starts_with(stream, _ZIP) else _walk_tar
        for path, read in walk(stream, filename, limits):
            top, _, name = path.partition("/")
            if not name:
                continue
            names.setdefault(top, set()).add(name)
            if wanted(name):
                found.setdefault(top, {})[name] = read()
    top = _top(found, names, filename)
    return Members(found.get(top, {}), frozenset(names.get(top, ())))


@contextmanager
def refusing(filename: str) -> Iterator[None]:
    """Turn what the standard library says about bad bytes into InvalidArchiveError."""
    try:
        yield
    except _FAULTS as error:
        raise InvalidArchiveError(
            f"{filename!r} is not an archive that can be read: {str(error) or type(error).__name__}",
            hint="If it came from upstream, tell the project; if it is yours, make it again.",
        ) from error


def read_zip_member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, limit: int) -> bytes:
    """Read one member of a zip file that stays below a limit, whatever its header says."""
    with archive.open(info) as member:
        content = member.read(limit + 1)
    if len(content) > limit:
        raise _over(info.filename, limit)
    return content


def _walk_tar(
    stream: IO[bytes], filename: str, limits: ReadLimits
) -> Iterator[tuple[str, Callable[[], bytes]]]:
    opened = next(
        (make(stream) for magic, make in _READERS if _starts_with(stream, (magic,))), stream
    )
    metered = _Metered(opened, filename, limits)
    with tarfile.open(fileobj=cast("IO[bytes]", metered), mode="r:") as archive:
        number = 0
        while (member := archive.next()) is not None:
            # What was passed is not asked for again; a million headers are not to be kept.
            archive.members = []  # type: ignore[attr-defined]
            number += 1
            if number > limits.members:
                raise _too_many(filename, limits)
            path = _clean(member.name)
            if member.isreg() and path:
                yield path, lambda member=member: _read_tar_member(archive, member, limits)  # type: ignore[misc]


def _read_tar_member(
    archive: tarfile.TarFile, member: tarfile.TarInfo, limits: ReadLimits
) -> bytes:
    if member.size > limits.member_bytes:
        raise _over(member.name, limits.member_bytes)
    file = archive.extractfile(member)
    return file.read() if file else b""


def _walk_zip(
    stream: IO[bytes], filename: str, limits: ReadLimits
) -> Iterator[tuple[str, Callable[[], bytes]]]:
    with zipfile.ZipFile(stream) as archive:
        infos = archive.infolist()
        if len(infos) > limits.members:
            raise _too_many(filename, limits)
        for info in infos:
            path = _clean(info.filename)
            if path and not info.is_dir() and not stat.S_ISLNK(info.external_attr >> 16):
                yield (
                    path,
                    lambda info=info: read_zip_member(archive, info, limits.member_bytes),  # type: ignore[misc]
                )


class _Metered:
    """A decompressed stream that refuses to be read too far or too much at once.

    tarfile reads a header's extension whole, whatever size it claims; this is where that ends.
    """

    def __init__(self, stream: IO[bytes], filename: str, limits: ReadLimits) -> None:
        self._stream = stream
        self._filename = filename
        self._limits = limits

    def read(self, size: int = -1) -> bytes:
        if size < 0 or size > self._limits.member_bytes + tarfile.RECORDSIZE:
            raise _over(self._filename, self._limits.member_bytes)
        return self._stream.read(size)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        if offset > self._limits.total_bytes:
            raise InvalidArchiveError(
                f"{self._filename!r} unpacks to more than {self._limits.total_bytes} bytes",
                hint="This is what an archive bomb looks like; look at the file before you raise the limit.",
            )
        return self._stream.seek(offset, whence)

    def tell(self) -> int:
        return self._stream.tell()


def _starts_with(stream: IO[bytes], magics: tuple[bytes, ...]) -> bool:
    stream.seek(0)
    start = stream.read(max(map(len, magics)))
    stream.seek(0)
    return start.startswith(magics)


def _clean(name: str) -> str:
    """Return a member's path without dots; empty for one that would leave its place."""
    parts = [part for part in name.replace("\\", "/").split("/") if part not in {"", "."}]
    return "" if name.startswith("/") or ".." in parts or "\x00" in name else "/".join(parts)


def _top(found: dict[str, dict[str, bytes]], names: dict[str, set[str]], filename: str) -> str:
    tops = sorted(found) or sorted(names)
    if found and len(tops) > 1:
        raise InvalidArchiveError(
            f"{filename!r} holds several top-level folders: {', '.join(map(repr, tops[:5]))}",
            hint="An sdist has one, named after project and version (PEP 625).",
        )
    return tops[0] if tops else ""


def _over(name: str, limit: int) -> InvalidArchiveError:
    return InvalidArchiveError(
        f"{name!r} is larger than {limit} bytes",
        hint="This is what an archive bomb looks like; look at the file before you raise the limit.",
    )


def _too_many(filename: str, limits: ReadLimits) -> InvalidArchiveError:
    return InvalidArchiveError(
        f"{filename!r} holds more than {limits.members} members",
        hint="This is what an archive bomb looks like; look at the file before you raise the limit.",
    )
