"""A zip file that lies elsewhere, read in part with range requests.

zipfile works on a file of which only some stretches are here; where it reaches for another one, that
is fetched and zipfile begins again. Most wheels need one request: their metadata is at the end.
"""

import io
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import IO, TypeVar, cast

from wheelyard.errors import InvalidArchiveError
from wheelyard.upstream.archive import refusing

Result = TypeVar("Result")

TAIL = 32 << 10
_BLOCK = 16 << 10
_LARGEST_STRETCH = 64 << 20
_ROUNDS = 12
_CONTENT_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+)")


class _MissingStretchError(Exception):
    def __init__(self, start: int, end: int) -> None:
        super().__init__(start, end)
        self.start = start
        self.end = end


@dataclass(slots=True)
class Stretches:
    """The known parts of a file of ``size`` bytes, by where they begin."""

    size: int
    parts: dict[int, bytes]

    def read(self, start: int, end: int) -> bytes:
        """Return bytes that are known, or raise _MissingStretchError."""
        for begin, part in self.parts.items():
            if begin <= start and end <= begin + len(part):
                return part[start - begin : end - begin]
        raise _MissingStretchError(start, end)


def first_stretch(headers: Mapping[str, str], body: bytes) -> Stretches | None:
    """Return what an answer 206 holds; None where its range is not what its body is."""
    match = _CONTENT_RANGE.fullmatch(headers.get("content-range", "").strip())
    if match is None:
        return None
    start, end, size = map(int, match.groups())
    if end - start + 1 != len(body) or end >= size:
        return None
    return Stretches(size, {start: body})


async def read_remote(
    stretches: Stretches,
    fetch: Callable[[int, int], Awaitable[bytes]],
    read: Callable[[IO[bytes]], Result],
    filename: str,
) -> Result:
    """Run ``read`` on a file; ``fetch(start, end)`` brings what is missing. Raises InvalidArchiveError."""
    for _ in range(_ROUNDS):
        try:
            with refusing(filename):
                return read(cast("IO[bytes]", _SparseFile(stretches)))
        except _MissingStretchError as missing:
            end = min(max(missing.end, missing.start + _BLOCK), stretches.size)
            if missing.start >= end or end - missing.start > _LARGEST_STRETCH:
                break
            stretches.parts[missing.start] = await fetch(missing.start, end)
    raise InvalidArchiveError(
        f"{filename!r} is not a zip file that can be read in part",
        hint="If it came from upstream, tell the project.",
    )


class _SparseFile(io.BufferedIOBase):
    def __init__(self, stretches: Stretches) -> None:
        self._stretches = stretches
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._stretches.size}
        position = start[whence] + offset
        if position < 0:
            raise OSError("before the start")
        self._position = position
        return position

    def read(self, size: int | None = -1) -> bytes:
        end = self._stretches.size
        if size is not None and size >= 0:
            end = min(self._position + size, end)
        if end <= self._position:
            return b""
        content = self._stretches.read(self._position, end)
        self._position = end
        return content
