"""New versions of recipes: the index, the forges and the registries, joined with what is kept."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from wheelyard.blobs.folder import FolderBlobs
from wheelyard.campaign_ports import SeenVersion, VersionLook
from wheelyard.errors import RefusedEditError, WheelyardError
from wheelyard.migrate.feedstock import Feedstock
from wheelyard.migrate.newest.watched import watched_of
from wheelyard.model.sighting import Sighting
from wheelyard.ports import Memory
from wheelyard.recipes.answers import RecordedAnswers, Recorder
from wheelyard.recipes.edits import to_version
from wheelyard.recipes.evaluate import evaluate
from wheelyard.recipes.evaluated import Variant
from wheelyard.store.folder import StateFolder
from wheelyard.upstream.address import Keyring
from wheelyard.upstream.answers import NetworkAnswers
from wheelyard.upstream.client import IndexUpstream
from wheelyard.upstream.git import Git
from wheelyard.upstream.installers import certificate_file, default_index
from wheelyard.upstream.settings import UpstreamSettings
from wheelyard.upstream.transport import Transport, wait
from wheelyard.upstream.versions.asking import VersionSources
from wheelyard.upstream.versions.keeping import SightingsFolder, SightingsMemory
from wheelyard.upstream.versions.watching import Kept, Seen, VersionWatch
from wheelyard.wiring.release_requirements import index_name, release_differences

_NO_SOURCE_SECONDS = 24 * 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionSettings:
    """Where versions are asked for; ``addresses`` (by kind) stand in for those of the recipes."""

    state: Path
    indexes: tuple[str, ...] = ()
    addresses: Mapping[str, str] = field(default_factory=dict)
    offline: bool = False
    retries: int = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Versions:
    """What ``open_versions`` gives: the watch, and the index that METADATA is read from."""

    watch: VersionWatch
    upstream: IndexUpstream


async def show_on_site(state: Path, looked: Iterable[Seen], *, database: str = "") -> None:
    """Keep what sources said for the pages of the farm whose state folder, or database, this is."""
    found = [one for seen in looked for one in _seen_versions(seen.watched.name, seen)]
    async with await StateFolder.open(state, database=database) as folder:
        await folder.campaigns.seen(found)


def _seen_versions(package: str, seen: Seen) -> tuple[SeenVersion, ...]:
    """Return what the sources of a recipe said; that there is none is said, too."""
    found = tuple(
        SeenVersion(
            package=package,
            source=one.kind,
            at=_moment(one.asked),
            version=_shown(seen, one),
            current=seen.watched.version,
            error=one.error,
            again=_moment(one.again) if one.error else None,
        )
        for one in _last_of_each_kind(seen.sightings)
    )
    if found:
        return found
    why = next((why for _, why in seen.choice.passed), "no source of it shows versions")
    now, here = datetime.now(UTC), seen.watched.version
    return (SeenVersion(package=package, source="none", at=now, current=here, error=why),)


def _shown(seen: Seen, one: Sighting) -> str:
    """Return the version to go to, where a source has it; else the newest that it has."""
    chosen = seen.choice.version
    return chosen if chosen in one.versions else next(iter(one.versions), "")


def _last_of_each_kind(sightings: Iterable[Sighting]) -> Iterable[Sighting]:
    """Return one sighting of a kind, one with an error before others: there is one line for each kind."""
    found: dict[str, Sighting] = {}
    for one in sightings:
        if one.kind not in found or (one.error and not found[one.kind].error):
            found[one.kind] = one
    return found.values()


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


class RecipeVersions:
    """The ``NewVersions`` port of campaigns: sources are asked as far as it is their time."""

    def __init__(self, versions: "Versions", settings: UpstreamSettings) -> None:
        self._versions = versions
        self._settings = settings

    async def look(self, package: str, feedstock: Feedstock) -> VersionLook:
        """Ask what is due, and return what is known. Raises RecipeError where the recipe cannot be read."""
        watched = await asyncio.to_thread(watched_of, feedstock)
        seen = await self._versions.watch.look(watched)
        again = min((one.again for one in seen.sightings), default=time.time() + _NO_SOURCE_SECONDS)
        return VersionLook(
            current=watched.version,
            again=_moment(again),
            version=seen.choice.version,
            seen=_seen_versions(package, seen),
        )

    async def remarks(self, feedstock: Feedstock, version: str) -> tuple[str, ...]:
        """Say what a release requires otherwise than the recipe; nothing where its index does not tell."""
        try:
            recipe = await asyncio.to_thread(evaluate, feedstock.parsed, Variant())
            if not index_name(recipe):
                return ()
            found = await release_differences(self._versions.upstream, feedstock, version)
        except WheelyardError:
            return ()
        return tuple(
            f"{one.section}: {one.wanted}"
            + (f", where {one.written} stands" if one.written else "")
            for one in found
            if one.is_mended
        )

    async def answers(self, feedstock: Feedstock, version: str) -> RecordedAnswers:
        """Make the edit with what the network tells, and return what that was. Raises RefusedEditError."""
        async with NetworkAnswers(self._settings, asyncio.get_running_loop()) as network:
            recorder = Recorder(network)
            try:
                await asyncio.to_thread(to_version, feedstock.parsed, version, recorder)
            except RefusedEditError as error:
                hint = network.faults[-1] if network.faults else error.hint
                raise RefusedEditError(error.message, hint=hint) from error
            return recorder.recorded


def sightings(state: Path) -> SightingsFolder:
    """Return what was seen of new versions."""
    return SightingsFolder(state / "cache" / "versions")


def _upstream_settings(settings: VersionSettings) -> UpstreamSettings:
    return UpstreamSettings(
        indexes=settings.indexes or (default_index(),),
        cache=settings.state / "cache",
        offline=settings.offline,
        retries=settings.retries,
        ca_file=certificate_file(),
    )


@asynccontextmanager
async def open_recipe_versions(
    settings: VersionSettings, memory: Memory
) -> AsyncIterator[RecipeVersions]:
    """Open what campaigns look for new versions with; what was answered is kept in the farm's memory."""
    async with open_versions(settings, kept=SightingsMemory(memory)) as versions:
        yield RecipeVersions(versions, _upstream_settings(settings))


@asynccontextmanager
async def open_versions(
    settings: VersionSettings, *, kept: Kept | None = None
) -> AsyncIterator[Versions]:
    """Open all that new versions are looked for with."""
    upstream_settings = _upstream_settings(settings)
    blobs = FolderBlobs(settings.state / "blobs", own=settings.state)
    transport = Transport(upstream_settings, Keyring(()), delay=wait)
    async with IndexUpstream(settings=upstream_settings, blobs=blobs) as upstream:
        sources = VersionSources(
            index=upstream,
            transport=transport,
            git=Git(seconds=120),
            addresses=settings.addresses,
        )
        watch = VersionWatch(sources, kept or sightings(settings.state), now=time.time)
        try:
            yield Versions(watch=watch, upstream=upstream)
        finally:
            await transport.close()
