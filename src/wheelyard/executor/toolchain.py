"""The compilers of this machine, described for the build key and for those who choose a builder."""

import asyncio
import re
import shutil

from wheelyard.executor.surroundings import SYSTEM_PATH

_TOOLS = ("cc", "c++", "rustc", "gfortran")
_FACTS = (*_TOOLS, "cargo")
_VERSION = re.compile(r"(?<![\w.])\d+(?:\.\d+)+")


async def describe_toolchain() -> str:
    """Name each compiler that builds find with its version, as it says it in its first line."""
    lines = await asyncio.gather(*(_first_line(tool) for tool in _TOOLS))
    return "; ".join(f"{tool}: {line}" for tool, line in zip(_TOOLS, lines, strict=True) if line)


async def tool_versions() -> dict[str, str]:
    """Return the version of each compiler that builds find."""
    lines = await asyncio.gather(*(_first_line(tool) for tool in _FACTS))
    return {
        tool: found[-1]
        for tool, line in zip(_FACTS, lines, strict=True)
        if (found := _VERSION.findall(line))
    }


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
