"""Looks at a wheel or an archive that was built on another machine, by its bytes alone.

Nothing that its builder said of it is taken over but the file's name and digest, and these are held
against what is in the file. Nothing in it is run or unpacked.
"""

import asyncio
import tempfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from wheelyard.errors import DigestMismatchError, InvalidNameError, StoreError
from wheelyard.executor.archive_check import check_archive
from wheelyard.executor.wheelfile import WheelFacts, inspect_wheel
from wheelyard.model.artifact import Artifact, Origin
from wheelyard.model.command import Command
from wheelyard.model.job import Offer
from wheelyard.ports import Blobs
from wheelyard.targets.wheelname import WheelName

_LONGEST_NAME = 255
"""What file systems hold; a name that is longer could not be written by an installer either."""


class Delivered:
    """Inspects what came into the blobs; ``scratch`` is a folder for links to them."""

    def __init__(self, *, blobs: Blobs, scratch: Path) -> None:
        self._blobs = blobs
        self._scratch = scratch

    async def inspect(self, artifact: Artifact, offer: Offer) -> Artifact:
        """Return the artifact as its bytes say it is.

        Raises InvalidArchiveError and InvalidNameError where it is not the job's, DigestMismatchError
        where the bytes did not come.
        """
        if len(artifact.filename.encode(errors="replace")) > _LONGEST_NAME:
            shown = f"{artifact.filename[:40]}…"
            raise InvalidNameError(f"{shown!r} is longer than a file's name can be")
        if offer.command is not None:
            return await self._archive(artifact, offer, offer.command)
        WheelName.parse(artifact.filename)
        path = self._bytes_of(artifact)
        facts, size = await asyncio.to_thread(self._look, path, artifact.filename, offer)
        return replace(
            _made(artifact, offer, size),
            tags=facts.tags,
            requires_python=facts.requires_python,
            requires_dist=facts.requires_dist,
            metadata_digest=await self._blobs.add_bytes(facts.metadata),
        )

    async def _archive(self, artifact: Artifact, offer: Offer, command: Command) -> Artifact:
        path = self._bytes_of(artifact)

        def look() -> int:
            check_archive(path, artifact.filename, command=command, limits=offer.limits)
            return path.stat().st_size

        size = await asyncio.to_thread(look)
        return replace(_made(artifact, offer, size), origin=Origin.COMMAND)

    def _bytes_of(self, artifact: Artifact) -> Path:
        try:
            path = self._blobs.path(artifact.digest)
        except StoreError as error:
            raise DigestMismatchError(error.message, hint=error.hint) from error
        if path is None:
            raise DigestMismatchError(
                f"the bytes of {artifact.filename} did not come",
                hint="Its builder must upload them before it reports the wheel.",
            )
        return path

    def _look(self, bytes_lie_at: Path, filename: str, offer: Offer) -> tuple[WheelFacts, int]:
        # What a wheel must be goes by its file name, and a blob has none.
        with tempfile.TemporaryDirectory(dir=self._scratch) as folder:
            named = Path(folder) / filename
            named.symlink_to(bytes_lie_at)
            facts = inspect_wheel(named, release=offer.release, target=offer.target)
            return facts, named.stat().st_size


def _made(artifact: Artifact, offer: Offer, size: int) -> Artifact:
    """Return what any job makes, of its offer and of the bytes that came."""
    return Artifact(
        filename=artifact.filename,
        digest=artifact.digest,
        size=size,
        release=offer.release,
        tags=frozenset(),
        origin=Origin.BUILT,
        build_key=offer.key,
        target=offer.target,
        source_digest=offer.source.digest,
        created=datetime.now(UTC),
    )
