"""New versions of recipes: the index, the forges and the registries, joined with what is kept."""

import time
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from wheelyard.blobs.folder import FolderBlobs
from wheelyard.campaign_ports import SeenVersion
from wheelyard.store.folder import StateFolder
from wheelyard.upstream.address import Keyring
from wheelyard.upstream.client import IndexUpstream
from wheelyard.upstream.git import Git
from wheelyard.upstream.installers import certificate_file, default_index
from wheelyard.upstream.settings import UpstreamSettings
from wheelyard.upstream.transport import Transport, wait
from wheelyard.upstream.versions.asking import VersionSources
from wheelyard.upstream.versions.keeping import SightingsFolder
from wheelyard.upstream.versions.watching import Seen, VersionWatch


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


async def show_on_site(state: Path, looked: Iterable[Seen]) -> None:
    """Keep what sources said for the pages of the farm whose state folder this is."""
    found = [
        SeenVersion(
            package=seen.watched.name,
            source=one.kind,
            at=datetime.fromtimestamp(one.asked, UTC),
            version=next(iter(one.versions), ""),
            current=seen.watched.version,
            error=one.error,
            again=datetime.fromtimestamp(one.again, UTC) if one.error else None,
        )
        for seen in looked
        for one in seen.sightings
    ]
    async with await StateFolder.open(state) as folder:
        await folder.campaigns.seen(found)


def sightings(state: Path) -> SightingsFolder:
    """Return what was seen of new versions."""
    return SightingsFolder(state / "cache" / "versions")


@asynccontextmanager
async def open_versions(settings: VersionSettings) -> AsyncIterator[Versions]:
    """Open all that new versions are looked for with."""
    upstream_settings = UpstreamSettings(
        indexes=settings.indexes or (default_index(),),
        cache=settings.state / "cache",
        offline=settings.offline,
        retries=settings.retries,
        ca_file=certificate_file(),
    )
    blobs = FolderBlobs(settings.state / "blobs", own=settings.state)
    transport = Transport(upstream_settings, Keyring(()), delay=wait)
    async with IndexUpstream(settings=upstream_settings, blobs=blobs) as upstream:
        sources = VersionSources(
            index=upstream,
            transport=transport,
            git=Git(seconds=120),
            addresses=settings.addresses,
        )
        watch = VersionWatch(sources, sightings(settings.state), now=time.time)
        try:
            yield Versions(watch=watch, upstream=upstream)
        finally:
            await transport.close()
