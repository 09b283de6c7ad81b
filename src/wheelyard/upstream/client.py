"""The upstream port: indexes in order, and everything that lies below them.

The first index that has a project is the only one asked about it, whatever the others have: a
stranger who takes a private project's name on a public index changes nothing. An index that fails is
not one that lacks the project, and ends the search.
"""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from wheelyard.errors import NotUpstreamError, UpstreamError
from wheelyard.model.artifact import Artifact, Origin
from wheelyard.model.release import ProjectName, Release
from wheelyard.model.source import FileEntry, ProjectPage, Source, SourceFacts, SourceKind
from wheelyard.ports import Blobs, DirectSource
from wheelyard.upstream.address import Keyring
from wheelyard.upstream.archive import ReadLimits
from wheelyard.upstream.core_metadata import check_identity, parse_metadata
from wheelyard.upstream.downloads import Downloads, Wanted
from wheelyard.upstream.files import source_of
from wheelyard.upstream.flights import Flights
from wheelyard.upstream.git import Git
from wheelyard.upstream.index import Index, open_index
from wheelyard.upstream.metadata import MetadataReader
from wheelyard.upstream.page_cache import PageCache
from wheelyard.upstream.references import Reference, parse_reference
from wheelyard.upstream.settings import UpstreamSettings
from wheelyard.upstream.sources import Sources
from wheelyard.upstream.static import (
    StaticFiles,
    facts_of,
    metadata_of,
    read_static,
    release_of,
)
from wheelyard.upstream.static_cache import StaticCache
from wheelyard.upstream.transport import Delay, Transport, wait
from wheelyard.upstream.wheels import wheel_identity, wheel_metadata


class IndexUpstream:
    """Reads indexes, fetches files. Close it in the end, or use it in ``async with``."""

    def __init__(
        self,
        *,
        settings: UpstreamSettings,
        blobs: Blobs,
        now: Callable[[], float] = time.time,
        delay: Delay = wait,
        netrc_file: Path | None = None,
    ) -> None:
        self._settings = settings
        self._blobs = blobs
        self._keyring = Keyring(settings.indexes, netrc_file=netrc_file)
        self._transport = Transport(settings, self._keyring, delay=delay)
        cache = PageCache(settings.cache)
        self._indexes: tuple[Index, ...] = tuple(
            open_index(text, transport=self._transport, cache=cache, settings=settings, now=now)
            for text in settings.indexes
        )
        self._pages: Flights[ProjectPage] = Flights()
        self._downloads = Downloads(settings, self._transport, blobs, now=now)
        self._sources = Sources(
            settings,
            self._downloads,
            blobs,
            self._keyring,
            git=Git(seconds=settings.git_seconds),
        )
        self._kept = StaticCache(settings.cache)
        self._metadata = MetadataReader(
            settings, self._transport, self._downloads, read_static=self._static_of_entry
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        await self._transport.close()

    async def page(self, project: ProjectName) -> ProjectPage:
        """Return what the first index that has the project says. Raises NotUpstreamError."""
        return await self._pages.join(project, lambda: self._page(project))

    async def metadata(self, page: ProjectPage, release: Release) -> bytes:
        """Return the METADATA of a release, by the cheapest way there is. Raises UpstreamError."""
        return await self._metadata.read(page, release)

    async def fetch(self, source: Source) -> Source:
        """Bring a source into the blobs, checked. Raises UpstreamError."""
        return await self._sources.bring(source)

    async def fetch_wheel(self, entry: FileEntry) -> Artifact:
        """Bring a wheel into the blobs, checked against its own name. Raises UpstreamError."""
        release, tags = wheel_identity(entry.filename)
        digest = await self._downloads.bring(
            Wanted(url=entry.url, filename=entry.filename, digest=entry.digest, size=entry.size)
        )
        limit = self._settings.metadata_bytes
        with await self._downloads.open(digest) as stream:
            content = await asyncio.to_thread(
                wheel_metadata, stream, entry.filename, release, limit
            )
            size = stream.seek(0, 2)
        check_identity(content, release, entry.filename)
        metadata = parse_metadata(content)
        return Artifact(
            filename=entry.filename,
            digest=digest,
            size=size,
            release=release,
            tags=tags,
            origin=Origin.UPSTREAM,
            requires_python=metadata.requires_python,
            requires_dist=metadata.requires_dist,
            metadata_digest=await self._blobs.add_bytes(content),
            yanked=entry.yanked,
        )

    async def wheel_files(self, entry: FileEntry) -> tuple[str, ...]:
        """Return the paths in a wheel without fetching the whole of it. Raises UpstreamError."""
        return await self._metadata.wheel_files(entry)

    async def facts(self, source: Source) -> SourceFacts:
        """Read what a source says about itself; fetch it first where it is not here yet."""
        return facts_of(await self._static(await self._sources.bring(source)))

    async def direct(self, reference: str) -> DirectSource:
        """Look at a direct reference, and bring what it means into the blobs."""
        parsed = await asyncio.to_thread(parse_reference, reference)
        self._keyring.learn(parsed.written)
        if parsed.source.kind is SourceKind.GIT:
            source = await self._sources.git(parsed.source, parsed.revision)
        else:
            source = await self._sources.bring(parsed.source)
        files = await self._static(source)
        built = source.kind is SourceKind.SDIST
        release = release_of(files, built=built)
        _check_project(parsed, release)
        metadata = metadata_of(files, release, built=built) if release is not None else None
        return DirectSource(source=source, release=release, metadata=metadata)

    async def _page(self, project: ProjectName) -> ProjectPage:
        for index in self._indexes:
            page = await index.page(project)
            if page is not None:
                return page
        asked = ", ".join(index.address for index in self._indexes) or "no index"
        raise NotUpstreamError(
            f"{project!r} is not on {asked}",
            hint="Check the spelling, or name another index with --index.",
        )

    async def _static(self, source: Source) -> StaticFiles:
        """Return what a source says about itself; it is in the blobs."""
        kept = await asyncio.to_thread(self._kept.read, source)
        if kept is None:
            kept = await self._read_static(source)
            await asyncio.to_thread(self._kept.write, source, kept)
        return kept

    async def _read_static(self, source: Source) -> StaticFiles:
        limits = ReadLimits(
            member_bytes=self._settings.metadata_bytes, total_bytes=self._settings.unpacked_bytes
        )
        with await self._downloads.open(source.archive) as stream:
            return await asyncio.to_thread(
                read_static,
                stream,
                source.filename,
                subdirectory=source.subdirectory,
                limits=limits,
            )

    async def _static_of_entry(self, entry: FileEntry, page: ProjectPage) -> StaticFiles:
        return await self._static(await self._sources.bring(source_of(page, entry)))


def _check_project(reference: Reference, release: Release | None) -> None:
    if release and reference.project and release.project != reference.project:
        raise UpstreamError(
            f"{reference.source.location} is {release.project!r}, not {reference.project!r}",
            hint="Correct the name before the '@'.",
        )
