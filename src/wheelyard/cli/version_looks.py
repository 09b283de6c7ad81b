"""Recipes on disk, looked up: their new versions, and what a release says that it requires."""

import asyncio
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from wheelyard.cli.feedstock_files import read_feedstock
from wheelyard.errors import RecipeError, WheelyardError
from wheelyard.migrate.feedstock import Feedstock
from wheelyard.migrate.newest.requirement_changes import Difference
from wheelyard.migrate.newest.watched import watched_of
from wheelyard.upstream.versions.watching import Seen
from wheelyard.wiring.release_requirements import release_differences
from wheelyard.wiring.versions import Versions, VersionSettings, open_versions, show_on_site

LookSettings = VersionSettings
_NAMES = ("meta.yaml", "recipe.yaml")
_HIDDEN = "."


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """What was found of a recipe, or why nothing was."""

    path: str
    seen: Seen | None = None
    error: str = ""


def recipes_below(path: Path) -> Iterator[Path]:
    """Find recipes: the one that is named, or all below a folder. Raises RecipeError where there is none."""
    if path.is_file():
        yield path
        return
    found = False
    for folder, folders, names in os.walk(path):
        folders[:] = sorted(name for name in folders if not name.startswith(_HIDDEN))
        name = next((name for name in _NAMES if name in names), None)
        if name:
            found = True
            yield Path(folder) / name
    if not found:
        raise RecipeError(f"{path} holds no recipe", hint="Name a meta.yaml or a recipe.yaml.")


async def look_all(
    recipes: Sequence[Path], settings: VersionSettings, *, anew: bool, database: str = ""
) -> list[Looked]:
    """Look for new versions of recipes; one that is broken costs the others nothing."""
    async with open_versions(settings) as versions:
        found = await asyncio.gather(*(_look(path, versions, anew=anew) for path in recipes))
    seen = [one.seen for one in found if one.seen is not None]
    await show_on_site(settings.state, seen, database=database)
    return list(found)


async def look_at_requirements(
    feedstock: Feedstock, version: str, settings: VersionSettings
) -> Sequence[Difference]:
    """Hold a recipe against a release of what it packages. Raises WheelyardError."""
    async with open_versions(settings) as versions:
        return await release_differences(versions.upstream, feedstock, version)


async def _look(path: Path, versions: Versions, *, anew: bool) -> Looked:
    try:
        feedstock, _ = await asyncio.to_thread(read_feedstock, path)
        watched = await asyncio.to_thread(watched_of, feedstock)
        seen = await versions.watch.look(watched, anew=anew)
    except WheelyardError as error:
        return Looked(path=str(path), error=error.message)
    return Looked(path=str(path), seen=seen)
