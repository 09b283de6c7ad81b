"""Carries SQLite's log of commits over into the database file, beside the one who writes.

SQLite does so itself, in whichever commit has made the log long: every thirtieth lease of a long queue
waited for the disk, and took thirty times as long as the others. Here a thread with a connection of its
own does it a moment after something was written, and keeps nobody from writing meanwhile.
"""

import asyncio
import contextlib
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

PAUSE_SECONDS = 5.0
MANY_COMMITS = 100
LONGEST_LOG_PAGES = 16_000
"""From here on (64 MB) commits carry over after all: the log of one who writes without end begins anew only so."""


class Checkpoints:
    """The checkpoints of one database in one process. Nothing is begun before something was written."""

    def __init__(self, path: Path, *, pause: float = PAUSE_SECONDS) -> None:
        self._path = path
        self._pause = pause
        self._connection: sqlite3.Connection | None = None
        self._thread: ThreadPoolExecutor | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._running: asyncio.Future[None] | None = None
        self._commits = 0

    def wrote(self) -> None:
        """Note that something was written; it is carried over soon, or at once where it is much."""
        self._commits += 1
        if self._commits >= MANY_COMMITS and not self._busy():
            self._begin()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._pause, self._begin)

    async def close(self) -> None:
        """Let go of the database; the connection that is closed last carries over what is left."""
        if self._timer is not None:
            self._timer.cancel()
        if self._thread is not None:
            thread, self._thread = self._thread, None
            await asyncio.get_running_loop().run_in_executor(thread, self._hang_up)
            thread.shutdown()

    def _busy(self) -> bool:
        return self._running is not None and not self._running.done()

    def _begin(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._busy():
            self._timer = asyncio.get_running_loop().call_later(self._pause, self._begin)
            return
        self._commits = 0
        if self._thread is None:
            self._thread = ThreadPoolExecutor(1, thread_name_prefix="wheelyard-checkpoint")
        loop = asyncio.get_running_loop()
        self._running = loop.run_in_executor(self._thread, self._carry_over)

    def _carry_over(self) -> None:
        # What fails here (a full disk, a file that is gone) fails for whoever writes next, and is told there.
        with contextlib.suppress(sqlite3.Error):
            if self._connection is None:
                self._connection = sqlite3.connect(self._path, timeout=0, isolation_level=None)
            # Passive: it passes by what somebody still reads or writes.
            self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()

    def _hang_up(self) -> None:
        if self._connection is not None:
            self._connection.close()
