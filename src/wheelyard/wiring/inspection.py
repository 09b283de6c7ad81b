"""What a wheel is by its own bytes, whatever its builder said of it."""

import asyncio
import tempfile
from dataclasses import replace
from pathlib import Path

from wheelyard.errors import DigestMismatchError, InvalidArchiveError
from wheelyard.executor.wheelfile import WheelFacts, inspect_wheel
from wheelyard.model.artifact import Artifact, Origin
from wheelyard.model.job import Offer
from wheelyard.ports import Blobs
from wheelyard.targets.wheelname import WheelName

_SEEDS = frozenset({Origin.SEED, Origin.BOOTSTRAP})


class WheelInspector:
    """Holds wheels against their jobs."""

    def __init__(self, blobs: Blobs, *, folder: Path) -> None:
        self._blobs = blobs
        self._folder = folder

    async def inspect(self, artifact: Artifact, offer: Offer) -> Artifact:
        """Return the artifact as its bytes say it is. Raises InvalidArchiveError and DigestMismatchError."""
        WheelName.parse(artifact.filename)
        path = self._blobs.path(artifact.digest)
        if path is None:
            raise DigestMismatchError(
                f"the bytes of {artifact.filename!r} never came", hint="They are sent again."
            )
        size, facts = await asyncio.to_thread(self._look, path, artifact.filename, offer)
        if size != artifact.size:
            raise DigestMismatchError(
                f"{artifact.filename!r} has {size} bytes, not {artifact.size}",
                hint="Its builder miscounted.",
            )
        seeded = any(wheel.origin in _SEEDS for wheel in offer.requirements)
        return replace(
            artifact,
            size=size,
            release=offer.release,
            target=offer.target,
            tags=facts.tags,
            origin=Origin.BOOTSTRAP if seeded else Origin.BUILT,
            requires_python=facts.requires_python,
            requires_dist=facts.requires_dist,
            metadata_digest=await self._blobs.add_bytes(facts.metadata),
            build_key=offer.key,
            source_digest=offer.source.digest,
            yanked=None,
        )

    def _look(self, path: Path, filename: str, offer: Offer) -> tuple[int, WheelFacts]:
        """Read a wheel under its name: blobs are named by their digests."""
        with tempfile.TemporaryDirectory(dir=self._folder) as folder:
            named = Path(folder) / filename
            named.symlink_to(path.absolute())
            try:
                facts = inspect_wheel(named, release=offer.release, target=offer.target)
            except OSError as error:
                raise InvalidArchiveError(
                    f"{filename!r} cannot be read: {error}", hint="Build it again."
                ) from error
            return path.stat().st_size, facts
