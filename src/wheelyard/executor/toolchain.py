"""The compilers and the C library of this machine, described for the build key."""

import asyncio
import os
import shutil
from contextlib import suppress

from wheelyard.executor.interpreters import native_platform
from wheelyard.executor.surroundings import SYSTEM_PATH

_TOOLS = ("cc", "c++", "ld", "rustc", "gfortran")


async def describe_toolchain() -> str:
    """Name the C library, and each compiler that builds find, as it says it in its first line."""
    lines = await asyncio.gather(*(_first_line(tool) for tool in _TOOLS))
    named = [f"{tool}: {line}" for tool, line in zip(_TOOLS, lines, strict=True) if line]
    return "; ".join((_c_library(), *named))


def _c_library() -> str:
    """Name the C library that is there now; what a Python remembers of it may be of last year."""
    with suppress(AttributeError, OSError, ValueError):
        if found := os.confstr("CS_GNU_LIBC_VERSION"):
            return found
    return native_platform()


async def _first_line(tool: str) -> str:
    # Not the user's own PATH, which no build sees.
    path = shutil.which(tool, path=":".join(SYSTEM_PATH))
    if path is None:
        return ""
    process = await asyncio.create_subprocess_exec(
        path,
        "--version",
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    output, _ = await process.communicate()
    return output.decode(errors="replace").partition("\n")[0].strip()
