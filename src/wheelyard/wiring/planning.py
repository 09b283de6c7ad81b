"""What it takes to plan, whoever builds: upstream, a resolver, and what takes results in."""

import asyncio
import shutil
import tempfile
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from wheelyard.blobs.folder import FolderBlobs
from wheelyard.coordinator.intake import Intake
from wheelyard.coordinator.provenance import Attestor
from wheelyard.coordinator.questions import Questions
from wheelyard.errors import StoreError, UpstreamError
from wheelyard.executor.interpreters import native_platform
from wheelyard.executor.normalise import renumber_wheel
from wheelyard.model.artifact import Artifact
from wheelyard.model.command import CommandRequest
from wheelyard.model.job import Limits, Offer
from wheelyard.model.source import FileEntry
from wheelyard.plan.command import CommandPlan, plan_command
from wheelyard.plan.job_file import FILE_NAME as JOB_FILE
from wheelyard.ports import Clock, Resolver
from wheelyard.store.folder import StateFolder
from wheelyard.store.signing import signing_key
from wheelyard.targets.platform import Platform
from wheelyard.upstream.client import IndexUpstream


@dataclass(frozen=True, slots=True, kw_only=True)
class Planning:
    """The ports that plans are made with."""

    folder: StateFolder
    blobs: FolderBlobs
    upstream: IndexUpstream
    resolver: Resolver
    clock: Clock

    def questions(self) -> Questions:
        """Return what answers the questions of one run."""
        return Questions(
            upstream=self.upstream,
            resolver=self.resolver,
            artifacts=self.folder.artifacts,
            blobs=self.blobs,
            memory=self.folder.memory,
        )

    def intake(self) -> Intake:
        """Return what takes results in."""
        return Intake(
            jobs=self.folder.jobs,
            artifacts=self.folder.artifacts,
            blobs=self.blobs,
            memory=self.folder.memory,
            clock=self.clock,
            renumber=self._renumber,
            attestor=Attestor(
                key=lambda: signing_key(self.folder.path), blobs=self.blobs, clock=self.clock
            ),
        )

    async def prepare(self, offer: Offer, wheel: FileEntry | None) -> Offer:
        """Bring what an offer names to this machine, and learn what upstream's wheel holds."""
        source = await self.upstream.fetch(offer.source)
        files = None
        if wheel is not None:
            # Without the network, or where upstream fails, the comparison is left out.
            with suppress(UpstreamError):
                files = await self.upstream.wheel_files(wheel)
        return replace(offer, source=source, upstream_files=files)

    async def command(
        self, request: CommandRequest, *, surroundings: str, limits: Limits
    ) -> CommandPlan:
        """Plan a command on a git tree. Raises ConfigurationError and UpstreamError."""
        repositories = self.upstream.repositories
        address = await repositories.address(request.repository)
        revision = await repositories.revision(address, request.revision, request.tolerance)
        return plan_command(
            replace(request, repository=address),
            revision,
            machine=Platform.parse(native_platform()).arch,
            job_file=await repositories.file_at(address, revision.commit, JOB_FILE),
            surroundings=surroundings,
            limits=limits,
        )

    async def _renumber(self, artifact: Artifact, number: int) -> Artifact:
        """Give a stored wheel a build number."""
        path = self.blobs.path(artifact.digest)
        if path is None:
            raise StoreError(
                f"the bytes of {artifact.filename} are not on this machine",
                hint="Build it again with --rebuild.",
            )
        with tempfile.TemporaryDirectory(dir=self.folder.place("jobs")) as folder:
            named = Path(folder) / artifact.filename
            await asyncio.to_thread(shutil.copyfile, path, named)
            renumbered = await asyncio.to_thread(renumber_wheel, named, Path(folder), number)
            size = renumbered.stat().st_size
            digest = await self.blobs.add_file(renumbered)
        return replace(artifact, filename=renumbered.name, digest=digest, size=size)
