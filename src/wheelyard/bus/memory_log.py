"""What one builder wrote about one attempt, as the in-process bus keeps it.

A short log is in memory and a longer one in a file, which is open only while it is written or read:
neither memory nor file descriptors are used up by many logs or by large ones.
"""

import asyncio
from bisect import bisect_right
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from wheelyard.bus.pieces import LARGEST_PIECE_BYTES, beyond
from wheelyard.bus.pulse import Pulse
from wheelyard.bus_ports import LogPiece
from wheelyard.errors import BusError

MEMORY_BYTES = 16 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stretch:
    """Bytes of a log without a gap: at ``start`` in the log, at ``place`` in what is kept."""

    start: int
    place: int
    length: int

    @property
    def end(self) -> int:
        return self.start + self.length


class AttemptLog:
    """A log that is written to by one and followed by many. ``most`` is how many bytes of it are kept."""

    def __init__(self, attempt: str, *, path: Path, most: int) -> None:
        self._attempt = attempt
        self._path = path
        self._most = most
        self._buffer: bytearray | None = bytearray()
        self._stretches: list[_Stretch] = []
        self._lock = asyncio.Lock()
        self._pulse = Pulse()
        self._ended = False
        self.size = 0

    async def add(self, piece: LogPiece) -> int:
        """Keep what is new in a piece; return how many bytes that were.

        Raises BusError where they cannot be written.
        """
        async with self._lock:
            if self._ended:
                return 0
            new = beyond(piece, self._stretches[-1].end if self._stretches else 0)
            content = b"" if new is None else new.content[: self._most - self.size]
            if new is not None and content:
                await self._write(content)
                self._extend(new.start, len(content))
            self._ended = piece.end
        self._pulse.beat()
        return len(content)

    async def follow(self, start: int) -> AsyncIterator[LogPiece]:
        """Yield what is there from an offset on, and what comes, to the end."""
        position = start
        while True:
            piece = await self._read(position)
            if piece is not None:
                position = piece.start + len(piece.content)
                yield piece
            elif self._ended:
                yield LogPiece(attempt=self._attempt, start=position, content=b"", end=True)
                return
            else:
                await self._pulse.wait()

    async def end(self) -> None:
        """Let followers end, and forget all of it."""
        async with self._lock:
            self._ended = True
            self._stretches.clear()
            self._buffer = bytearray()
            await asyncio.to_thread(self._path.unlink, missing_ok=True)
        self._pulse.beat()

    def _extend(self, start: int, length: int) -> None:
        last = self._stretches[-1] if self._stretches else None
        if last is not None and last.end == start:
            joined = _Stretch(start=last.start, place=last.place, length=last.length + length)
            self._stretches[-1] = joined
        else:
            self._stretches.append(_Stretch(start=start, place=self.size, length=length))
        self.size += length

    async def _write(self, content: bytes) -> None:
        if self._buffer is not None and len(self._buffer) + len(content) <= MEMORY_BYTES:
            self._buffer += content
            return
        pending = bytes(self._buffer or b"") + content
        try:
            await asyncio.to_thread(_put, self._path, pending, self.size + len(content))
        except OSError as error:
            raise BusError(
                f"the log of attempt {self._attempt!r} cannot be kept at {str(self._path)!r}: {error.strerror}",
                hint="Make room there, or let the folder of logs be elsewhere.",
            ) from error
        self._buffer = None

    async def _read(self, position: int) -> LogPiece | None:
        async with self._lock:
            number = bisect_right(self._stretches, position, key=lambda stretch: stretch.end)
            if number == len(self._stretches):
                return None
            stretch = self._stretches[number]
            start = max(position, stretch.start)
            place = stretch.place + start - stretch.start
            length = min(stretch.end - start, LARGEST_PIECE_BYTES)
            if self._buffer is not None:
                content = bytes(self._buffer[place : place + length])
            else:
                content = await asyncio.to_thread(_get, self._path, place, length)
        return LogPiece(attempt=self._attempt, start=start, content=content)


def _put(path: Path, content: bytes, end: int) -> None:
    """Write bytes so that they end at a place: what a failed write left behind is written over."""
    with path.open("r+b" if path.exists() else "xb") as file:
        file.seek(end - len(content))
        file.write(content)


def _get(path: Path, place: int, length: int) -> bytes:
    with path.open("rb") as file:
        file.seek(place)
        return file.read(length)
