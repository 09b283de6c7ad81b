"""The farm's blobs over HTTP: streamed both ways, a download goes on where it was cut.

Never more than a piece of a file is in memory.
"""

import asyncio
import base64
import contextlib
import errno
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import BinaryIO

import httpx

from wheelyard import failpoints
from wheelyard.depot.http import Farm, Query, RefusedError
from wheelyard.depot.retry import until_there
from wheelyard.depot_ports import Ticket
from wheelyard.errors import DeniedError, DigestMismatchError, OutOfSpaceError, StoreError
from wheelyard.ports import Blobs

_PIECE_BYTES = 256 << 10
_TRIES = 3
# Between two pieces, or from the last one until the farm has made the file durable.
_UPLOAD_SECONDS = 300.0
_SUPERSEDED, _RANGE, _PARTIAL = 409, 416, 206
_DAMAGED = frozenset({400, 422})
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_ABANDONED_SECONDS = 2 * 86400.0


class HttpDepot:
    """Carries out ``depot_ports.Depot``. ``incoming`` is a folder of its own, in which downloads grow."""

    def __init__(self, farm: Farm, *, blobs: Blobs, incoming: Path) -> None:
        self._farm = farm
        self._blobs = blobs
        self._incoming = incoming

    async def fetch(self, digest: str) -> None:
        """Bring a blob here. Raises StoreError, DigestMismatchError and DeniedError."""
        if self._blobs.path(digest) is not None:
            return
        part = self._incoming / f"{digest.partition(':')[2]}.part"
        try:
            await asyncio.to_thread(_make_room, self._incoming)
            for tries_left in reversed(range(_TRIES)):
                await until_there(lambda: self._download(digest, part))
                try:
                    await self._blobs.add_file(part, digest=digest)
                except DigestMismatchError:
                    if not tries_left:
                        raise
                else:
                    return
                finally:
                    await asyncio.to_thread(part.unlink, missing_ok=True)
        except OSError as error:
            raise _of_the_disk(error, self._incoming) from error

    async def _download(self, digest: str, part: Path) -> None:
        have = await asyncio.to_thread(_size, part)
        query = Query(headers={"Range": f"bytes={have}-"} if have else {})
        try:
            async with self._farm.stream("GET", f"/api/blobs/{digest}", query) as response:
                resumed = response.status_code == _PARTIAL
                with await asyncio.to_thread(part.open, "ab" if resumed else "wb") as file:
                    await _receive(response, file)
        except RefusedError as error:
            if error.status == _RANGE:
                return  # all of it is here, and whether it is right is seen next
            raise StoreError(
                f"the farm does not give {digest!r}: {error.message}",
                hint=error.hint or "It is run again when the farm has what it needs.",
            ) from error

    async def upload(self, digest: str, path: Path, ticket: Ticket) -> None:
        """Bring a file to the farm. Raises DeniedError, DigestMismatchError and StoreError."""
        for tries_left in reversed(range(_TRIES)):
            try:
                await until_there(lambda: self._upload_once(digest, path, ticket))
            except DigestMismatchError as error:
                if not tries_left:
                    raise DigestMismatchError(
                        f"{digest!r} was refused {_TRIES} times: {error}",
                        hint="The bytes change on this builder's disk or on their way; look at both.",
                    ) from error
            else:
                return

    async def _upload_once(self, digest: str, path: Path, ticket: Ticket) -> None:
        size = await asyncio.to_thread(_size, path)
        # A question costs as much as a piece, which the farm does not read where it has the rest.
        if size > _PIECE_BYTES and await self._has(digest, size):
            return
        query = Query(
            params={"key": ticket.key, "fence": ticket.fence},
            headers={
                "Content-Length": str(size),
                "Content-Type": "application/octet-stream",
                "Content-Digest": _content_digest(digest),
            },
            content=_pieces(path) if size > _PIECE_BYTES else await asyncio.to_thread(_all, path),
            token=ticket.token,
            seconds=_UPLOAD_SECONDS,
        )
        try:
            await self._farm.ask("PUT", f"/api/blobs/{digest}", query)
        except RefusedError as error:
            raise _upload_refused(digest, error) from error
        except OSError as error:
            raise _of_the_disk(error, path) from error

    async def _has(self, digest: str, size: int) -> bool:
        try:
            response = await self._farm.ask("HEAD", f"/api/blobs/{digest}")
        except RefusedError:
            return False
        return bool(response.headers.get("Content-Length") == str(size))


def sweep(incoming: Path) -> None:
    """Remove downloads that nobody went on with."""
    for path in incoming.glob("*.part"):
        with contextlib.suppress(OSError):
            if time.time() - path.stat().st_mtime > _ABANDONED_SECONDS:
                path.unlink()


def _upload_refused(digest: str, error: RefusedError) -> Exception:
    if error.status in _DAMAGED:
        return DigestMismatchError(error.message, hint=error.hint)
    if error.status == _SUPERSEDED:
        return DeniedError(error.message, hint=error.hint)
    return StoreError(f"the farm does not take {digest!r}: {error.message}", hint=error.hint)


async def _receive(response: httpx.Response, file: BinaryIO) -> None:
    try:
        # Each piece as it comes: what has come is kept when the rest does not.
        async for piece in response.aiter_raw():
            await asyncio.to_thread(file.write, piece)
    finally:
        await asyncio.to_thread(file.flush)


async def _pieces(path: Path) -> AsyncIterator[bytes]:
    with await asyncio.to_thread(path.open, "rb") as file:
        while piece := await asyncio.to_thread(file.read, _PIECE_BYTES):
            yield failpoints.damaged("upload.body", piece)


def _all(path: Path) -> bytes:
    # No more than was announced, whatever was done to the file since.
    with path.open("rb") as file:
        return file.read(_PIECE_BYTES)


def _content_digest(digest: str) -> str:
    encoded = base64.b64encode(bytes.fromhex(digest.partition(":")[2])).decode()
    return f"sha-256=:{encoded}:"


def _make_room(folder: Path) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _of_the_disk(error: OSError, path: Path) -> StoreError:
    if error.errno in _FULL:
        return OutOfSpaceError(
            f"no space is left at '{path}'", hint="Make room on that disk of the builder."
        )
    return StoreError(
        f"'{path}' cannot be used: {error.strerror}", hint="Look at the builder's state folder."
    )
