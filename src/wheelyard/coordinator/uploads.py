"""Takes in wheels that people built by hand, under the same rules as those of builders.

The bytes say what a wheel is, and nothing that its sender says of it. A name that ever stood for bytes
stands for these alone.
"""

import asyncio
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from wheelyard.coordinator.farm.actions import Action
from wheelyard.coordinator.intake import NamedArtifacts
from wheelyard.errors import ConflictError, DigestMismatchError
from wheelyard.farm_ports import EventLog
from wheelyard.model.artifact import Artifact
from wheelyard.ports import Blobs


class Inspected(Protocol):
    """What a wheel says of itself, and the bytes of its METADATA."""

    @property
    def artifact(self) -> Artifact:
        """The wheel, without its digest."""
        ...

    @property
    def metadata(self) -> bytes:
        """Its METADATA."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Uploaded:
    """What is visible now; not ``new`` where just these bytes were there before."""

    artifact: Artifact
    new: bool


class Uploads:
    """Publishes uploaded wheels. ``inspect`` looks at a file by its name, on a thread.

    ``scratch`` is a folder for what comes, on the disk of the blobs.
    """

    def __init__(
        self,
        *,
        inspect: Callable[[Path], Inspected],
        artifacts: NamedArtifacts,
        blobs: Blobs,
        events: EventLog,
        scratch: Path,
    ) -> None:
        self.scratch = scratch
        self._inspect = inspect
        self._artifacts = artifacts
        self._blobs = blobs
        self._events = events

    async def take(self, path: Path, *, announced: str, actor: str) -> Uploaded:
        """Check a wheel and publish it; ``announced`` is the digest that its sender told, or empty.

        Raises InvalidArchiveError and InvalidNameError for what is no wheel, DigestMismatchError, and
        ConflictError where its name stands for other bytes.
        """
        found, digest = await asyncio.gather(
            asyncio.to_thread(self._inspect, path), asyncio.to_thread(_digest, path)
        )
        if announced not in {"", digest}:
            raise DigestMismatchError(
                f"{path.name!r} has the digest {digest!r}, not {announced!r}",
                hint="It was changed or cut short on its way; upload it again.",
            )
        known = await self._artifacts.digest_of_name(path.name)
        if known not in {None, digest}:
            raise _taken(path.name)
        await self._blobs.add_file(path, digest=digest)
        artifact = replace(
            found.artifact,
            digest=digest,
            metadata_digest=await self._blobs.add_bytes(found.metadata),
        )
        visible = await self._artifacts.publish(artifact)
        if visible.digest != digest:
            raise _taken(path.name)
        if known is None:
            await self._events.write(
                Action.ARTIFACT_UPLOADED, path.name, actor=actor, digest=digest, size=artifact.size
            )
        return Uploaded(artifact=visible, new=known is None)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"


def _taken(filename: str) -> ConflictError:
    return ConflictError(
        f"{filename!r} already exists with other bytes",
        hint="Published bytes never change: give it a build number or another version.",
    )
