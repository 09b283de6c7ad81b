"""Signs for each wheel how it came to be, before anybody can have it."""

import asyncio
from collections.abc import Callable
from typing import Protocol

from wheelyard import __version__
from wheelyard.model.artifact import Artifact
from wheelyard.model.job import Offer, Report
from wheelyard.plan.provenance import Circumstances, provenance_statement
from wheelyard.ports import Blobs, Clock, Lease
from wheelyard.protocol.attestation import SignedStatement, encode_provenance, signed_text


class Signer(Protocol):
    """A key that signs."""

    certificate: bytes

    def sign(self, text: bytes) -> bytes:
        """Return the signature of a text."""
        ...


class Attestor:
    """Makes the provenance of wheels. ``key`` is asked for when it is first needed, on a thread."""

    def __init__(self, *, key: Callable[[], Signer], blobs: Blobs, clock: Clock) -> None:
        self._key = key
        self._blobs = blobs
        self._clock = clock
        self._signer: Signer | None = None

    async def attest(
        self, offer: Offer, lease: Lease, report: Report, artifact: Artifact, *, builder: str
    ) -> str:
        """Store the signed provenance of an artifact and return its digest. Raises StoreError."""
        if self._signer is None:
            self._signer = await asyncio.to_thread(self._key)
        circumstances = Circumstances(
            builder=builder,
            fence=lease.fence,
            attempt=lease.attempt,
            finished=self._clock.now(),
            version=__version__,
        )
        statement = provenance_statement(offer, report, artifact, circumstances)
        signed = SignedStatement(
            statement=statement,
            signature=self._signer.sign(signed_text(statement)),
            certificate=self._signer.certificate,
        )
        return await self._blobs.add_bytes(encode_provenance(signed))
