"""Holds an archive that came from elsewhere against the command that it should be of.

Whoever sent it may be hostile, so nothing of it is believed before it was looked at: the farm does this
with each archive that it takes in.
"""

import stat
import zipfile
import zlib
from pathlib import Path

from wheelyard.errors import InvalidArchiveError
from wheelyard.executor.archive_entries import Budget, UnpackLimits, entry_path, shown
from wheelyard.executor.collecting import matches
from wheelyard.model.command import Command
from wheelyard.model.job import Limits

_CORRUPT = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError)
_MODES = frozenset({stat.S_IFREG | 0o644, stat.S_IFREG | 0o755})
_CHUNK = 1 << 20


def check_archive(path: Path, filename: str, *, command: Command, limits: Limits) -> None:
    """Raise InvalidArchiveError where an archive is not what the command could have given.

    ``filename`` is what its sender calls it. All of it is read, so that its checksums are known to be right.
    """
    if filename != command.filename:
        raise _refusal(filename, f"the archive of this job is {command.filename}")
    try:
        with zipfile.ZipFile(path) as archive:
            _check_entries(archive, path, command, limits)
    except _CORRUPT as error:
        raise _refusal(filename, f"it is damaged: {error}") from error


def _check_entries(archive: zipfile.ZipFile, path: Path, command: Command, limits: Limits) -> None:
    what = command.filename
    most = UnpackLimits(total_bytes=limits.artifact_bytes)
    budget, names = Budget(what, path.stat().st_size, most), set()
    for entry in archive.infolist():
        budget.take_entry()
        budget.take_bytes(entry.file_size, entry.orig_filename)
        entry_path(what, entry.orig_filename, foreign=True)
        if entry.external_attr >> 16 not in _MODES or entry.is_dir():
            raise _refusal(what, f"{shown(entry.orig_filename)} is no plain file")
        if entry.filename in names:
            raise _refusal(what, f"{shown(entry.orig_filename)} is in it twice")
        if not matches(entry.filename, command.artifacts):
            raise _refusal(what, f"{shown(entry.orig_filename)} matches none of the patterns")
        names.add(entry.filename)
        with archive.open(entry) as stream:
            while stream.read(_CHUNK):
                pass
    if not names:
        raise _refusal(what, "it is empty")


def _refusal(filename: str, why: str) -> InvalidArchiveError:
    return InvalidArchiveError(
        f"the archive {shown(filename)} is refused: {why}",
        hint="The builder that sent it is broken or hostile.",
    )
