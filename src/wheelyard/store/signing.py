"""The key with which a coordinator signs where its wheels come from: ed25519, in the state folder.

It is made when it is first needed, and read by its owner alone. ``cryptography`` is imported when a key
is: builders have neither.
"""

import binascii
import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

from wheelyard.errors import StoreError
from wheelyard.store.faults import translated

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

NAME = "signing-key.pem"
_OTHERS = 0o077
_SEED_BYTES = 32
# RFC 8410: a private key up to its seed, and the algorithm.
_PRIVATE = bytes.fromhex("302e020100300506032b657004220420")
_ALGORITHM = bytes.fromhex("300506032b6570")
# RFC 5280, 4.1: the certificate's own header, and what is signed, up to the key: version 3, number 1, of
# and by CN=wheelyard, from 2020 on for ever (4.1.2.5). Then the algorithm, the header of the signature and it.
_CERTIFICATE = bytes.fromhex("3081d6")
_SIGNED = bytes.fromhex(
    "308189a003020102020101300506032b6570"
    "30143112301006035504030c09776865656c79617264"
    "3020170d3230303130313030303030305a180f39393939313233313233353935395a"
    "30143112301006035504030c09776865656c79617264"
    "302a300506032b6570032100"
)
_SIGNATURE = bytes.fromhex("034100")


class SigningKey:
    """An ed25519 key. Get it with ``signing_key``."""

    def __init__(self, key: "Ed25519PrivateKey") -> None:
        self._key = key
        self.certificate = _certificate(key)

    def sign(self, text: bytes) -> bytes:
        """Return the signature of a text, 64 bytes."""
        return self._key.sign(text)

    def public(self) -> str:
        """Return the public key as PEM: what others need to check signatures."""
        from cryptography.hazmat.primitives import serialization as s

        pem = self._key.public_key().public_bytes(
            s.Encoding.PEM, s.PublicFormat.SubjectPublicKeyInfo
        )
        return pem.decode()


def signing_key(folder: Path) -> SigningKey:
    """Return the key of a state folder; it is made where there is none. Blocks. Raises StoreError."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    path = folder / NAME
    with translated(path):
        if not path.exists():
            _make(path)
        if path.stat().st_mode & _OTHERS:
            raise StoreError(
                f"{str(path)!r} can be read by others",
                hint=f"Whoever had it can sign as this farm. If nobody had: chmod 600 {path}",
            )
        content = path.read_bytes()
    try:
        key = _read(content)
    except (ValueError, TypeError) as error:
        raise _damaged(path) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise _damaged(path)
    return SigningKey(key)


def _make(path: Path) -> None:
    """Write a new key whole, unless another process was quicker."""
    from cryptography.hazmat.primitives import serialization as s
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    pem = Ed25519PrivateKey.generate().private_bytes(
        s.Encoding.PEM, s.PrivateFormat.PKCS8, s.NoEncryption()
    )
    temporary = path.with_name(f".{NAME}-{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(pem)
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(temporary, path)
        except FileExistsError:
            return
    finally:
        temporary.unlink()


def _damaged(path: Path) -> StoreError:
    return StoreError(
        f"{str(path)!r} holds no ed25519 key",
        hint="Restore it from a backup, or move it away: then a new one is made, which others must be told.",
    )


def _certificate(key: "Ed25519PrivateKey") -> bytes:
    """Return a certificate that says no more than the public key: PEP 740 has a place for one (DER).

    One key gives the same bytes each time, because ed25519 signs without chance. Only the key and the
    signature differ between two; what builds certificates takes longer to import than all else here.
    """
    signed = _SIGNED + key.public_key().public_bytes_raw()
    return _CERTIFICATE + signed + _ALGORITHM + _SIGNATURE + key.sign(signed)


def _read(content: bytes) -> object:
    """Read a private key. Raises ValueError and TypeError."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    lines = content.split()
    with contextlib.suppress(binascii.Error):
        key = binascii.a2b_base64(b"".join(lines[3:-3]), strict_mode=True)
        if key.startswith(_PRIVATE) and len(key) == len(_PRIVATE) + _SEED_BYTES:
            return Ed25519PrivateKey.from_private_bytes(key[len(_PRIVATE) :])
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    return load_pem_private_key(content, password=None)
