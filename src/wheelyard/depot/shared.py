"""The farm's blobs for a builder that runs in the farm's own process."""

from pathlib import Path

from wheelyard.depot_ports import Ticket
from wheelyard.errors import StoreError
from wheelyard.ports import Blobs


class SharedDepot:
    """The ``Depot`` between two folders of one machine. Whether a result counts is decided when it is taken in."""

    def __init__(self, *, farm: Blobs, local: Blobs) -> None:
        self._farm = farm
        self._local = local

    async def fetch(self, digest: str) -> None:
        """Bring a blob of the farm into the local ones, checked. Raises StoreError."""
        if self._local.path(digest) is not None:
            return
        path = self._farm.path(digest)
        if path is None:
            raise StoreError(f"the farm does not have {digest!r}", hint="Let the job be run again.")
        await self._local.add_file(path, digest=digest)

    async def upload(self, digest: str, path: Path, ticket: Ticket) -> None:  # noqa: ARG002 - its process is the farm's
        """Bring a file to the farm. Raises DigestMismatchError."""
        await self._farm.add_file(path, digest=digest)
