"""Bytes from a URL or a path into the blobs, checked on the way.

A file is streamed to scratch space, hashed as it comes, and handed to the blobs only when it is what
was announced. Where nothing was announced, another file may lie at the same address tomorrow: it is
asked for each time, and its bytes are sent again only when the server says that they are others.
"""

import asyncio
import errno
import hashlib
import io
import os
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

from wheelyard.errors import (
    DigestMismatchError,
    NotUpstreamError,
    OutOfSpaceError,
    StoreError,
    UpstreamError,
)
from wheelyard.ports import Blobs
from wheelyard.upstream.address import path_of
from wheelyard.upstream.digests import Hashes
from wheelyard.upstream.flights import Flights
from wheelyard.upstream.page_cache import write_whole
from wheelyard.upstream.settings import UpstreamSettings
from wheelyard.upstream.transport import MISSING, Transport, shown, too_large

if TYPE_CHECKING:
    import httpx

_CHUNK = 1 << 20
_NOT_MODIFIED = 304
_ABANDONED_SECONDS = 2 * 86400
_SETTLED_SECONDS = 3.0
"""How old a change must be so that the next one has another time; file systems count in up to 2 s."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A file to bring: ``digest`` and ``size`` as they were announced, if they were."""

    url: str
    filename: str
    digest: str = ""
    size: int | None = None


