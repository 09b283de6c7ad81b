"""A blob that comes in pieces, and is seen when it is whole or never."""

import asyncio
import hashlib
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import BinaryIO

from wheelyard.errors import DigestMismatchError

_GATHERED_BYTES = 1 << 20


class IncomingBlob:
    """Writes what comes to a file beside the blobs. It holds a megabyte in memory, however large the blob is.

    ``opened`` opens that file; ``told`` translates what the file system says; ``named`` gives the whole file its name.
    """

    def __init__(
        self,
        *,
        opened: Callable[[], BinaryIO],
        digest: str,
        size: int,
        told: Callable[[], AbstractContextManager[None]],
        named: Callable[[BinaryIO], None],
    ) -> None:
        self._opened = opened
        self._file: BinaryIO | None = None
        self._digest = digest
        self._size = size
        self._told = told
        self._named = named
        self._hash = hashlib.sha256()
        self._seen = 0
        self._gathered = bytearray()

    async def begin(self) -> None:
        """See that there is room for it; what is small is seen to when it is whole."""
        if self._size > _GATHERED_BYTES:
            await self._flush()

    async def write(self, chunk: bytes) -> None:
        """Take the next bytes. Raises DigestMismatchError where there are more than were announced."""
        self._seen += len(chunk)
        if self._seen > self._size:
            raise _mismatch(f"more than the {self._size} bytes that were announced came")
        self._gathered += chunk
        if len(self._gathered) >= _GATHERED_BYTES:
            await self._flush()

    async def keep(self) -> None:
        """Check size and digest, and name the blob. Raises DigestMismatchError."""
        # In one turn of a thread: most blobs are small, and came whole before anything was written.
        with self._told():
            await asyncio.to_thread(self._check_and_name)

    def _check_and_name(self) -> None:
        file = self._put(self._gathered)
        found = f"sha256:{self._hash.hexdigest()}"
        if self._seen != self._size:
            raise _mismatch(f"{self._seen} bytes came instead of {self._size}")
        if found != self._digest:
            raise _mismatch(f"the bytes that came have the digest {found!r}, not {self._digest!r}")
        self._named(file)

    async def _flush(self) -> None:
        gathered, self._gathered = self._gathered, bytearray()
        with self._told():
            await asyncio.to_thread(self._put, gathered)

    def _put(self, content: bytearray) -> BinaryIO:
        if self._file is None:
            self._file = self._opened()
        self._hash.update(content)
        self._file.write(content)
        return self._file


def _mismatch(error: str) -> DigestMismatchError:
    hint = "They were changed or cut short on their way; send them again."
    return DigestMismatchError(error, hint=hint)
