"""Read tar and zip archives entry by entry, without trusting what they say about themselves.

Everything is counted as it comes out of the decompressor, headers too, so that a bomb stops where
the budget ends and not where the archive says. Whatever the standard library raises for bytes that
are no archive becomes InvalidArchiveError (``refusing``).
"""

import bz2
import gzip
import io
import lzma
import math
import stat
import tarfile
import zipfile
import zlib
from calendar import timegm
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

# typeshed leaves this class out, though tarfile has had it since 3.2.
from tarfile import InvalidHeaderError, ReadError, TarFile  # type: ignore[attr-defined, unused-ignore]
from typing import IO, Literal, Protocol, Self

from wheelyard.errors import InvalidArchiveError
from wheelyard.executor.archive_entries import EARLIEST_EPOCH, Budget, shown
from wheelyard.executor.plain_tar import PlainHeader, read_plain_header

_HINT = "The archive is corrupt or hostile; fetch it again or look at where it comes from."
_CORRUPT = (
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    gzip.BadGzipFile,
    EOFError,
    NotImplementedError,
    ValueError,
    OverflowError,
)
# tarfile reads a whole extended header at once, however large it says it is.
_HEADER_BYTES = 1 << 20
_LINK_BYTES = 4096
_BUFFER_BYTES = 128 << 10

Kind = Literal["file", "folder", "link", "hardlink"]


class Readable(Protocol):
    """A stream of bytes."""

    def read(self, size: int, /) -> bytes:
        """Return at most ``size`` bytes, and none at the end."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceEntry:
    """One entry: ``modified`` in seconds, ``target`` of a link, ``open`` gives a file's bytes.

    The bytes must be read before the next entry is asked for. ``foreign`` marks formats whose names
    may be meant for another system.
    """

    name: str
    kind: Kind
    size: int = 0
    executable: bool = False
    modified: float = EARLIEST_EPOCH
    target: str = ""
    foreign: bool = False
    open: Callable[[], Readable] = io.BytesIO

    def resized(self, size: int, mode: int) -> Self:
        """Return the same entry as a file with the size and mode of another."""
        return replace(self, kind="file", size=size, executable=bool(mode & stat.S_IXUSR))


def read_entries(archive: Path, budget: Budget) -> Iterator[SourceEntry]:
    """Yield the entries of an archive whose format its first bytes tell. Raises InvalidArchiveError."""
    with archive.open("rb") as file:
        magic = file.read(262)
        file.seek(0)
        if magic.startswith(b"PK"):
            yield from _read_zip(archive.name, file, budget)
        else:
            yield from read_tar(archive.name, _decompressed(archive.name, magic, file), budget)


@contextmanager
def refusing(archive: str) -> Iterator[None]:
    """Turn what the standard library raises for bytes that are no archive into InvalidArchiveError.

    It has to stand around the reading of the entries' bytes as well: there is where they are unpacked.
    """
    try:
        yield
    except _CORRUPT as error:
        raise InvalidArchiveError(f"{archive} cannot be read: {error}", hint=_HINT) from error
    except OSError as error:
        # bz2 reports bad bytes as an OSError without a number; the others come from the disk.
        if error.errno is not None:
            raise
        raise InvalidArchiveError(f"{archive} cannot be read: {error}", hint=_HINT) from error


def _decompressed(archive: str, magic: bytes, file: IO[bytes]) -> Readable:
    if magic.startswith(b"\x1f\x8b"):
        # Headers are small, and each would take the long way through gzip's own reader.
        return io.BufferedReader(gzip.GzipFile(fileobj=file, mode="rb"), _BUFFER_BYTES)
    if magic.startswith(b"BZh"):
        return bz2.BZ2File(file)
    if magic.startswith((b"\xfd7zXZ\x00", b"\x5d\x00\x00")):
        return lzma.LZMAFile(file)
    if magic.startswith(b"\x28\xb5\x2f\xfd"):
        return _zstandard(archive, file)
    if magic[257:262] == b"ustar":
        return file
    raise InvalidArchiveError(f"{archive} is neither a tar nor a zip archive", hint=_HINT)


def _zstandard(archive: str, file: IO[bytes]) -> Readable:
    try:
        from compression import zstd  # type: ignore[import-not-found, unused-ignore]
    except ImportError:
        raise InvalidArchiveError(
            f"{archive} is compressed with zstd, which this Python cannot read",
            hint="Run wheelyard with Python 3.14 or newer, or pack the source as .tar.gz.",
        ) from None
    stream: Readable = zstd.ZstdFile(file)
    return stream


class _Counted(io.RawIOBase):
    """A decompressed stream that tarfile reads from start to end, and that stops at the budget."""

    def __init__(self, archive: str, stream: Readable, budget: Budget) -> None:
        super().__init__()
        self._archive = archive
        self._stream = stream
        self._budget = budget
        self._position = 0
        self._ahead = b""
        self.entry = ""

    def put_back(self, content: bytes, /) -> None:
        self._ahead = content + self._ahead
        self._position -= len(content)
        self._budget.take_bytes(-len(content), self.entry)

    def read(self, size: int = -1, /) -> bytes:
        if size < 0 or size > _HEADER_BYTES:
            raise InvalidArchiveError(
                f"{self._archive}: a header after entry {shown(self.entry)} has {size} bytes",
                hint=_HINT,
            )
        if self._ahead:
            content, self._ahead = self._ahead[:size], self._ahead[size:]
            content += self._stream.read(size - len(content))
        else:
            content = self._stream.read(size)
        self._position += len(content)
        self._budget.take_bytes(len(content), self.entry)
        return content

    def at_the_end(self) -> bool:
        """Whether something was read, and the empty block at an archive's end comes next."""
        if not self._position:
            return False
        block = self.read(tarfile.BLOCKSIZE)
        if block == bytes(tarfile.BLOCKSIZE):
            return True
        self.put_back(block)
        return False

    def tell(self) -> int:
        return self._position

    def seek(self, position: int, whence: int = 0, /) -> int:
        if whence or position < self._position:
            raise InvalidArchiveError(f"{self._archive} has overlapping entries", hint=_HINT)
        while self._position < position:
            if not self.read(min(position - self._position, 256 << 10)):
                break
        return self._position


