"""The METADATA of a release by the cheapest way there is.

A metadata file (PEP 658); the end of a wheel; a whole wheel, where a server knows no ranges; the
sdist's own word. A way that is not there leads to the next; one that lies ends the search.
"""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING, TypeVar

from wheelyard.errors import (
    DigestMismatchError,
    InvalidArchiveError,
    NotUpstreamError,
    UpstreamError,
)
from wheelyard.model.release import Release
from wheelyard.model.source import FileEntry, ProjectPage
from wheelyard.upstream.address import path_of
from wheelyard.upstream.core_metadata import check_identity
from wheelyard.upstream.digests import Hashes
from wheelyard.upstream.downloads import Downloads, Wanted
from wheelyard.upstream.files import files_of, is_pure
from wheelyard.upstream.flights import Flights
from wheelyard.upstream.page_cache import write_whole
from wheelyard.upstream.remote_zip import TAIL, Stretches, first_stretch, read_remote
from wheelyard.upstream.settings import UpstreamSettings
from wheelyard.upstream.static import StaticFiles, metadata_of
from wheelyard.upstream.transport import MISSING, Transport, shown
from wheelyard.upstream.wheels import wheel_members, wheel_metadata

if TYPE_CHECKING:
    import httpx

_PARTIAL = 206

Result = TypeVar("Result")

ReadStatic = Callable[[FileEntry, ProjectPage], Awaitable[StaticFiles]]


