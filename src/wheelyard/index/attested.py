"""Whether the provenance of a file is signed with a key that is trusted, and is about this very file."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from wheelyard.errors import ConfigurationError
from wheelyard.index.address import sha256_of
from wheelyard.protocol.attestation import (
    SignedStatement,
    Statement,
    decode_provenance,
    decode_statement,
    signed_text,
)

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

_STATEMENTS = frozenset({"https://in-toto.io/Statement/v1", "https://in-toto.io/Statement/v0.1"})


class TrustedKeys:
    """Public ed25519 keys, one of which must have signed."""

    def __init__(self, keys: Sequence["Ed25519PublicKey"]) -> None:
        self._keys = tuple(keys)

    @classmethod
    def read(cls, paths: Sequence[Path]) -> "TrustedKeys":
        """Read keys in PEM from files. Raises ConfigurationError."""
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
        from cryptography.hazmat.primitives.serialization import load_pem_public_key

        keys = []
        for path in paths:
            try:
                key = load_pem_public_key(path.read_bytes())
            except OSError as error:
                raise ConfigurationError(
                    f"the key '{path}' cannot be read: {error.strerror}",
                    hint="'wheelyard index key' prints a farm's.",
                ) from error
            except ValueError as error:
                raise _no_key(path) from error
            if not isinstance(key, Ed25519PublicKey):
                raise _no_key(path)
            keys.append(key)
        return cls(keys)

    def problem(self, provenance: bytes, *, filename: str, digest: str) -> str:
        """Say what is wrong with a file's provenance, or return an empty string."""
        signed = decode_provenance(provenance)
        if not signed:
            return "is no provenance"
        good = [one for one in signed if self._signed(one)]
        if not good:
            return "is not signed with a key that is trusted"
        statements = [decode_statement(one.statement) for one in good]
        if not any(_is_about(one, filename, digest) for one in statements):
            return "is signed, and is about another file"
        return ""

    def _signed(self, signed: SignedStatement) -> bool:
        from cryptography.exceptions import InvalidSignature

        text = signed_text(signed.statement)
        for key in self._keys:
            try:
                key.verify(signed.signature, text)
            except InvalidSignature:
                continue
            return True
        return False


def _is_about(statement: Statement | None, filename: str, digest: str) -> bool:
    """Whether a statement has one subject, which is this file (PEP 740 allows no more)."""
    if statement is None or statement.type not in _STATEMENTS or len(statement.subject) != 1:
        return False
    (subject,) = statement.subject
    return subject.name == filename and subject.digest.get("sha256") == sha256_of(digest)


def _no_key(path: Path) -> ConfigurationError:
    return ConfigurationError(
        f"'{path}' holds no public ed25519 key",
        hint="It must be PEM, as 'wheelyard index key' prints it.",
    )
