"""Blobs in S3, with a folder in front of them: ``sha256/ab/cdef…`` here and there.

A blob is in the bucket before it has its name in the folder, so that what is here is there, too. The folder
holds what was written or wanted on this machine; all of it can be thrown away.
"""

import asyncio
import re
from collections.abc import Sequence
from pathlib import Path

from wheelyard.blobs.bucket import Bucket, StoredObject
from wheelyard.blobs.folder import FolderBlobs, Use
from wheelyard.errors import StoreError

_NAME = re.compile(r"sha256/([0-9a-f]{2})/([0-9a-f]{62})")


class S3Blobs(FolderBlobs):
    """The ``Blobs`` of a bucket.

    ``path`` brings what is not in the folder yet, and blocks while it does: who serves many readers takes
    ``link``, who can wait ``read``.
    """

    def __init__(
        self, folder: Path, *, bucket: Bucket, own: Path | None = None, flush: bool = True
    ) -> None:
        super().__init__(folder, own=own, flush=flush)
        self._bucket = bucket

    def path(self, digest: str) -> Path | None:
        """Return where the bytes lie on this machine, after bringing them where they are not; None: there are none."""
        return super().path(digest) or self._fetch(digest)

    async def read(self, digest: str) -> bytes:
        """Return the bytes. Raises StoreError when there are none."""
        await asyncio.to_thread(self.path, digest)
        return await super().read(digest)

    def digests(self) -> Sequence[str]:
        """List everything that is stored, in order."""
        return sorted(digest for digest, _ in self._stored())

    async def remove(self, digest: str) -> None:
        """Forget a blob, here and there."""
        await asyncio.to_thread(self._bucket.delete, self._object(digest))
        await super().remove(digest)

    def uses(self) -> Sequence[Use]:
        """List everything that is stored with its size and when it was used last; blocks."""
        here = {use.digest: use.used for use in super().uses()}
        return [
            Use(digest=digest, size=one.size, used=max(one.written, here.get(digest, 0.0)))
            for digest, one in self._stored()
        ]

    def here(self, digest: str) -> Path | None:
        """Return where the bytes lie on this machine, or None; nothing is brought."""
        return super().path(digest)

    async def link(self, digest: str) -> str:
        """Return an address in the bucket from which anybody may have a blob for some minutes."""
        return await asyncio.to_thread(self._bucket.link, self._object(digest))

    def _name(self, temporary: Path, digest: str) -> None:
        name = self._object(digest)
        if not self._bucket.holds(name):
            self._bucket.put(name, temporary)
        super()._name(temporary, digest)

    def _fetch(self, digest: str) -> Path | None:
        name = self._object(digest)
        with self._temporary() as temporary:
            with temporary.open("xb") as file:
                if not self._bucket.get(name, file):
                    return None
                self._seal(file)
            if self._digest_of(temporary) != digest:
                raise StoreError(
                    f"the blob {digest!r} has other bytes in its bucket",
                    hint="'wheelyard state check' takes it out of the index, and it is built again.",
                )
            super()._name(temporary, digest)
        return super().path(digest)

    def _scrub(self) -> Sequence[str]:
        """Read everything in the bucket again; what is whole here and not there is sent again."""
        damaged_here = set(super()._scrub())
        for digest in damaged_here:
            self._place(digest).unlink(missing_ok=True)
        damaged = []
        for digest, _ in self._stored():
            with self._temporary() as temporary, temporary.open("xb") as file:
                there = self._bucket.get(self._object(digest), file)
                file.flush()
                if there and self._digest_of(temporary) == digest:
                    continue
            if (kept := super().path(digest)) is not None:
                self._bucket.put(self._object(digest), kept)
            else:
                damaged.append(digest)
        return damaged

    def _stored(self) -> list[tuple[str, StoredObject]]:
        return [
            (f"sha256:{match[1]}{match[2]}", one)
            for one in self._bucket.all()
            if (match := _NAME.fullmatch(one.name))
        ]

    def _object(self, digest: str) -> str:
        return str(self._place(digest).relative_to(self._folder))
