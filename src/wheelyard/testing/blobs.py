"""Blobs in a dictionary."""

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from wheelyard.errors import DigestMismatchError, StoreError

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


class MemoryBlobs:
    """The ``Blobs`` port in memory; ``path`` writes what is asked for into ``folder``."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._kept: dict[str, bytes] = {}

    async def add_bytes(self, content: bytes) -> str:
        """Store bytes and return their digest."""
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        self._kept[digest] = content
        return digest

    async def add_file(self, path: Path, *, digest: str = "") -> str:
        """Store a file and return its digest. Raises DigestMismatchError."""
        content = await asyncio.to_thread(path.read_bytes)
        found = f"sha256:{hashlib.sha256(content).hexdigest()}"
        if digest not in {"", found}:
            raise DigestMismatchError(
                f"{path.name!r} has the digest {found!r}, not {digest!r}",
                hint="It was changed or cut short on its way; bring it again.",
            )
        return await self.add_bytes(content)

    @asynccontextmanager
    async def receive(self, digest: str, *, size: int) -> AsyncIterator["MemoryIncoming"]:
        """Take a blob in by pieces; what is not kept when the block ends is gone."""
        yield MemoryIncoming(self._kept, _checked(digest), size)

    def path(self, digest: str) -> Path | None:
        """Return where the bytes lie, or None."""
        content = self._kept.get(_checked(digest))
        if content is None:
            return None
        path = self._folder / digest.removeprefix("sha256:")
        if not path.exists():
            path.write_bytes(content)
            path.chmod(0o444)
        return path

    async def read(self, digest: str) -> bytes:
        """Return the bytes. Raises StoreError when there are none."""
        content = self._kept.get(_checked(digest))
        if content is None:
            raise StoreError(f"the blob {digest!r} is not there", hint="Add it first.")
        return content

    def digests(self) -> Sequence[str]:
        """List everything that is stored, in order."""
        return sorted(self._kept)

    async def remove(self, digest: str) -> None:
        """Forget a blob; nothing happens where there is none."""
        self._kept.pop(_checked(digest), None)


class MemoryIncoming:
    """A blob on its way in."""

    def __init__(self, kept: dict[str, bytes], digest: str, size: int) -> None:
        self._kept = kept
        self._digest = digest
        self._size = size
        self._content = bytearray()

    async def write(self, chunk: bytes) -> None:
        """Take the next bytes. Raises DigestMismatchError where there are too many."""
        self._content += chunk
        if len(self._content) > self._size:
            raise self._mismatch()

    async def keep(self) -> None:
        """Check size and digest, and name the blob. Raises DigestMismatchError."""
        content = bytes(self._content)
        found = f"sha256:{hashlib.sha256(content).hexdigest()}"
        if len(content) != self._size or found != self._digest:
            raise self._mismatch()
        self._kept[self._digest] = content

    def _mismatch(self) -> DigestMismatchError:
        return DigestMismatchError(
            f"the bytes that came are not the {self._size} of {self._digest!r}",
            hint="They were changed or cut short on their way; send them again.",
        )


def _checked(digest: str) -> str:
    if _DIGEST.fullmatch(digest) is None:
        raise StoreError(
            f"{digest!r} does not name a blob",
            hint="A blob is named sha256: and 64 hexadecimal digits.",
        )
    return digest
