"""One index: a simple repository over HTTP, or a folder on this machine."""

import asyncio
import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from wheelyard.errors import ConfigurationError, UpstreamError
from wheelyard.model.release import ProjectName
from wheelyard.model.secrets import without_secrets
from wheelyard.model.source import FileEntry, ProjectPage
from wheelyard.upstream.address import bare, is_remote, path_of, url_of, without_credentials
from wheelyard.upstream.files import version_of
from wheelyard.upstream.page import ACCEPT, make_page, parse_page
from wheelyard.upstream.page_cache import CachedPage, PageCache, PageHeader
from wheelyard.upstream.settings import UpstreamSettings
from wheelyard.upstream.transport import MISSING, Answer, Transport

_NOT_MODIFIED = 304
_PAGES = (
    ("index.html", "text/html"),
    ("index.json", "application/json"),
    ("index.v1_json", "application/json"),
)


class Index(Protocol):
    """Somewhere projects are listed; ``address`` can be shown."""

    address: str

    async def page(self, project: ProjectName) -> ProjectPage | None:
        """Return a project's page, or None where the index does not have it. Raises UpstreamError."""
        ...


def open_index(
    text: str,
    *,
    transport: Transport,
    cache: PageCache,
    settings: UpstreamSettings,
    now: Callable[[], float] = time.time,
) -> Index:
    """Return the index at a URL or path. Raises ConfigurationError."""
    if is_remote(text) and urlsplit(text).query:
        raise ConfigurationError(
            f"the index {bare(text)!r} is given with a query, which no page of a project can have",
            hint="Leave out what follows '?'; user name and password may stand before the host.",
        )
    if is_remote(text):
        return RemoteIndex(
            without_credentials(text), transport=transport, cache=cache, settings=settings, now=now
        )
    path = path_of(text)
    if path is None or not path.expanduser().is_dir():
        raise ConfigurationError(
            f"{without_secrets(text)!r} is not an index",
            hint="Give an http(s) URL, or a folder that is there.",
        )
    return FolderIndex(path.expanduser().absolute())


class RemoteIndex:
    """An index over HTTP, behind the cache of pages."""

    def __init__(
        self,
        address: str,
        *,
        transport: Transport,
        cache: PageCache,
        settings: UpstreamSettings,
        now: Callable[[], float],
    ) -> None:
        self.address = address.rstrip("/")
        self._transport = transport
        self._cache = cache
        self._settings = settings
        self._now = now

    async def page(self, project: ProjectName) -> ProjectPage | None:
        """Return a project's page, from the cache while it is fresh."""
        cached = await asyncio.to_thread(self._cache.read, self.address, project)
        if cached and (self._settings.offline or cached.header.is_fresh(self._now())):
            return cached.page
        answer = await self._ask(project, cached)
        if answer.status == _NOT_MODIFIED and cached is not None:
            return await self._keep(answer, cached.header, cached.page)
        header = PageHeader(index=self.address, project=project, confirmed=0, fresh_seconds=0)
        if answer.status in MISSING:
            return await self._keep(answer, replace(header, missing=True), None)
        page = await asyncio.to_thread(
            parse_page,
            answer.body,
            content_type=answer.headers.get("content-type", ""),
            url=answer.url,
            index=self.address,
            project=project,
        )
        return await self._keep(answer, header, page)

    async def _ask(self, project: ProjectName, cached: CachedPage | None) -> Answer:
        headers = {"Accept": ACCEPT}
        if cached and cached.header.etag:
            headers["If-None-Match"] = cached.header.etag
        if cached and cached.header.last_modified:
            headers["If-Modified-Since"] = cached.header.last_modified
        url = f"{self.address}/{project}/"
        answer = await self._transport.get(url, headers=headers, limit=self._settings.page_bytes)
        if answer.status == _NOT_MODIFIED and cached is None:
            raise UpstreamError(
                f"{url} says that nothing changed, but was not asked that", hint="Try again later."
            )
        return answer

    async def _keep(
        self, answer: Answer, header: PageHeader, page: ProjectPage | None
    ) -> ProjectPage | None:
        fresh, may_store = _freshness(answer.headers, self._settings.fresh_seconds)
        header = replace(
            header,
            confirmed=self._now(),
            fresh_seconds=fresh,
            etag=answer.headers.get("etag", header.etag),
            last_modified=answer.headers.get("last-modified", header.last_modified),
        )
        if may_store:
            await asyncio.to_thread(self._cache.write, CachedPage(header, page))
        return page


class FolderIndex:
    """A folder: a flat one of files, a simple repository on disk, or one that holds ``simple/``."""

    def __init__(self, folder: Path) -> None:
        self.address = url_of(folder)
        self._folder = folder

    async def page(self, project: ProjectName) -> ProjectPage | None:
        """Return a project's page, read anew each time."""
        return await asyncio.to_thread(self._read, project)

    def _read(self, project: ProjectName) -> ProjectPage | None:
        try:
            for root in (self._folder, self._folder / "simple"):
                if (root / project).is_dir():
                    return self._project_page(root / project, project)
            return self._listing(self._folder, project)
        except OSError as error:
            raise UpstreamError(
                f"The folder {str(self._folder)!r} cannot be read: {error.strerror}",
                hint="Check that it is there and that you may read it.",
            ) from error

    def _project_page(self, folder: Path, project: ProjectName) -> ProjectPage | None:
        for name, content_type in _PAGES:
            path = folder / name
            if path.is_file():
                return parse_page(
                    path.read_bytes(),
                    content_type=content_type,
                    url=url_of(folder) + "/",
                    index=self.address,
                    project=project,
                )
        return self._listing(folder, project)

    def _listing(self, folder: Path, project: ProjectName) -> ProjectPage | None:
        found = sorted(_files(folder, project), key=lambda pair: pair[0].filename)
        if not found:
            return None
        # Digests would cost reading everything; times and sizes tell when a file was replaced.
        return make_page(
            project,
            self.address,
            (entry for entry, _ in found),
            salt=[changed for _, changed in found],
        )


def _files(folder: Path, project: ProjectName) -> Iterator[tuple[FileEntry, int]]:
    for path in folder.iterdir():
        if version_of(path.name, project) is not None and path.is_file():
            state = path.stat()
            entry = FileEntry(filename=path.name, url=url_of(path), size=state.st_size)
            yield entry, state.st_mtime_ns


def _freshness(headers: Mapping[str, str], default: float) -> tuple[float, bool]:
    """Return how long an answer holds, in seconds, and whether it may be kept (RFC 9111)."""
    directives = headers.get("cache-control", "").lower()
    may_store = "no-store" not in directives
    if not may_store or "no-cache" in directives:
        return 0, may_store
    match = re.search(r"max-age\s*=\s*\"?(\d+)", directives)
    if match is None:
        return default, True
    age = headers.get("age", "")
    return max(0.0, float(match[1]) - (float(age) if age.isdecimal() else 0)), True
