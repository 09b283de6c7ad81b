"""Attempts in a state folder, as commands name them."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from wheelyard.errors import ConfigurationError
from wheelyard.jobs.selection import Selection
from wheelyard.model.job import Attempt
from wheelyard.model.release import project_name
from wheelyard.wiring.keeping import Archive, open_archive

Result = TypeVar("Result")
_FEWEST_DIGITS = 6


def with_archive(state: Path | None, work: Callable[[Archive], Awaitable[Result]]) -> Result:
    """Do some work with what a state folder keeps, and return its result."""

    async def run() -> Result:
        async with open_archive(state) as archive:
            return await work(archive)

    return asyncio.run(run())


async def find_attempt(archive: Archive, name: str) -> Attempt:
    """Find an attempt by number, key or project: the newest that fits. Raises ConfigurationError."""
    attempt = await archive.jobs.attempt(name)
    if attempt is not None:
        return attempt
    keys = await archive.jobs.keys(name) if _is_hexadecimal(name) else ()
    selection = Selection(keys=tuple(keys)) if keys else Selection(project=project_name(name))
    found = await archive.jobs.find_attempts(selection, limit=1)
    if not found:
        raise ConfigurationError(
            f"there is no attempt {name!r}", hint="'wheelyard job list' shows which there are."
        )
    return found[0]


def _is_hexadecimal(text: str) -> bool:
    return len(text) >= _FEWEST_DIGITS and all(letter in "0123456789abcdef" for letter in text)
