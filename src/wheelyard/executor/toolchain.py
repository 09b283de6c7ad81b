"""The compilers and the C library of this machine, described for the build key and for those who choose a builder."""

import asyncio
import os
import re
import shutil
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from wheelyard.executor.asking import said_by
from wheelyard.executor.interpreters import native_platform
from wheelyard.executor.surroundings import SYSTEM_PATH

_TOOLS = ("cc", "c++", "ld", "rustc", "gfortran")
_FACTS = ("cc", "c++", "rustc", "gfortran", "cargo")
_VERSION = re.compile(r"(?<![\w.])\d+(?:\.\d+)+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Toolchain:
    """``text`` says all that shapes compiled code; ``tools`` names the compilers that are there."""

    text: str
    tools: tuple[str, ...]


async def describe_toolchain(folders: Sequence[Path] = ()) -> Toolchain:
    """Name the C library, and each compiler that builds find, as it says it in its first line.

    ``folders``: those beside the system's own whose ``bin`` builds have on PATH.
    """
    lines = await _first_lines(_TOOLS, folders)
    named = (f"{tool}: {line}" for tool, line in lines.items())
    return Toolchain(text="; ".join((_c_library(), *named)), tools=tuple(lines))


async def tool_versions(folders: Sequence[Path] = ()) -> dict[str, str]:
    """Return the version of each compiler that builds find."""
    lines = await _first_lines(_FACTS, folders)
    return {tool: found[-1] for tool, line in lines.items() if (found := _VERSION.findall(line))}


def _c_library() -> str:
    """Name the C library that is there now; what a Python remembers of it may be of last year."""
    with suppress(AttributeError, OSError, ValueError):
        if found := os.confstr("CS_GNU_LIBC_VERSION"):
            return found
    return native_platform()


async def _first_lines(tools: Sequence[str], folders: Sequence[Path]) -> dict[str, str]:
    """Return what each tool says of itself, where it is there. Not on the user's own PATH, which no build sees."""
    places = ":".join((*(str(folder / "bin") for folder in folders), *SYSTEM_PATH))
    lines = await asyncio.gather(*(_first_line(tool, places) for tool in tools))
    return {tool: line for tool, line in zip(tools, lines, strict=True) if line}


async def _first_line(tool: str, places: str) -> str:
    path = shutil.which(tool, path=places)
    said = "" if path is None else await said_by((path, "--version"))
    return said.partition("\n")[0].strip()
