"""Blobs in a folder, named by their content: ``sha256/ab/cdef…``.

A blob appears whole or not at all: it is written beside, flushed, and renamed into its place. Writers
of the same content do not disturb each other, because whoever comes second finds it there. What is
stored is read-only, and nothing is ever written into it again.
"""

import asyncio
import contextlib
import errno
import hashlib
import os
import re
import secrets
import shutil
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from wheelyard import failpoints
from wheelyard.blobs.incoming import IncomingBlob
from wheelyard.errors import DigestMismatchError, OutOfSpaceError, StoreError

_DIGEST = re.compile(r"sha256:([0-9a-f]{64})")
_CHUNK = 1 << 20
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
STALE_SECONDS = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """A blob, its size in bytes, and when it was used last: stored, or read as the file system tells."""

    digest: str
    size: int
    used: float


class FolderBlobs:
    """The ``Blobs`` of a folder.

    Files under ``own`` (wheelyard's own places, where only ended jobs wrote) are linked into their
    place where the file system can; all others are copied, because their owners may still change
    them. ``flush`` sends every blob to the disk before it is named, so that a loss of power leaves
    none that is short.
    """

    def __init__(self, folder: Path, *, own: Path | None = None, flush: bool = True) -> None:
        self._folder = folder
        self._own = own
        self._flush = flush

    async def add_bytes(self, content: bytes) -> str:
        """Store bytes and return their digest."""
        return await asyncio.to_thread(self._add_bytes, content)

    async def add_file(self, path: Path, *, digest: str = "") -> str:
        """Store a file and return its digest; the file itself stays. Raises DigestMismatchError."""
        return await asyncio.to_thread(self._add_file, path, digest)

    @asynccontextmanager
    async def receive(self, digest: str, *, size: int) -> AsyncIterator[IncomingBlob]:
        """Take a blob in by pieces; what is not kept when the block ends is gone. Raises OutOfSpaceError."""
        self._place(digest)
        stack, kept = ExitStack(), False

        def name(file: BinaryIO) -> None:
            nonlocal kept
            self._seal(file)
            failpoints.pass_by("blobs.before_name")
            self._name(Path(file.name), digest)
            failpoints.pass_by("blobs.after_name")
            stack.close()
            kept = True

        try:
            blob = IncomingBlob(
                opened=lambda: self._open_temporary(stack, size),
                digest=digest,
                size=size,
                told=self._told,
                named=name,
            )
            await blob.begin()
            yield blob
        finally:
            if not kept:
                await asyncio.to_thread(stack.close)

    def path(self, digest: str) -> Path | None:
        """Return where the bytes lie, or None."""
        path = self._place(digest)
        return path if path.is_file() else None

    async def read(self, digest: str) -> bytes:
        """Return the bytes. Raises StoreError when there are none."""
        path = self._place(digest)
        with self._told():
            try:
                return await asyncio.to_thread(path.read_bytes)
            except FileNotFoundError as error:
                raise StoreError(
                    f"the blob {digest!r} is not there",
                    hint="Run the same command again: what is missing is fetched or built anew.",
                ) from error

    def digests(self) -> Sequence[str]:
        """List everything that is stored, in order."""
        return self._names()

    def _names(self) -> Sequence[str]:
        with self._told():
            names = (
                f"sha256:{path.parent.name}{path.name}"
                for path in (self._folder / "sha256").glob("??/*")
            )
            return sorted(name for name in names if _DIGEST.fullmatch(name))

    async def remove(self, digest: str) -> None:
        """Forget a blob; nothing happens where there is none."""
        path = self._place(digest)
        with self._told():
            await asyncio.to_thread(path.unlink, missing_ok=True)

    def uses(self) -> Sequence[Use]:
        """List everything that is stored with its size and when it was used last; blocks."""
        found = []
        with self._told():
            for digest in self._names():
                with contextlib.suppress(FileNotFoundError):
                    facts = self._place(digest).stat()
                    # Not the time of the content: a linked file may have that of years ago.
                    used = max(facts.st_atime, facts.st_ctime)
                    found.append(Use(digest=digest, size=facts.st_size, used=used))
        return found

    async def scrub(self) -> Sequence[str]:
        """Read everything again and return the digests of what is no longer what it was."""
        return await asyncio.to_thread(self._scrub)

    async def sweep_temporary(self, *, older_than: float = STALE_SECONDS) -> int:
        """Remove what killed writers left behind; return how many files that were.

        ``older_than`` in seconds keeps what another process writes at this moment.
        """
        return await asyncio.to_thread(self._sweep, older_than)

    def _add_bytes(self, content: bytes) -> str:
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        if self.path(digest) is None:
            with self._temporary() as temporary:
                with temporary.open("xb") as file:
                    file.write(content)
                    self._seal(file)
                self._name(temporary, digest)
        return digest

    def _add_file(self, path: Path, expected: str) -> str:
        if expected and self.path(expected) is not None and _digest(path) == expected:
            return expected
        with self._temporary() as temporary:
            digest = self._bring(path, temporary)
            if expected not in {"", digest}:
                raise DigestMismatchError(
                    f"{path.name!r} has the digest {digest!r}, not {expected!r}",
                    hint="It was changed or cut short on its way; bring it again.",
                )
            self._name(temporary, digest)
        return digest

    def _bring(self, path: Path, temporary: Path) -> str:
        """Put the bytes of a file under a temporary name and return their digest."""
        if self._own is not None and path.is_relative_to(self._own) and not path.is_symlink():
            # EXDEV, EPERM or EMLINK: this file system links nothing here, so the bytes are copied.
            with contextlib.suppress(OSError):
                os.link(path, temporary)
        if not temporary.exists():
            return self._copy(path, temporary)
        digest = _digest(temporary)
        with temporary.open("rb") as file:
            self._seal(file)
        return digest

    def _copy(self, path: Path, temporary: Path) -> str:
        digest = hashlib.sha256()
        with path.open("rb") as source, temporary.open("xb") as file:
            while chunk := source.read(_CHUNK):
                digest.update(chunk)
                file.write(chunk)
            self._seal(file)
        return f"sha256:{digest.hexdigest()}"

    def _seal(self, file: BinaryIO) -> None:
        """Make a file read-only and its bytes durable."""
        file.flush()
        os.fchmod(file.fileno(), 0o444)
        if self._flush:
            os.fsync(file.fileno())

    def _name(self, temporary: Path, digest: str) -> None:
        place = self._place(digest)
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not place.exists():
            # Whoever else comes between stores the same bytes.
            temporary.replace(place)

    def _open_temporary(self, stack: ExitStack, size: int) -> BinaryIO:
        """Open a file for bytes to come; the stack takes it back."""
        path = stack.enter_context(self._temporary())
        with self._told():
            if size > shutil.disk_usage(path.parent).free:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return stack.enter_context(path.open("xb"))

    @contextmanager
    def _temporary(self) -> Iterator[Path]:
        """Give a name in the same file system, and take it back whatever happens."""
        path = self._folder / "temporary" / secrets.token_hex(8)
        with self._told():
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            try:
                yield path
            finally:
                path.unlink(missing_ok=True)

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            if error.errno in _FULL:
                raise OutOfSpaceError(
                    f"no space is left for blobs in {str(self._folder)!r}",
                    hint="Make room on that disk, or choose another state folder with --state.",
                ) from error
            raise StoreError(
                f"the blobs in {str(self._folder)!r} cannot be used: {error}",
                hint="Look at the folder's permissions, or choose another state folder with --state.",
            ) from error

    def _place(self, digest: str) -> Path:
        match = _DIGEST.fullmatch(digest)
        if match is None:
            raise StoreError(
                f"{digest!r} does not name a blob",
                hint="A blob is named sha256: and 64 hexadecimal digits.",
            )
        # In one piece: a path that is joined part by part takes several times as long, and this is asked for all the time.
        return Path(f"{self._folder}/sha256/{match[1][:2]}/{match[1][2:]}")

    def _scrub(self) -> Sequence[str]:
        with self._told():
            return [name for name in self._names() if _digest(self._place(name)) not in {name, ""}]

    @staticmethod
    def _digest_of(path: Path) -> str:
        return _digest(path)

    def _sweep(self, older_than: float) -> int:
        limit = time.time() - older_than
        swept = 0
        with self._told():
            for path in (self._folder / "temporary").glob("*"):
                with contextlib.suppress(FileNotFoundError):
                    # Not the time of the content: that of a linked file may be years ago.
                    if path.stat().st_ctime <= limit:
                        path.unlink()
                        swept += 1
        return swept


def _digest(path: Path) -> str:
    """Return the digest of a file, or an empty string where there is none (any more)."""
    try:
        with open(path, "rb", opener=_unnoticed) as file:
            return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"
    except FileNotFoundError:
        return ""


def _unnoticed(path: str, flags: int) -> int:
    """Open a file so that this does not count as a use of it, where we may."""
    with contextlib.suppress(PermissionError):
        return os.open(path, flags | getattr(os, "O_NOATIME", 0))
    return os.open(path, flags)
