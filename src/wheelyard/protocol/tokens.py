"""How a token is written: ``wy_ID_SECRET``.

The id finds what is kept of a token; only the digest of the secret is kept, so that whoever reads the
database can use none of them. A secret has 256 bits, which is why one round of SHA-256 is enough.
"""

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass, field
from typing import Self

from wheelyard.errors import DeniedError

_WRITTEN = re.compile(r"wy_([0-9a-f]{16})_([0-9a-f]{64})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """A token as its bearer has it; ``str()`` is what ``parse`` reads. It stands in no log: ``repr`` hides the secret."""

    id: str
    secret: str = field(repr=False)

    @classmethod
    def fresh(cls) -> Self:
        """Make one that nobody has."""
        return cls(id=secrets.token_hex(8), secret=secrets.token_hex(32))

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a token. Raises DeniedError, which quotes nothing of it."""
        match = _WRITTEN.fullmatch(text.strip())
        if match is None:
            raise DeniedError(
                "what was given is not a token",
                hint="A token is written wy_ID_SECRET; 'wheelyard token create' prints one.",
            )
        return cls(id=match[1], secret=match[2])

    def __str__(self) -> str:
        return f"wy_{self.id}_{self.secret}"

    @property
    def digest(self) -> str:
        """What is kept of the secret."""
        return f"sha256:{hashlib.sha256(self.secret.encode()).hexdigest()}"

    def matches(self, digest: str) -> bool:
        """Whether the secret is the one that a digest was made of; takes as long either way."""
        return hmac.compare_digest(self.digest, digest)
