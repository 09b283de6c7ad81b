"""The upstream port: indexes in order, and everything that lies below them.

The first index that has a project is the only one asked about it, whatever the others have: a
stranger who takes a private project's name on a public index changes nothing. An index that fails is
not one that lacks the project, and ends the search.
"""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

from wheelyard.errors import InvalidNameError, NotUpstreamError, UpstreamError
from wheelyard.model.artifact import Artifact, Origin
from wheelyard.model.release import ProjectName, Release, project_name
from wheelyard.model.source import FileEntry, ProjectPage, Source, SourceFacts, SourceKind
from wheelyard.ports import Blobs, DirectSource
from wheelyard.upstream.address import Keyring, bare, is_remote
from wheelyard.upstream.archive import ReadLimits
from wheelyard.upstream.core_metadata import check_identity
from wheelyard.upstream.downloads import Downloads, Wanted
from wheelyard.upstream.files import source_of
from wheelyard.upstream.flights import Flights
from wheelyard.upstream.git import Git
from wheelyard.upstream.histories import Histories
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
    name_of,
    read_static,
    release_of,
    speaks_for_itself,
)
from wheelyard.upstream.static_cache import StaticCache
from wheelyard.upstream.transport import Delay, Transport, shown, wait
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
            git=(git := Git(seconds=settings.git_seconds)),
        )
        self.repositories = Histories(settings, self._keyring, git)
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
        try:
            return await self._sources.bring(source)
        except UpstreamError:
            if not await self._learns_query(source):
                raise
        return await self._sources.bring(source)

    async def fetch_wheel(self, entry: FileEntry) -> Artifact:
        """Bring a wheel into the blobs, checked against its own name. Raises UpstreamError."""
        release, tags = wheel_identity(entry.filename)
        digest = await self._downloads.bring(
            Wanted(url=entry.url, filename=entry.filename, digest=entry.digest, size=entry.size)
        )
        metadata_digest, size = await self._metadata_of(digest, entry.filename, release)
        content = await self._blobs.read(metadata_digest)
        metadata = check_identity(content, release, entry.filename)
        return Artifact(
            filename=entry.filename,
            digest=digest,
            size=size,
            release=release,
            tags=tags,
            origin=Origin.UPSTREAM,
            requires_python=metadata.requires_python,
            requires_dist=metadata.requires_dist,
            metadata_digest=metadata_digest,
            yanked=entry.yanked,
        )

    async def _metadata_of(self, digest: str, filename: str, release: Release) -> tuple[str, int]:
        """Bring a wheel's METADATA into the blobs; return its digest there, and the wheel's size."""
        key, path = f"METADATA of {digest} {filename}", self._blobs.path(digest)
        if path is not None and (known := await self._downloads.recall(key)):
            return known, path.stat().st_size
        limit = self._settings.metadata_bytes
        with await self._downloads.open(digest) as stream:
            content = await asyncio.to_thread(wheel_metadata, stream, filename, release, limit)
            size = stream.seek(0, 2)
        found = await self._blobs.add_bytes(content)
        await self._downloads.remember(key, found)
        return found, size

    async def wheel_files(self, entry: FileEntry) -> tuple[str, ...]:
        """Return the paths in a wheel without fetching the whole of it. Raises UpstreamError."""
        return await self._metadata.wheel_files(entry)

    async def facts(self, source: Source) -> SourceFacts:
        """Read what a source says about itself; fetch it first where it is not here yet."""
        return facts_of(await self._static(await self._sources.bring(source)))

    async def direct(self, reference: str) -> DirectSource:
        """Look at a direct reference, and bring what it means into the blobs."""
        parsed = await asyncio.to_thread(parse_reference, reference)
        self._keyring.learn_reference(parsed.written)
        if parsed.source.kind is SourceKind.GIT:
            source = await self._sources.git(parsed.source, parsed.revision)
        else:
            source = await self._sources.bring(parsed.source)
        files = await self._static(source)
        # An archive that no back end made is a tree: what setuptools left in it may be old.
        built = source.kind is SourceKind.SDIST and files.pkg_info is not None
        known = built or speaks_for_itself(files)
        release = release_of(files, built=built) if known else None
        metadata = metadata_of(files, release, built=built) if release is not None else None
        if release is None and source.kind is not SourceKind.SDIST:
            source = await self._sources.with_history(source)
        project = release.project if release else _project(name_of(files))
        _check_project(parsed, project)
        return DirectSource(
            source=source,
            release=release,
            metadata=metadata,
            project=project or parsed.project,
        )

    async def _page(self, project: ProjectName) -> ProjectPage:
        for index in self._indexes:
            page = await index.page(project)
            if page is not None:
                return self._without_queries(page)
        asked = ", ".join(index.address for index in self._indexes) or "no index"
        raise NotUpstreamError(
            f"{project!r} is not on {asked}",
            hint="Check the spelling, or name another index with --index.",
        )

    async def _learns_query(self, source: Source) -> bool:
        """Look up with what query an index lists a source now: a recorded plan does not say."""
        if not source.index or self._keyring.whole(source.location) != source.location:
            return False
        project = _project(source.filename.rpartition("-")[0])
        with suppress(UpstreamError):
            if project is not None:
                await self.page(project)
        return self._keyring.whole(source.location) != source.location

    def _without_queries(self, page: ProjectPage) -> ProjectPage:
        """Take the queries out of a page's addresses, which may be signatures, and keep them apart."""
        if not any("?" in entry.url for entry in page.files):
            return page
        for entry in page.files:
            self._keyring.learn(entry.url)
        files = tuple(
            replace(entry, url=bare(entry.url)) if is_remote(entry.url) else entry
            for entry in page.files
        )
        return replace(page, files=files)

    async def _static(self, source: Source) -> StaticFiles:
        """Return what a source says about itself; it is in the blobs."""
        kept = await asyncio.to_thread(self._kept.read, source)
        if kept is None:
            kept = await self._read_static(source)
            await asyncio.to_thread(self._kept.write, source, kept)
        if source.kind is SourceKind.SDIST:
            return kept
        # The archive of a tree has a name that nobody gave it.
        return replace(kept, where=f"{bare(source.location)}/{source.subdirectory}".rstrip("/"))

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


def _project(name: str) -> ProjectName | None:
    try:
        return project_name(name) if name else None
    except InvalidNameError:
        return None


def _check_project(reference: Reference, project: ProjectName | None) -> None:
    if project and reference.project and project != reference.project:
        raise UpstreamError(
            f"{shown(reference.source.location)} is {project!r}, not {reference.project!r}",
            hint="Correct the name before the '@'.",
        )