class Downloads:
    """Brings files into the blobs, each once."""

    def __init__(
        self,
        settings: UpstreamSettings,
        transport: Transport,
        blobs: Blobs,
        *,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._settings = settings
        self._transport = transport
        self._blobs = blobs
        self._now = now
        self._flights: Flights[str] = Flights()

    async def bring(self, wanted: Wanted) -> str:
        """Return the ``sha256:…`` of the blob that holds a file. Raises UpstreamError."""
        if wanted.digest.startswith("sha256:") and self._blobs.path(wanted.digest):
            return wanted.digest
        return await self._flights.join((wanted.url, wanted.digest), lambda: self._bring(wanted))

    async def open(self, digest: str) -> IO[bytes]:
        """Open a blob for reading. Raises StoreError."""
        path = self._blobs.path(digest)
        if path is None:
            return io.BytesIO(await self._blobs.read(digest))
        with disk_faults():
            return await asyncio.to_thread(path.open, "rb")

    @asynccontextmanager
    async def scratch(self) -> AsyncIterator[Path]:
        """Give a folder that is gone afterwards, on the disk of the cache."""
        with disk_faults():
            folder = await asyncio.to_thread(_scratch_folder, self._settings.cache)
        try:
            yield Path(folder.name)
        finally:
            await asyncio.to_thread(folder.cleanup)

    async def remember(self, key: str, digest: str) -> None:
        """Keep which blob a key stands for."""
        await asyncio.to_thread(write_whole, self._note(key), digest.encode())

    async def recall(self, key: str) -> str:
        """Return the blob that a key stands for, if it is still there; else an empty string."""
        try:
            digest = await asyncio.to_thread(self._note(key).read_text)
        except (OSError, ValueError):
            return ""
        return digest if self._blobs.path(digest) else ""

    async def _bring(self, wanted: Wanted) -> str:
        path = path_of(wanted.url)
        state = await asyncio.to_thread(self._state_of, path) if path is not None else ""
        key = f"{self._transport.whole(wanted.url)} {wanted.digest} {wanted.size} {state}"
        known = await self.recall(key) if path is None or state else ""
        if known and (state or wanted.digest or self._settings.offline):
            return known
        validator = await asyncio.to_thread(_read_note, self._note(f"{key} etag")) if known else ""
        async with self.scratch() as folder:
            file = folder / "file"
            with disk_faults():
                hashes = (
                    await asyncio.to_thread(self._copy, path, file, wanted)
                    if path is not None
                    else await self._download(file, wanted, validator)
                )
            if hashes is None:
                return known
            _check(hashes, wanted)
            await self._blobs.add_file(file, digest=hashes.digest)
        # While a file was copied it may have become another one.
        lasting = path is None or (state and state == await asyncio.to_thread(self._state_of, path))
        if lasting and not wanted.digest.startswith("sha256:"):
            await self.remember(key, hashes.digest)
            await self.remember(f"{key} etag", hashes.etag)
        return hashes.digest

    async def _download(self, file: Path, wanted: Wanted, validator: str) -> Hashes | None:
        """Write what is there; None where the server says that it is what ``validator`` stands for."""
        limit = self._settings.file_bytes

        async def read(response: "httpx.Response") -> Hashes | None:
            if validator and response.status_code == _NOT_MODIFIED:
                return None
            if response.status_code in MISSING:
                raise _missing(wanted)
            if not response.is_success:
                raise UpstreamError(
                    f"{shown(wanted.url)} answers {response.status_code}", hint="Try again later."
                )
            hashes = Hashes(wanted.digest)
            with file.open("wb") as sink:
                async for chunk in response.aiter_raw(_CHUNK):
                    await asyncio.to_thread(_take, sink, hashes, chunk)
                    if hashes.size > limit:
                        raise too_large(wanted.url, limit)
            hashes.etag = _strong(response.headers.get("ETag", ""))
            return hashes

        # An encoding on the way would give other bytes than those that were announced.
        headers = {"Accept-Encoding": "identity"}
        if validator:
            headers["If-None-Match"] = validator
        return await self._transport.stream(wanted.url, headers=headers, read=read)

    def _copy(self, path: Path, file: Path, wanted: Wanted) -> Hashes:
        hashes = Hashes(wanted.digest)
        try:
            source = path.open("rb")
        except OSError as error:
            raise _missing(wanted) from error
        with source, file.open("wb") as sink:
            while chunk := source.read(_CHUNK):
                _take(sink, hashes, chunk)
                if hashes.size > self._settings.file_bytes:
                    raise too_large(wanted.url, self._settings.file_bytes)
        return hashes

    def _state_of(self, path: Path) -> str:
        """Return what changes when a file of this machine does; empty where that cannot be told yet.

        A file that was changed just now may change again without another time on it.
        """
        try:
            state = path.stat()
        except OSError:
            return ""
        if self._now() - max(state.st_mtime, state.st_ctime) < _SETTLED_SECONDS:
            return ""
        times = f"{state.st_mtime_ns} {state.st_ctime_ns}"
        return f"{state.st_dev} {state.st_ino} {state.st_size} {times}"

    def _note(self, key: str) -> Path:
        name = hashlib.sha256(key.encode()).hexdigest()
        return self._settings.cache / "digests-1" / name[:2] / name


def _read_note(path: Path) -> str:
    try:
        return path.read_text()
    except (OSError, ValueError):
        return ""


def _strong(etag: str) -> str:
    """Return a validator that stands for the very bytes; empty for a weak one (RFC 9110)."""
    return "" if etag.startswith("W/") else etag


@contextmanager
def disk_faults() -> Iterator[None]:
    """Tell a full or broken disk as such."""
    try:
        yield
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise OutOfSpaceError(
                f"The disk is full: {error}", hint="Make room, or name another cache folder."
            ) from error
        raise StoreError(
            f"The cache cannot be used: {error}", hint="Check the folder and its permissions."
        ) from error


def _scratch_folder(cache: Path) -> "tempfile.TemporaryDirectory[str]":
    folder = cache / "scratch"
    folder.mkdir(parents=True, exist_ok=True)
    for left in folder.iterdir():
        # A process that was killed leaves its folder; none that lives works for days on one file.
        if _is_abandoned(left):
            shutil.rmtree(left, ignore_errors=True)
    return tempfile.TemporaryDirectory(dir=folder, prefix=f"{os.getpid()}-")


def _is_abandoned(path: Path) -> bool:
    try:
        return time.time() - path.lstat().st_mtime > _ABANDONED_SECONDS
    except FileNotFoundError:
        # Its process was quicker.
        return False


def _take(sink: IO[bytes], hashes: Hashes, chunk: bytes) -> None:
    hashes.update(chunk)
    sink.write(chunk)


def _check(hashes: Hashes, wanted: Wanted) -> None:
    if not hashes.as_announced:
        raise DigestMismatchError(
            f"{wanted.filename} has {hashes.found} where {wanted.digest} was announced",
            hint="The file or the index was changed or damaged; do not use it before you know which.",
        )
    if not wanted.digest and wanted.size is not None and hashes.size != wanted.size:
        raise DigestMismatchError(
            f"{wanted.filename} has {hashes.size} bytes where {wanted.size} were announced",
            hint="The file or the index was changed or damaged; try again later.",
        )


def _missing(wanted: Wanted) -> NotUpstreamError:
    return NotUpstreamError(
        f"{shown(wanted.url)} is not there",
        hint="The file was removed, or the index is out of date; ask again for its page later.",
    )
