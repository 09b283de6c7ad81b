"""The log of a running job, told to the bus as it is written, byte for byte.

The file that the executor writes is the buffer: where the bus is away, what was written meanwhile
is read from it later, so that nobody sees a gap.
"""

import asyncio
import contextlib
import gzip
import os
from collections.abc import Iterator
from pathlib import Path

from wheelyard.builder.patience import Patience
from wheelyard.bus_ports import BuilderBus, LogPiece
from wheelyard.errors import BusError
from wheelyard.ports import Progress

PIECE_BYTES = 64 << 10
# A prompt without a line's end is seen too, only a little later than lines are.
_LOOK_SECONDS = 0.2
_GATHER_SECONDS = 0.03


class LogStream:
    """The live log of one attempt."""

    def __init__(self, attempt: str, bus: BuilderBus) -> None:
        self._attempt = attempt
        self._bus = bus
        self._file: int | None = None
        self._told = 0
        self._news = asyncio.Event()
        self._ended = False
        self.complete = False
        """Whether its last piece was written."""

    def hear(self, progress: Progress) -> None:
        """Take in that something was written."""
        if self._file is None and progress.log is not None:
            with contextlib.suppress(OSError):
                # Held open: its name goes when the attempt ends, and perhaps not all is told by then.
                self._file = os.open(progress.log, os.O_RDONLY | os.O_CLOEXEC)
        self._news.set()

    def end(self) -> None:
        """Take in that nothing more will be written."""
        self._ended = True
        self._news.set()

    async def tell(self) -> None:
        """Write pieces until all is written, the last one with ``end``. The bus may be away for a while."""
        try:
            while not self._ended:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(_LOOK_SECONDS):
                        await self._news.wait()
                        await asyncio.sleep(_GATHER_SECONDS)
                self._news.clear()
                await self._tell_written()
            await self._tell_written()
            await _write(self._bus, self._piece(b"", end=True))
            self.complete = True
        finally:
            self.close()

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    async def _tell_written(self) -> None:
        # Read without a thread: what was just written is in memory, and threads may all be busy.
        while self._file is not None and (content := os.pread(self._file, PIECE_BYTES, self._told)):
            await _write(self._bus, self._piece(content))
            self._told += len(content)

    def _piece(self, content: bytes, *, end: bool = False) -> LogPiece:
        return LogPiece(attempt=self._attempt, start=self._told, content=content, end=end)


async def tell_packed(attempt: str, packed: Path | None, bus: BuilderBus) -> None:
    """Tell the whole log of an attempt that was cut off, from the compressed file that is kept of it."""
    start = 0
    if packed is not None:
        pieces = _pieces(packed)
        while content := await asyncio.to_thread(next, pieces, b""):
            await _write(bus, LogPiece(attempt=attempt, start=start, content=content))
            start += len(content)
    await _write(bus, LogPiece(attempt=attempt, start=start, content=b"", end=True))


def _pieces(packed: Path) -> Iterator[bytes]:
    with contextlib.suppress(OSError, EOFError), gzip.open(packed, "rb") as stream:
        while content := stream.read(PIECE_BYTES):
            yield content


async def _write(bus: BuilderBus, piece: LogPiece) -> None:
    patience = Patience()
    while True:
        try:
            await bus.write_log(piece)
        except BusError:
            await patience.wait()
        else:
            return
