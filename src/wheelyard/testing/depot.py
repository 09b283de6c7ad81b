"""A depot between two sets of blobs of one process."""

from pathlib import Path

from wheelyard.depot_ports import Ticket
from wheelyard.errors import DeniedError, DigestMismatchError
from wheelyard.ports import Blobs


class MemoryDepot:
    """The ``Depot`` port: copies from the farm's blobs and to them.

    ``tickets`` are the tokens that count, by job and fence; None lets all through. ``uploads`` lists what was
    brought, under which ticket.
    """

    def __init__(self, *, farm: Blobs, local: Blobs) -> None:
        self._farm = farm
        self._local = local
        self.tickets: dict[tuple[str, int], str] | None = None
        self.uploads: list[tuple[str, Ticket]] = []

    async def fetch(self, digest: str) -> None:
        """Bring a blob of the farm into the local ones. Raises StoreError."""
        if self._local.path(digest) is None:
            found = await self._local.add_bytes(await self._farm.read(digest))
            if found != digest:
                raise DigestMismatchError(
                    f"the farm sent {found!r} for {digest!r}", hint="Bring it again."
                )

    async def upload(self, digest: str, path: Path, ticket: Ticket) -> None:
        """Bring a file to the farm. Raises DeniedError and DigestMismatchError."""
        if (
            self.tickets is not None
            and self.tickets.get((ticket.key, ticket.fence)) != ticket.token
        ):
            raise DeniedError(
                f"the ticket of {ticket.key!r} counts no more", hint="Somebody else has the job."
            )
        await self._farm.add_file(path, digest=digest)
        self.uploads.append((digest, ticket))
