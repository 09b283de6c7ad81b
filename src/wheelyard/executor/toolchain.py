"""The compilers of this machine, described for the build key."""

import asyncio
import shutil
from collections.abc import Sequence
from pathlib import Path

from wheelyard.executor.surroundings import SYSTEM_PATH

_TOOLS = ("cc", "c++", "rustc", "gfortran")


async def describe_toolchain(folders: Sequence[Path] = ()) -> str:
    """Name each compiler that builds find with its version, as it says it in its first line.

    ``folders``: those beside the system's own whose ``bin`` builds have on PATH.
    """
    # Not the user's own PATH, which no build sees.
    places = ":".join((*(str(folder / "bin") for folder in folders), *SYSTEM_PATH))
    lines = await asyncio.gather(*(_first_line(tool, places) for tool in _TOOLS))
    return "; ".join(f"{tool}: {line}" for tool, line in zip(_TOOLS, lines, strict=True) if line)


async def _first_line(tool: str, places: str) -> str:
    path = shutil.which(tool, path=places)
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
