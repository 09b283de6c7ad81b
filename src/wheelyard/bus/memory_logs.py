"""All logs of the in-process bus; the oldest go when there are too many.

They are there to be followed while a job runs: for keeping, a builder uploads the log of an attempt.
"""

import asyncio
import tempfile
from collections import OrderedDict
from collections.abc import AsyncIterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from wheelyard.bus.memory_log import AttemptLog
from wheelyard.bus.pieces import cut
from wheelyard.bus.pulse import Pulse
from wheelyard.bus_ports import LogPiece


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLimits:
    """How much of logs is kept: bytes of one attempt, bytes of all together, and how many of them."""

    attempt_bytes: int = 512 << 20
    total_bytes: int = 4 << 30
    attempts: int = 1000


class MemoryLogs:
    """Logs by attempt and builder. ``folder`` is for the long ones; without it there is a temporary one."""

    def __init__(self, *, folder: Path | None, limits: LogLimits) -> None:
        self._limits = limits
        self._folder = folder
        self._temporary: tempfile.TemporaryDirectory[str] | None = None
        self._logs: OrderedDict[tuple[str, str], AttemptLog] = OrderedDict()
        self._numbers = count(1)
        self._pulse = Pulse()
        self._closed = False

    async def write(self, builder: str, piece: LogPiece) -> None:
        """Add to the log that a builder writes about an attempt."""
        key = (piece.attempt, builder)
        if key not in self._logs:
            folder = await asyncio.to_thread(self._open_folder)
            path = folder / f"log-{next(self._numbers)}"
            new = AttemptLog(piece.attempt, path=path, most=self._limits.attempt_bytes)
            self._logs.setdefault(key, new)
            self._pulse.beat()
        log = self._logs[key]
        for part in cut(piece):
            await log.add(part)
        await self._keep_within_limits()

    async def follow(self, attempt: str, *, start: int, builder: str) -> AsyncIterator[LogPiece]:
        """Yield the pieces of an attempt's log to its end, waiting for the first one, too."""
        while not self._closed:
            log = self._find(attempt, builder)
            if log is None:
                await self._pulse.wait()
                continue
            async for piece in log.follow(start):
                yield piece
            return

    async def close(self) -> None:
        """End all followers and remove all files."""
        self._closed = True
        for log in self._logs.values():
            await log.end()
        self._logs.clear()
        self._pulse.beat()
        if self._temporary is not None:
            await asyncio.to_thread(self._temporary.cleanup)

    def _find(self, attempt: str, builder: str) -> AttemptLog | None:
        if builder:
            return self._logs.get((attempt, builder))
        return next((log for (name, _), log in self._logs.items() if name == attempt), None)

    def _open_folder(self) -> Path:
        if self._folder is None:
            self._temporary = tempfile.TemporaryDirectory(prefix="wheelyard-logs-")
            self._folder = Path(self._temporary.name)
        elif not self._logs:
            # A process that was killed left its own behind, and nobody can follow them any more.
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            for path in self._folder.glob("log-*"):
                path.unlink(missing_ok=True)
        return self._folder

    async def _keep_within_limits(self) -> None:
        while len(self._logs) > 1 and (
            len(self._logs) > self._limits.attempts
            or sum(log.size for log in self._logs.values()) > self._limits.total_bytes
        ):
            _, oldest = self._logs.popitem(last=False)
            await oldest.end()
