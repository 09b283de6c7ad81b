"""What one reading of a file in a wheel tells, so that nobody has to read it again."""

import base64
import hashlib
from dataclasses import dataclass

_MAGIC = (
    b"\x7fELF",
    b"MZ",
    b"\xcf\xfa\xed\xfe",
    b"\xce\xfa\xed\xfe",
    b"\xca\xfe\xba\xbe",
    b"\0asm",
)
# Where the sandbox unpacks. Libraries of the system that were bundled name their own /build/.
BUILD_FOLDER = b"/build/source/"
_TAIL = len(BUILD_FOLDER) - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What a file is: ``compiled`` by its first bytes, ``names_build`` where the path of a build is in it.

    ``record`` is its hash as RECORD writes it, with the algorithm.
    """

    compiled: bool
    names_build: bool
    record: str


class ContentReader:
    """Takes a file in by pieces."""

    def __init__(self, algorithm: str = "sha256") -> None:
        self.size = 0
        self._algorithm = algorithm
        self._hasher = hashlib.new(algorithm)
        self._head = self._rest = b""
        self._names_build = False

    def feed(self, chunk: bytes) -> None:
        """Take in the next piece, which is not empty."""
        self.size += len(chunk)
        self._head = self._head or chunk[:8]
        self._hasher.update(chunk)
        # A path may lie across the border of two pieces.
        if self._rest and BUILD_FOLDER in self._rest + chunk[:_TAIL]:
            self._names_build = True
        self._names_build = self._names_build or BUILD_FOLDER in chunk
        self._rest = chunk[-_TAIL:]

    def content(self) -> Content:
        """Say what it was."""
        return Content(
            compiled=self._head.startswith(_MAGIC),
            names_build=self._names_build,
            record=record_hash(self._algorithm, self._hasher.digest()),
        )


def record_hash(algorithm: str, digest: bytes) -> str:
    """Write a hash as RECORD does (the binary distribution format: URL-safe base64, no padding)."""
    return f"{algorithm}={base64.urlsafe_b64encode(digest).rstrip(b'=').decode('ascii')}"