class _StrictTarInfo(tarfile.TarInfo):
    """A header that refuses to be corrupt: tarfile takes a bad one for the archive's end."""

    @classmethod
    def fromtarfile(cls, tarfile: TarFile) -> Self:
        try:
            return super().fromtarfile(tarfile)
        except InvalidHeaderError as error:
            raise ReadError(str(error)) from error


def read_tar(archive: str, stream: Readable, budget: Budget) -> Iterator[SourceEntry]:
    """Yield the entries of a tar archive that comes out of a decompressor. Raises InvalidArchiveError."""
    counted = _Counted(archive, stream, budget)
    while (header := read_plain_header(counted)) is not None:
        counted.entry = header.name
        begin = counted.tell()
        yield _plain_entry(header, counted)
        end = begin + header.size + header.padding
        if counted.seek(end) != end:
            raise ReadError("unexpected end of data")
    if counted.at_the_end():
        return
    with tarfile.open(fileobj=counted, mode="r:", tarinfo=_StrictTarInfo) as tar:
        for member in tar:
            counted.entry = member.name
            yield _tar_entry(archive, member, counted)


def _plain_entry(header: PlainHeader, stream: Readable) -> SourceEntry:
    return SourceEntry(
        name=header.name,
        kind="folder" if header.folder else "file",
        size=header.size,
        executable=bool(header.mode & stat.S_IXUSR),
        modified=header.modified if math.isfinite(header.modified) else EARLIEST_EPOCH,
        open=lambda: stream,
    )


def _tar_entry(archive: str, member: tarfile.TarInfo, stream: Readable) -> SourceEntry:
    kind = _tar_kind(archive, member)
    return SourceEntry(
        name=member.name or ".",
        kind=kind,
        size=member.size if kind == "file" else 0,
        executable=bool(member.mode & stat.S_IXUSR),
        modified=member.mtime if math.isfinite(member.mtime) else EARLIEST_EPOCH,
        target=member.linkname,
        open=lambda: stream,
    )


def _tar_kind(archive: str, member: tarfile.TarInfo) -> Kind:
    if member.isreg() and not member.issparse():
        return "file"
    if member.isdir():
        return "folder"
    if member.issym():
        return "link"
    if member.islnk():
        return "hardlink"
    raise InvalidArchiveError(
        f"{archive}: entry {shown(member.name)} is a device, a pipe or a sparse file", hint=_HINT
    )


def _read_zip(archive: str, file: IO[bytes], budget: Budget) -> Iterator[SourceEntry]:
    with zipfile.ZipFile(file) as opened:
        for member in opened.infolist():
            yield _zip_entry(archive, opened, member, budget)


def _zip_entry(
    archive: str, opened: zipfile.ZipFile, member: zipfile.ZipInfo, budget: Budget
) -> SourceEntry:
    name, mode = member.orig_filename, member.external_attr >> 16
    if member.flag_bits & 1:
        raise InvalidArchiveError(f"{archive}: entry {shown(name)} is encrypted", hint=_HINT)
    budget.take_bytes(member.file_size, name)
    kind: Kind = "file"
    target = ""
    if member.is_dir():
        kind = "folder"
    elif stat.S_ISLNK(mode):
        kind = "link"
        target = opened.open(member).read(_LINK_BYTES).decode(errors="surrogateescape")
    elif stat.S_IFMT(mode) not in {0, stat.S_IFREG}:
        raise InvalidArchiveError(f"{archive}: entry {shown(name)} is no file", hint=_HINT)
    return SourceEntry(
        name=name,
        kind=kind,
        size=member.file_size,
        executable=bool(mode & stat.S_IXUSR),
        modified=_zip_time(member.date_time),
        target=target,
        foreign=True,
        open=lambda: opened.open(member),
    )


def _zip_time(moment: tuple[int, int, int, int, int, int]) -> int:
    # Zip times have no zone; UTC makes the same tree on every machine. Broken ones become the epoch.
    try:
        return timegm((*moment, 0, 0, 0))
    except ValueError:
        return EARLIEST_EPOCH
