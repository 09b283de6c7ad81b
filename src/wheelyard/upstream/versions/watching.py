"""Looks for new versions of recipes: asks what is due, keeps what was answered, chooses.

A source that fails is asked later each time; what it said before still counts meanwhile.
"""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from wheelyard.errors import InvalidNameError, UpstreamError
from wheelyard.migrate.newest.choosing import Choice, choose
from wheelyard.migrate.newest.origins import Origin, origins_of
from wheelyard.migrate.newest.watched import Watched
from wheelyard.model.sighting import Sighting, failed, seen
from wheelyard.recipes.version_order import Version, version_of
from wheelyard.upstream.versions.asking import VersionSources


class Kept(Protocol):
    """Where sightings are kept."""

    async def last(self, blank: Sighting) -> Sighting:
        """Return what was last seen by the same question as that of a blank sighting, or the blank one."""
        ...

    async def keep(self, sighting: Sighting) -> None:
        """Keep a sighting in place of the one before. Raises StoreError."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What there is of a recipe: what each source said, and the version to go to."""

    watched: Watched
    sightings: tuple[Sighting, ...]
    choice: Choice
    origin: str = ""
    """Which kind of source has the chosen version."""


class VersionWatch:
    """Looks recipes up; ``now`` tells the seconds since 1970, ``at_once`` how many are asked together."""

    def __init__(
        self,
        sources: VersionSources,
        kept: Kept,
        *,
        now: Callable[[], float],
        at_once: int = 8,
    ) -> None:
        self._sources = sources
        self._kept = kept
        self._now = now
        self._places = asyncio.Semaphore(at_once)

    async def look(self, watched: Watched, *, anew: bool = False) -> Seen:
        """Return what there is; ``anew``: sources are asked that are not due yet, too."""
        wish = watched.wish
        urls, gits = watched.urls, watched.git_urls
        origins = origins_of(urls, gits, watched.version, only=wish.sources)
        if wish.skip:
            origins = ()
        asked = (self._asked(origin, watched, anew=anew) for origin in origins)
        sightings = tuple(await asyncio.gather(*asked))
        versions = [version for one in sightings for version in one.versions]
        choice = choose(watched.version, versions, wish)
        has = (one.kind for one in sightings if choice.version in one.versions)
        return Seen(
            watched=watched,
            sightings=sightings,
            choice=choice,
            origin=next(has, "") if choice.version else "",
        )

    async def _asked(self, origin: Origin, watched: Watched, *, anew: bool) -> Sighting:
        now, globs = self._now(), watched.wish.globs
        blank = Sighting(
            kind=origin.kind,
            name=origin.name,
            address=origin.address,
            shape=" ".join((origin.pattern, *globs)),
            asked=now,
        )
        known = await self._kept.last(blank)
        if known is not blank and not anew and not known.is_due(now):
            return known
        try:
            async with self._places:
                found = await self._sources.versions(origin, current=watched.version, globs=globs)
            made = seen(known, _ordered(found), now)
        except (UpstreamError, InvalidNameError) as error:
            made = failed(known, error.message, now)
        await self._kept.keep(made)
        return made


def _ordered(versions: Iterable[str]) -> tuple[str, ...]:
    """Return versions newest first; those that have no order are left out."""
    read: dict[str, Version] = {}
    for version in versions:
        try:
            read[version] = version_of(version)
        except InvalidNameError:
            continue
    return tuple(sorted(read, key=lambda text: (read[text], text), reverse=True))
