"""What an entry of an archive may be called, and how much an archive may hold.

Archives come from strangers. Nothing is written or believed before its name and its size passed here.
"""

import os
import re
from dataclasses import dataclass

from wheelyard.errors import InvalidArchiveError

EARLIEST_EPOCH = 315532800
"""1980-01-01, the first moment that a zip archive can name."""
LATEST_EPOCH = 4354819199
"""2107-12-31, the last one."""

_DRIVE = re.compile(r"[A-Za-z]:")
_SHOWN = 120
_COMPONENT_BYTES = 255
_PATH_BYTES = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class UnpackLimits:
    """How much an archive may hold: bytes in all, entries, and bytes for each byte of the archive.

    The ratio counts only above ``ratio_free_bytes``: some megabytes of zeros in a test folder harm nobody.
    """

    total_bytes: int = 20 << 30
    entries: int = 500_000
    ratio: int = 300
    ratio_free_bytes: int = 256 << 20


class Budget:
    """What is left of the limits while one archive is read."""

    def __init__(self, archive: str, archive_bytes: int, limits: UnpackLimits) -> None:
        self._archive = archive
        self._limits = limits
        self._bytes_allowed = min(
            limits.total_bytes, max(limits.ratio_free_bytes, archive_bytes * limits.ratio)
        )
        self._bytes = 0
        self._entries = 0

    def take_entry(self) -> None:
        """Count one more entry. Raises InvalidArchiveError."""
        self._entries += 1
        if self._entries > self._limits.entries:
            raise InvalidArchiveError(
                f"{self._archive} has more than {self._limits.entries} entries",
                hint="Raise the limit if the release really is that large.",
            )

    def take_bytes(self, count: int, entry: str) -> None:
        """Count bytes that came out of the archive. Raises InvalidArchiveError."""
        self._bytes += count
        if self._bytes > self._bytes_allowed:
            raise InvalidArchiveError(
                f"{self._archive} unpacks to more than {self._bytes_allowed} bytes at {shown(entry)}",
                hint="It looks like a decompression bomb; raise the disk limit if it is not one.",
            )


def shown(name: str) -> str:
    """Quote an entry's name so that it fits a line of a terminal."""
    return repr(name if len(name) <= _SHOWN else f"{name[: _SHOWN - 20]}…{name[-16:]}")


def entry_path(archive: str, name: str, *, foreign: bool = False) -> tuple[str, ...]:
    """Return the components of an entry's name; empty for the root itself.

    ``foreign`` also refuses what is harmless here but leaves its place on another system:
    backslashes and drives. Raises InvalidArchiveError.
    """
    fault = _fault(name, foreign=foreign)
    if fault:
        raise InvalidArchiveError(
            f"{archive}: entry {shown(name)} {fault}",
            hint="The archive is corrupt or hostile; it was not used.",
        )
    return tuple(part for part in name.split("/") if part not in {"", "."})


def _fault(name: str, *, foreign: bool) -> str:
    if not name:
        return "has no name"
    if "\0" in name:
        return "has a NUL in its name"
    if name.startswith("/"):
        return "has an absolute path"
    if foreign and ("\\" in name or _DRIVE.match(name)):
        return "has a backslash or a drive in its path"
    if ".." in name and ".." in name.split("/"):
        return "has a path that leaves its place"
    return _length_fault(name)


def _length_fault(name: str) -> str:
    if len(name) * 4 <= _COMPONENT_BYTES:
        return ""
    try:
        encoded = os.fsencode(name)
    except UnicodeEncodeError:
        return "has a name that this system cannot write"
    if len(encoded) > _PATH_BYTES or max(map(len, encoded.split(b"/"))) > _COMPONENT_BYTES:
        return "has a name that is too long"
    return ""


def clamped_epoch(seconds: float) -> int:
    """Return a time that a zip archive can name: what lies outside becomes the earliest one."""
    return int(seconds) if EARLIEST_EPOCH <= seconds <= LATEST_EPOCH else EARLIEST_EPOCH
