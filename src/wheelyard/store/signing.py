"""The key with which a coordinator signs where its wheels come from: ed25519, in the state folder.

It is made when it is first needed, and read by its owner alone. ``cryptography`` is imported when a key
is: builders have neither.
"""

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from wheelyard.errors import StoreError
from wheelyard.store.faults import translated

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

NAME = "signing-key.pem"
_OTHERS = 0o077
_NEVER = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)  # RFC 5280, 4.1.2.5


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
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

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
        key = load_pem_private_key(content, password=None)
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

    One key gives the same bytes each time, because ed25519 signs without chance.
    """
    from cryptography import x509
    from cryptography.hazmat.primitives import serialization as s
    from cryptography.x509.oid import NameOID

    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "wheelyard")])
    epoch = datetime(2020, 1, 1, tzinfo=UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(epoch)
        .not_valid_after(_NEVER)
        .sign(key, None)
    )
    return made.public_bytes(s.Encoding.DER)
