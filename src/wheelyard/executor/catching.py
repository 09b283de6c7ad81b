"""Watches the compiler commands that a build across has caught: told while it runs, kept when it ends."""

import asyncio
import contextlib
import gzip
import time
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

_PERIOD, _NOTE_PERIOD = 0.25, 5.0
_KEPT_BYTES = 64 << 20


@asynccontextmanager
async def watched(attempt: "Attempt", folder: Path) -> AsyncIterator[None]:
    """Tell what is caught meanwhile in a folder of shims; a build that stops shows the command that failed."""
    if attempt.across is None:
        yield
        return
    trace = Trace(await asyncio.to_thread(_place, folder))
    watching = asyncio.create_task(_tell(attempt, trace))
    try:
        yield
    except Stopped:
        await _end(attempt, trace, watching)
        for line in _failure(trace.calls):
            attempt.log.note(line)
        raise
    finally:
        await _end(attempt, trace, watching)


def _place(folder: Path) -> Path:
    return next(iter(folder.glob(f"*/{TRACE}")), folder / TRACE)


async def _end(attempt: "Attempt", trace: Trace, watching: "asyncio.Task[None]") -> None:
    if watching.cancel():
        await asyncio.wait({watching})
    await asyncio.to_thread(trace.read)
    attempt.calls = tuple(trace.calls)
    if attempt.calls:
        attempt.caught(_caught(trace.calls))


async def _tell(attempt: "Attempt", trace: Trace) -> None:
    """Read on, and tell; the log gets a line now and then, which pages show as it grows."""
    noted = time.monotonic()
    while True:
        await asyncio.sleep(_PERIOD)
        if not await asyncio.to_thread(trace.read):
            continue
        caught = _caught(trace.calls)
        attempt.caught(caught)
        if time.monotonic() - noted > _NOTE_PERIOD:
            noted = time.monotonic()
            attempt.log.note(f"{caught.compiled} files compiled so far, now {caught.what}")


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
