"""Watches the compiler commands that a build across has caught: told while it runs, kept when it ends."""

import asyncio
import contextlib
import gzip
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from wheelyard.cross.calls import Call, count, last_failed, told
from wheelyard.errors import StoreError
from wheelyard.executor.calls import Trace
from wheelyard.executor.outcomes import Stopped
from wheelyard.executor.shims import TRACE
from wheelyard.model.caught import Caught
from wheelyard.ports import Blobs

if TYPE_CHECKING:
    from wheelyard.executor.attempt import Attempt

_PERIOD = 0.25
_MOST_REMARKS = 5000
_LONGEST_NAME = 300
_KEPT_BYTES = 64 << 20


@asynccontextmanager
async def watched(attempt: "Attempt", folder: Path) -> AsyncIterator[None]:
    """Tell what is caught meanwhile in a folder of shims; a build that stops shows the command that failed."""
    if attempt.across is None:
        yield
        return
    watcher = _Watcher(attempt, Trace(await asyncio.to_thread(_place, folder)))
    watching = asyncio.create_task(watcher.run())
    try:
        yield
    except Stopped:
        await watcher.end(watching)
        for line in _failure(attempt.calls):
            attempt.log.note(line)
        raise
    finally:
        await watcher.end(watching)


def _place(folder: Path) -> Path:
    return next(iter(folder.glob(f"*/{TRACE}")), folder / TRACE)


class _Watcher:
    """Reads a trace on, and tells of each command; the log gets a line for it, which pages show as it grows."""

    def __init__(self, attempt: "Attempt", trace: Trace) -> None:
        self._attempt = attempt
        self._trace = trace
        self._told = 0
        self._ending = asyncio.Event()

    async def run(self) -> None:
        """Tell until the end."""
        while not self._ending.is_set():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_PERIOD):
                    await self._ending.wait()
            await asyncio.to_thread(self._trace.read)
            self._tell()

    async def end(self, watching: "asyncio.Task[None]") -> None:
        """Tell the rest."""
        self._ending.set()
        await asyncio.wait({watching})
        self._attempt.calls = tuple(self._trace.calls)

    def _tell(self) -> None:
        new, attempt = self._trace.calls[self._told :], self._attempt
        if new:
            attempt.caught(_caught(self._trace.calls))
        for call in new[: max(0, _MOST_REMARKS - self._told)]:
            if not call.is_probe:
                attempt.log.remark(_ended(call))
        self._told += len(new)


def _ended(call: Call) -> str:
    """Say in a line how a command ended."""
    what = f"{call.tool} {call.source}" if call.source else call.what
    if call.refused:
        return f"{what[:_LONGEST_NAME]}: refused: {call.refused}"
    failed = f", exit {call.exit}" if call.exit else ""
    return f"{what[:_LONGEST_NAME]}: {call.milliseconds:.0f} ms{failed}"


def _caught(calls: Sequence[Call]) -> Caught:
    counted = count(calls)
    return Caught(
        calls=counted.calls,
        compiled=counted.compiled,
        failed=counted.failed,
        what=calls[-1].what if calls else "",
    )


def _failure(calls: Sequence[Call]) -> Sequence[str]:
    failed = last_failed(calls)
    return [] if failed is None else list(told(failed))


async def keep(attempt: "Attempt", blobs: Blobs) -> str:
    """Keep the trace of an attempt, compressed and without its recipe's secrets; return its digest."""
    if not attempt.calls:
        return ""
    packed = attempt.folder / "calls.gz"
    with contextlib.suppress(OSError, StoreError):
        await asyncio.to_thread(_pack, attempt, packed)
        return await blobs.add_file(packed)
    return ""  # a full disk must not hide how the attempt ended


def _pack(attempt: "Attempt", packed: Path) -> None:
    size = 0
    with packed.open("wb") as stream, gzip.GzipFile("", "wb", 6, stream, mtime=0) as lines:
        for call in attempt.calls:
            line = attempt.mask.text(call.line()).encode()
            size += len(line)
            if size > _KEPT_BYTES:
                break
            lines.write(line)
