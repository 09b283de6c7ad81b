"""An index over a real database and real blobs, with signed wheels that installers install."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from index.shelf import BUILT_AT, kept_wheel
from store.things import offer
from wheelyard.blobs.folder import FolderBlobs
from wheelyard.coordinator.provenance import Attestor
from wheelyard.model.artifact import Artifact, InputWheel, Origin
from wheelyard.model.job import Outcome, Report
from wheelyard.model.release import Release
from wheelyard.ports import Lease
from wheelyard.store.folder import StateFolder
from wheelyard.store.signing import signing_key
from wheelyard.testing.clock import FixedClock


@dataclass(frozen=True, slots=True)
class Stock:
    """A state folder that is open."""

    folder: StateFolder
    blobs: FolderBlobs

    async def publish(
        self, name: str, version: str, *, body: str = "", signed: bool = False
    ) -> Artifact:
        """Publish a wheel, with provenance or without."""
        kept = await kept_wheel(self.blobs.add_bytes, name, version, body=body)
        artifact = replace(kept, build_key=f"key of {kept.filename} {body}")
        if signed:
            artifact = replace(artifact, provenance_digest=await self.attest(artifact))
        return await self.folder.artifacts.publish(artifact)

    async def attest(self, artifact: Artifact) -> str:
        """Sign how a wheel came to be; return the digest of that."""
        attestor = Attestor(
            key=lambda: signing_key(self.folder.path), blobs=self.blobs, clock=FixedClock()
        )
        tool = InputWheel(
            filename="setuptools-80.0-py3-none-any.whl",
            digest=f"sha256:{'a' * 64}",
            release=Release.of("setuptools", "80.0"),
            origin=Origin.BUILT,
        )
        asked = replace(offer(release=str(artifact.release)), requirements=(tool,))
        report = Report(
            outcome=Outcome.BUILT,
            wall_seconds=3,
            sandbox=("bubblewrap", "no network"),
            log_digest=f"sha256:{'b' * 64}",
        )
        lease = Lease(key=asked.key, fence=7, attempt=2, expires=BUILT_AT)
        return await attestor.attest(asked, lease, report, artifact, builder="arm-1")


@asynccontextmanager
async def opened(path: Path) -> AsyncIterator[Stock]:
    async with await StateFolder.open(path) as folder:
        yield Stock(folder, FolderBlobs(folder.place("blobs"), own=folder.path, flush=False))


def published(path: Path, name: str, version: str, *, signed: bool = False) -> Artifact:
    """Publish one wheel into a state folder."""

    async def run() -> Artifact:
        async with opened(path) as stock:
            return await stock.publish(name, version, signed=signed)

    return asyncio.run(run())