class MetadataReader:
    """Reads METADATA; ``read_static`` brings an sdist and reads what it says about itself."""

    def __init__(
        self,
        settings: UpstreamSettings,
        transport: Transport,
        downloads: Downloads,
        *,
        read_static: ReadStatic,
    ) -> None:
        self._settings = settings
        self._transport = transport
        self._downloads = downloads
        self._read_static = read_static
        self._flights: Flights[bytes | None] = Flights()

    async def read(self, page: ProjectPage, release: Release) -> bytes:
        """Return the METADATA of a release. Raises UpstreamError."""
        files = files_of(page, release)
        # What is pure or small is read soonest; a file with metadata beside it before all others.
        wheels = sorted(
            files.wheels,
            key=lambda entry: (
                entry.metadata_digest is None,
                not is_pure(entry.filename),
                entry.filename,
            ),
        )
        for entry in [*wheels[:1], *files.sdists[:1]]:
            path = self._path(release, entry)
            kept = await asyncio.to_thread(_read_file, path) if path else None
            if kept is not None:
                return kept
            content = await self._flights.join(
                entry.url, partial(self._of_file, page, release, entry)
            )
            if content is None:
                continue
            if path:
                await asyncio.to_thread(write_whole, path, content)
            return content
        raise NotUpstreamError(
            f"{page.index} has no metadata of {release}",
            hint="It has neither a wheel nor an sdist that says what it requires.",
        )

    async def _of_file(self, page: ProjectPage, release: Release, entry: FileEntry) -> bytes | None:
        content: bytes | None
        try:
            if entry.filename.endswith(".whl"):
                content = await self._of_wheel(entry, release)
            else:
                content = metadata_of(await self._read_static(entry, page), release)
        except InvalidArchiveError as error:
            raise UpstreamError(error.message, hint=error.hint) from error
        if content is not None:
            check_identity(content, release, entry.filename)
        return content

    async def _of_wheel(self, entry: FileEntry, release: Release) -> bytes:
        if entry.metadata_digest is not None and (found := await self._beside(entry)) is not None:
            return found
        limit = self._settings.metadata_bytes
        return await self._read_wheel(
            entry, lambda stream: wheel_metadata(stream, entry.filename, release, limit)
        )

    async def wheel_files(self, entry: FileEntry) -> tuple[str, ...]:
        """Return the paths in a wheel, sorted, from its end alone where ranges are known."""
        path = self._path_of_listing(entry)
        kept = await asyncio.to_thread(_read_file, path) if path else None
        if kept is not None:
            return tuple(kept.decode().split("\0"))
        try:
            found = await self._read_wheel(
                entry, lambda stream: wheel_members(stream, entry.filename)
            )
        except InvalidArchiveError as error:
            raise UpstreamError(error.message, hint=error.hint) from error
        if path:
            await asyncio.to_thread(write_whole, path, "\0".join(found).encode())
        return found

    async def _read_wheel(self, entry: FileEntry, read: Callable[[IO[bytes]], Result]) -> Result:
        """Run ``read`` on a wheel, of which no more than it needs is fetched."""
        path = path_of(entry.url)
        if path is not None:
            return await asyncio.to_thread(_read_local, path, read)
        stretches = await self._tail(entry)
        if stretches is None:
            wanted = Wanted(
                url=entry.url, filename=entry.filename, digest=entry.digest, size=entry.size
            )
            with await self._downloads.open(await self._downloads.bring(wanted)) as stream:
                return await asyncio.to_thread(read, stream)

        async def fetch(start: int, end: int) -> bytes:
            return await self._range(entry, start, end)

        return await read_remote(stretches, fetch, read, entry.filename)

    async def _beside(self, entry: FileEntry) -> bytes | None:
        """Return the metadata file of PEP 658; None where it was promised and is not there."""
        url = entry.url + ".metadata"
        path = path_of(url)
        if path is not None:
            content = await asyncio.to_thread(_read_file, path)
        else:
            answer = await self._transport.get(url, headers={}, limit=self._settings.metadata_bytes)
            content = None if answer.status in MISSING else answer.body
        if content is None:
            return None
        hashes = Hashes(entry.metadata_digest or "")
        hashes.update(content)
        if not hashes.as_announced:
            raise DigestMismatchError(
                f"{entry.filename}.metadata has {hashes.found} "
                f"where {entry.metadata_digest} was announced",
                hint="The file or the index was changed or damaged; do not use it before you know which.",
            )
        return content

    async def _tail(self, entry: FileEntry) -> Stretches | None:
        """Ask for a wheel's end; None where the server knows no ranges."""

        async def read(response: "httpx.Response") -> Stretches | None:
            if response.status_code in MISSING:
                raise NotUpstreamError(
                    f"{shown(entry.url)} is not there", hint="The index is out of date; try later."
                )
            if (
                response.status_code != _PARTIAL
                or int(response.headers.get("Content-Length", TAIL + 1)) > TAIL
            ):
                return None
            headers = {name.lower(): value for name, value in response.headers.items()}
            return first_stretch(headers, await response.aread())

        return await self._transport.stream(
            entry.url,
            headers={"Range": f"bytes=-{TAIL}", "Accept-Encoding": "identity"},
            read=read,
        )

    async def _range(self, entry: FileEntry, start: int, end: int) -> bytes:
        answer = await self._transport.get(
            entry.url,
            headers={"Range": f"bytes={start}-{end - 1}", "Accept-Encoding": "identity"},
            limit=end - start,
        )
        if answer.status != _PARTIAL or len(answer.body) != end - start:
            raise UpstreamError(
                f"{shown(entry.url)} gave another range than it was asked for",
                hint="Try again later.",
            )
        return answer.body

    def _path_of_listing(self, entry: FileEntry) -> Path | None:
        if not entry.digest:
            return None
        name = hashlib.sha256(entry.digest.encode()).hexdigest()
        return self._settings.cache / "wheel-files-1" / name[:2] / name

    def _path(self, release: Release, entry: FileEntry) -> Path | None:
        if not entry.digest and path_of(entry.url) is not None:
            # A file of this machine may be another one tomorrow, under the same name.
            return None
        name = hashlib.sha256((entry.digest or entry.url).encode()).hexdigest()[:24]
        folder = self._settings.cache / "metadata-1" / release.project[:2] / release.project[:100]
        return folder / f"{str(release.version)[:60]}-{name}"


def _read_file(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None


def _read_local(path: Path, read: Callable[[IO[bytes]], Result]) -> Result:
    try:
        stream = path.open("rb")
    except OSError as error:
        raise NotUpstreamError(
            f"{str(path)!r} cannot be read: {error.strerror}",
            hint="Check that the file is there and that you may read it.",
        ) from error
    with stream:
        return read(stream)
