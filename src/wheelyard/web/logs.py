"""Logs of attempts: of one that runs from the bus, of one that ended from the blobs.

Both are the same bytes, so that an offset in one is an offset in the other.
"""

import asyncio
import gzip
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from pathlib import Path
from typing import BinaryIO, cast

from wheelyard.bus_ports import Bus, LogPiece
from wheelyard.errors import BusError
from wheelyard.jobs.job import Job, State
from wheelyard.jobs.selection import Selection
from wheelyard.model.job import Attempt
from wheelyard.ports import Blobs
from wheelyard.web.ports import Jobs

_PIECE_BYTES = 64 * 1024
_AHEAD = 16


class LogReader:
    """Reads logs."""

    def __init__(self, *, jobs: Jobs, bus: Bus, blobs: Blobs) -> None:
        self._jobs = jobs
        self._bus = bus
        self._blobs = blobs

    async def attempt(self, job: Job, number: int) -> Attempt | None:
        """Return an attempt of a job, 0 being the newest."""
        found = await self._jobs.find_attempts(Selection(keys=(job.key,)), limit=1000)
        return next((one for one in found if number in {0, one.number}), None)

    def runs(self, job: Job, attempt: Attempt) -> bool:
        """Whether an attempt goes on."""
        return job.state is State.LEASED and attempt.number == job.attempt

    def kept(self, attempt: Attempt | None) -> Path | None:
        """Return the compressed log that is kept of an attempt, where there is one."""
        digest = attempt.report.log_digest if attempt and attempt.report else ""
        return self._blobs.path(digest) if digest else None

    async def read_kept(self, packed: Path, start: int) -> AsyncGenerator[bytes, None]:
        """Yield a kept log from an offset on."""
        stream = await asyncio.to_thread(_open, packed, start)
        try:
            while content := await asyncio.to_thread(stream.read, _PIECE_BYTES):
                yield content
        finally:
            await asyncio.to_thread(stream.close)

    async def read_so_far(
        self, job: Job, start: int, *, quiet: float
    ) -> AsyncGenerator[bytes, None]:
        """Yield what is there of a running log; it is over when nothing comes for a while."""
        async with aclosing(self.follow(job.key, job.fence, job.builder, start, quiet)) as pieces:
            async for piece in pieces:
                if piece is None:
                    return
                yield piece.content

    async def follow(
        self, key: str, fence: int, builder: str, start: int, quiet: float
    ) -> AsyncGenerator[LogPiece | None, None]:
        """Yield a running log from an offset on, and None whenever nothing came for ``quiet`` seconds."""
        pieces = self._bus.follow_log(f"{key}.{fence}", start=start, builder=builder)
        ahead: asyncio.Queue[LogPiece | None] = asyncio.Queue(_AHEAD)
        pump = asyncio.create_task(_pump(pieces, ahead))
        try:
            while True:
                piece: LogPiece | None = None
                try:
                    async with asyncio.timeout(quiet):
                        piece = await ahead.get()
                except TimeoutError:
                    yield None
                    continue
                if piece is None:
                    return
                yield piece
                if piece.end:
                    return
        finally:
            pump.cancel()
            await asyncio.gather(pump, return_exceptions=True)


async def _pump(pieces: AsyncIterator[LogPiece], ahead: "asyncio.Queue[LogPiece | None]") -> None:
    try:
        async for piece in pieces:
            await ahead.put(piece)
    except BusError:
        # The reader comes again, from where it was.
        pass
    await ahead.put(None)


def _open(packed: Path, start: int) -> BinaryIO:
    stream = gzip.open(packed, "rb")  # noqa: SIM115 - its reader closes it
    stream.seek(start)
    return cast("BinaryIO", stream)
