"""The farm's blobs as its builders reach them."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from wheelyard.model.job import BuildKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """The right to upload what one job made under one fence. ``token`` is a secret: it is in no text and no log."""

    key: BuildKey
    fence: int
    token: str = field(repr=False)


class Depot(Protocol):
    """The farm's blobs as a builder reaches them. Where the farm is away, both methods wait until it is back."""

    async def fetch(self, digest: str) -> None:
        """Bring a blob of the farm into the local ones, checked; nothing happens where it is there.

        Raises StoreError where the farm does not have it, DigestMismatchError where it sends other bytes,
        DeniedError where it does not let this builder have it.
        """
        ...

    async def upload(self, digest: str, path: Path, ticket: Ticket) -> None:
        """Bring a file to the farm.

        Raises DeniedError where the ticket counts no more, DigestMismatchError where the bytes were
        refused three times, and StoreError where the farm does not take such a file (too large).
        """
        ...
