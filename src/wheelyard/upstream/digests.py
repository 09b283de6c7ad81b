"""Digests as indexes announce them: ``algorithm:hex``, or nothing where that is malformed."""

import hashlib
import re
from collections.abc import Mapping

# Ours first: it names the blob. The others are only checked against.
_PREFERENCE = (
    "sha256",
    "sha512",
    "sha384",
    "sha3_512",
    "sha3_256",
    "blake2b",
    "sha224",
    "sha1",
    "md5",
)
_LENGTHS = {
    name: hashlib.new(name, usedforsecurity=False).digest_size * 2
    for name in _PREFERENCE
    if name in hashlib.algorithms_available
}
_HEX = re.compile(r"[0-9a-f]+")


def announced(algorithm: str, value: str) -> str:
    """Return ``algorithm:hex``; empty where the algorithm is unknown or the value has not its form."""
    algorithm, value = algorithm.strip().lower(), value.strip().lower()
    if _LENGTHS.get(algorithm) != len(value) or not _HEX.fullmatch(value):
        return ""
    return f"{algorithm}:{value}"


def best(hashes: Mapping[str, str]) -> str:
    """Return the digest to go by of several, or an empty string."""
    for algorithm in _PREFERENCE:
        if algorithm in hashes and (digest := announced(algorithm, hashes[algorithm])):
            return digest
    return ""


def from_fragment(fragment: str) -> str:
    """Read the digest from a URL's fragment, as PEP 503 writes it: ``sha256=…``."""
    pairs = (part.partition("=") for part in fragment.split("&"))
    return best({algorithm.lower(): value for algorithm, _, value in pairs})


class Hashes:
    """The digests of bytes that go by: sha256 always, and the one that was announced.

    ``etag`` is what a server calls them, where it says so.
    """

    def __init__(self, expected: str = "") -> None:
        self.expected = expected
        self.size = 0
        self.etag = ""
        self._sha256 = hashlib.sha256()
        algorithm = expected.partition(":")[0]
        self._other = (
            hashlib.new(algorithm, usedforsecurity=False)
            if algorithm not in {"", "sha256"}
            else self._sha256
        )

    def update(self, content: bytes) -> None:
        """Take the next bytes."""
        self.size += len(content)
        self._sha256.update(content)
        if self._other is not self._sha256:
            self._other.update(content)

    @property
    def digest(self) -> str:
        """``sha256:hex`` of what went by."""
        return f"sha256:{self._sha256.hexdigest()}"

    @property
    def found(self) -> str:
        """The digest that compares with ``expected``."""
        return f"{self.expected.partition(':')[0] or 'sha256'}:{self._other.hexdigest()}"

    @property
    def as_announced(self) -> bool:
        """Whether the bytes are those that were announced."""
        return not self.expected or self.found == self.expected
