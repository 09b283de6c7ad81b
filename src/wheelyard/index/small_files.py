"""Files about files (METADATA, provenance), kept in memory: resolvers ask for hundreds of them in a second.

What lies under a digest never changes, so that what was read once is right for ever.
"""

from wheelyard.index.address import METADATA_SUFFIX, PROVENANCE_SUFFIX, sha256_of
from wheelyard.index.answers import FOREVER
from wheelyard.index.rendered import Representation
from wheelyard.ports import Blobs

ABOUT = (METADATA_SUFFIX, PROVENANCE_SUFFIX)
_FOREVER = [(name.lower().encode(), value.encode()) for name, value in FOREVER.items()]
_MOST_BYTES = 64 << 20
_LARGEST_BYTES = 256 << 10


class SmallFiles:
    """Blobs that were read lately, those that were not wanted for the longest time forgotten first."""

    def __init__(self, blobs: Blobs, *, most: int = _MOST_BYTES) -> None:
        self._blobs = blobs
        self._most = most
        self._size = 0
        self._kept: dict[str, bytes] = {}

    def at_hand(self, digest: str, media_type: str) -> Representation | None:
        """Return a file as it is sent, where its bytes are in memory."""
        content = self._kept.get(digest)
        if content is None:
            return None
        etag = f'"{sha256_of(digest)}"'.encode()
        unchanged = [(b"etag", etag), *_FOREVER]
        headers = [
            (b"content-type", media_type.encode()),
            (b"content-length", str(len(content)).encode()),
            *unchanged,
        ]
        return Representation(
            content=content, etag=etag, headers=headers, unchanged_headers=unchanged
        )

    async def read(self, digest: str) -> bytes:
        """Return the bytes of a blob. Raises StoreError when there are none."""
        content = self._kept.pop(digest, None)
        if content is not None:
            self._kept[digest] = content
            return content
        content = await self._blobs.read(digest)
        if len(content) <= _LARGEST_BYTES and digest not in self._kept:
            self._kept[digest] = content
            self._size += len(content)
            while self._size > self._most:
                self._size -= len(self._kept.pop(next(iter(self._kept))))
        return content
