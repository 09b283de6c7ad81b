"""Asks a program of the machine what it is. One that is broken, or hangs, has not answered."""

import asyncio
import os
import signal
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

_SECONDS = 20


async def said_by(
    command: Sequence[str], *, folder: Path | None = None, seconds: float = _SECONDS
) -> str:
    """Return what a program prints, or nothing where it cannot be run or does not end in time."""
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            cwd=folder,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError:
        return ""  # not for this processor, or no program at all
    try:
        async with asyncio.timeout(seconds):
            output, _ = await process.communicate()
    except TimeoutError:
        return ""
    finally:
        # Those that it started may hold its output open.
        if process.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
    return output.decode(errors="replace")
