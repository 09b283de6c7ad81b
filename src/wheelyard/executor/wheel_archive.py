"""Read a wheel's archive with care, and write wheels that are the same bytes every time.

A wheel that was written here depends on nothing but its content: entries are sorted with the
dist-info folder last, times, modes and compression are fixed, RECORD is computed anew.
"""

import csv
import io
import os
import stat
import tempfile
import time
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from wheelyard.errors import InvalidArchiveError
from wheelyard.executor.archive_entries import (
    Budget,
    UnpackLimits,
    clamped_epoch,
    entry_path,
    shown,
)
from wheelyard.executor.wheel_content import Content, ContentReader

_SIGNATURES = ("RECORD.jws", "RECORD.p7s")
_CHUNK = 1 << 20
_CORRUPT = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError)
_UNREADABLE = (ValueError, csv.Error, OSError)


def wheel_refusal(path: Path, why: str, hint: str = "") -> InvalidArchiveError:
    """Return the error that refuses a wheel for a reason."""
    return InvalidArchiveError(
        f"the wheel {path.name} is refused: {why}",
        hint=hint or "Its build back end made it; a newer or another one may do better.",
    )


@contextmanager
def open_wheel(path: Path) -> Iterator[zipfile.ZipFile]:
    """Open a wheel for reading; what is corrupt becomes InvalidArchiveError, also while it is read."""
    try:
        with zipfile.ZipFile(path) as wheel:
            yield wheel
    except _CORRUPT as error:
        raise wheel_refusal(path, f"it is damaged: {error}") from error
    except _UNREADABLE as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise wheel_refusal(path, f"it cannot be read: {error}") from error


def checked_entries(
    path: Path, wheel: zipfile.ZipFile, limits: UnpackLimits
) -> dict[str, zipfile.ZipInfo]:
    """Return the files of a wheel by path, in the archive's order. Raises InvalidArchiveError.

    zipfile stops reading an entry at the size that it announces, so announced sizes may be believed.
    """
    what = f"the wheel {path.name}"
    budget = Budget(what, path.stat().st_size, limits)
    entries: dict[str, zipfile.ZipInfo] = {}
    for entry in wheel.infolist():
        budget.take_entry()
        budget.take_bytes(entry.file_size, entry.orig_filename)
        parts = entry_path(what, entry.orig_filename, foreign=True)
        fault = _entry_fault(entry, parts)
        if not fault and entry.filename in entries:
            fault = "is in it twice"
        if fault:
            raise wheel_refusal(path, f"{shown(entry.orig_filename)} {fault}")
        if not entry.is_dir():
            entries[entry.filename] = entry
    return entries


def _entry_fault(entry: zipfile.ZipInfo, parts: tuple[str, ...]) -> str:
    mode = entry.external_attr >> 16
    if entry.flag_bits & 1:
        return "is encrypted"
    if stat.S_IFMT(mode) not in {0, stat.S_IFREG, stat.S_IFDIR}:
        return "is a link or a device"
    if entry.is_dir():
        return "is a folder with content" if entry.file_size else ""
    if "/".join(parts) != entry.orig_filename:
        return "has a path that is not plain"
    return ""


def dist_info_folder(path: Path, members: Iterable[str]) -> str:
    """Return the one .dist-info folder of a wheel. Raises InvalidArchiveError.

    Installers refuse a wheel with two; those of vendored packages lie deeper.
    """
    tops = {member.partition("/")[0] for member in members if "/" in member}
    found = sorted(top for top in tops if top.endswith(".dist-info"))
    if len(found) != 1:
        raise wheel_refusal(path, f"it needs one .dist-info folder of its own, but has {found}")
    return found[0]


def rewrite_wheel(
    source: Path,
    destination: Path,
    *,
    changed: Mapping[str, bytes] | None = None,
    epoch: int | None = None,
    added: Mapping[str, bytes] | None = None,
) -> dict[str, Content]:
    """Write a wheel's content to ``destination``, which may be ``source``, in one step.

    ``changed`` replaces files, ``added`` puts new ones in (or replaces them). ``epoch`` dates every entry; without it each keeps its own time.
    Signatures go, as they sign a RECORD that is no more. Returns what was written, but for RECORD.
    """
    with open_wheel(source) as wheel, _replacing(destination) as stream:
        entries = checked_entries(source, wheel, UnpackLimits())
        info = dist_info_folder(source, entries)
        dropped = {f"{info}/{name}" for name in ("RECORD", *_SIGNATURES)}
        with zipfile.ZipFile(stream, "w") as written:
            writer = _Writer(written, epoch)
            given = {**(changed or {}), **(added or {})}
            paths = (entries.keys() | set(added or ())) - dropped
            for path in sorted(paths, key=lambda path: (_is_in(info, path), path)):
                replaced = given.get(path)
                content = wheel.open(path) if replaced is None else io.BytesIO(replaced)
                like = entries.get(path) or zipfile.ZipInfo(path)
                writer.copy(like, content, len(replaced or b"") or like.file_size)
            writer.finish(f"{info}/RECORD", entries.get(f"{info}/RECORD"))
    return writer.contents


def _is_in(folder: str, path: str) -> bool:
    return path.startswith(f"{folder}/")


@contextmanager
def _replacing(destination: Path) -> Iterator[IO[bytes]]:
    """Open a new file that takes the place of ``destination`` when all went well."""
    descriptor, name = tempfile.mkstemp(dir=destination.parent, prefix=".", suffix=".part")
    try:
        with os.fdopen(descriptor, "wb") as stream:
            yield stream
            os.fchmod(stream.fileno(), 0o644)
        Path(name).replace(destination)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


class _Writer:
    """Writes entries into a new archive and remembers their hashes for RECORD."""

    def __init__(self, archive: zipfile.ZipFile, epoch: int | None) -> None:
        self._archive = archive
        self._epoch = epoch
        self._rows: list[tuple[str, str, str]] = []
        self.contents: dict[str, Content] = {}

    def copy(self, like: zipfile.ZipInfo, content: IO[bytes], size: int) -> None:
        """Write one file with the name, time and executable bit of another entry."""
        reader = ContentReader()
        entry = self._entry(like)
        # zipfile chooses the 64-bit format from the size that it is told before.
        entry.file_size = size
        with content, self._archive.open(entry, "w") as target:
            while chunk := content.read(_CHUNK):
                reader.feed(chunk)
                target.write(chunk)
        found = self.contents[entry.filename] = reader.content()
        self._rows.append((entry.filename, found.record, str(reader.size)))

    def finish(self, path: str, like: zipfile.ZipInfo | None) -> None:
        """Write RECORD."""
        self._rows.append((path, "", ""))
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows(sorted(self._rows))
        entry = self._entry(like or zipfile.ZipInfo(path))
        self._archive.writestr(entry, text.getvalue().encode())

    def _entry(self, like: zipfile.ZipInfo) -> zipfile.ZipInfo:
        moment = like.date_time
        if self._epoch is not None:
            when = time.gmtime(clamped_epoch(self._epoch))
            moment = (when[0], when[1], when[2], when[3], when[4], when[5])
        entry = zipfile.ZipInfo(like.filename, moment)
        executable = like.external_attr >> 16 & 0o111
        entry.external_attr = (stat.S_IFREG | (0o755 if executable else 0o644)) << 16
        entry.create_system = 3
        entry.compress_type = zipfile.ZIP_DEFLATED  # at zlib's default level, which is 6
        return entry
