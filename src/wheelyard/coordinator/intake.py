"""Takes results in: recorded once, then published.

An artifact counts when it is checked, stored and visible in the index; only then does the plan hear
of it. What a seed helped to build is kept, but never published.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

import msgspec

from wheelyard.coordinator.provenance import Attestor
from wheelyard.coordinator.questions import AS_OF, NEEDS, PORTABLE, REBUILT
from wheelyard.jobs.held import advice_for_held
from wheelyard.jobs.job import Job, State
from wheelyard.model.artifact import Artifact, Origin
from wheelyard.model.job import BuildKey, Offer, Outcome, Report
from wheelyard.plan.events import Start
from wheelyard.plan.key import recipe_digest
from wheelyard.ports import ArtifactStore, Blobs, Clock, JobStore, Lease, Memory

Renumber = Callable[[Artifact, int], Awaitable[Artifact]]
"""Gives a wheel a build number: the artifact with its new name and digest, stored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitKeys:
    """What a unit is looked up under: by whatever is not compiled, and by everything.

    A job's own key is another one where it is a rebuild, or where a seed is in its environment.
    """

    portable: BuildKey
    ordinary: BuildKey


def keys_of(start: Start) -> UnitKeys:
    """Return what the unit of a job is looked up under."""
    return UnitKeys(portable=start.portable_key, ordinary=start.ordinary_key)


class NamedArtifacts(ArtifactStore, Protocol):
    """Artifacts whose store knows every file name that was ever published."""

    async def digest_of_name(self, filename: str) -> str | None:
        """Return what a file name was published for, even if it was withdrawn; None: it is free."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A result as it was taken in; ``artifact`` is the one that counts.

    ``again_at`` is set where the job is to be tried again. Not ``accepted``: the lease was lost.
    """

    report: Report
    accepted: bool = True
    artifact: Artifact | None = None
    again_at: datetime | None = None


def stopped(job: Job, report: Report) -> Report:
    """Say of a job that is held or cancelled why it gives nothing, and what a person can do."""
    project = job.release.project
    if job.state is State.HELD and job.artifact:
        hint = advice_for_held(job.key[:12], report.findings)
    else:
        hint = f"'wheelyard job retry --project {project}' lets it be tried again."
    return replace(report, outcome=Outcome.FAILED, reason=f"{job.state}: {job.reason}", hint=hint)


class Intake:
    """Records results and publishes artifacts."""

    def __init__(  # noqa: PLR0913 - the ports of a service, by name
        self,
        *,
        jobs: JobStore,
        artifacts: NamedArtifacts,
        blobs: Blobs,
        memory: Memory,
        clock: Clock,
        renumber: Renumber,
        attestor: Attestor | None = None,
    ) -> None:
        self._jobs = jobs
        self._artifacts = artifacts
        self._blobs = blobs
        self._memory = memory
        self._clock = clock
        self._renumber = renumber
        self._attestor = attestor

    async def take(
        self, offer: Offer, lease: Lease, report: Report, *, bootstrap: bool, keys: UnitKeys
    ) -> Taken:
        """Take one result in. A lease that was lost leaves everything as it is."""
        report = replace(report, as_of=offer.as_of)
        if report.artifact is not None:
            report = replace(
                report, artifact=self._complete(offer, report.artifact, bootstrap=bootstrap)
            )
        await self._remember(offer, report, keys.portable)
        if report.artifact is not None and not bootstrap and offer.command is None:
            report = await self._attested(
                offer, lease, replace(report, artifact=await self._with_free_name(report.artifact))
            )
        job = await self._jobs.finish(lease.key, lease.fence, report)
        if job is None:
            return Taken(report=report, accepted=False)
        if report.artifact is not None and not bootstrap and offer.command is None:
            await self._name(offer.key, keys, report.artifact, counts=job.state is State.DONE)
        if job.state in {State.READY, State.LEASED}:
            # Where somebody has it again already, it was ready for a moment.
            return Taken(report=report, again_at=job.not_before or self._clock.now())
        if job.state is State.HELD:
            return Taken(report=stopped(job, report))
        artifact = report.artifact
        if artifact is not None and not bootstrap:
            artifact = await self.publish(artifact)
        return Taken(report=report, artifact=artifact)

    async def _remember(self, offer: Offer, report: Report, portable_key: BuildKey) -> None:
        """Keep what later runs would have to find out again."""
        if report.outcome is Outcome.NEEDS:
            await self._memory.keep(NEEDS, portable_key, msgspec.json.encode(report.needs))
        if report.artifact is not None and offer.as_of:
            await self._memory.keep(AS_OF, offer.key, offer.as_of.encode())

    async def _name(
        self, key: BuildKey, keys: UnitKeys, artifact: Artifact, *, counts: bool
    ) -> None:
        """Let a wheel be found under the other keys that it will be asked for by.

        What waits to be looked at, too: it is found by its key only once it counts. But for a rebuild's,
        it is in nobody's place.
        """
        rebuilt = key != keys.ordinary
        if artifact.portable and (counts or not rebuilt):
            await self._memory.keep(PORTABLE, keys.portable, key.encode())
        elif rebuilt and counts:
            # What was built without a compiler's help may be there still: it is not wanted any more.
            await self._memory.keep(PORTABLE, keys.portable, b"")
        if rebuilt:
            kept = await self._memory.recall(REBUILT, keys.ordinary)
            earlier = kept.decode().split() if kept is not None and not counts else []
            await self._memory.keep(REBUILT, keys.ordinary, " ".join((key, *earlier)).encode())

    async def publish(self, artifact: Artifact) -> Artifact:
        """Make a wheel visible, and return what counts under its name; other artifacts are in no index."""
        if artifact.origin is Origin.COMMAND:
            return artifact
        return await self._artifacts.publish(artifact)

    async def has_bytes(self, report: Report) -> bool:
        """Whether the wheel of an earlier report is still there."""
        return report.artifact is None or self._blobs.path(report.artifact.digest) is not None

    def _complete(self, offer: Offer, artifact: Artifact, *, bootstrap: bool) -> Artifact:
        """Add what only the coordinator knows."""
        origin = Origin.BUILT if offer.command is None else Origin.COMMAND
        return replace(
            artifact,
            origin=Origin.BOOTSTRAP if bootstrap else origin,
            build_key=offer.key,
            target=offer.target,
            source_digest=offer.source.digest,
            recipe_digest=recipe_digest(offer.recipe),
            created=self._clock.now(),
            as_of=offer.as_of,
        )

    async def _attested(self, offer: Offer, lease: Lease, report: Report) -> Report:
        """Sign how a wheel came to be: under its last name, and before it is recorded."""
        if self._attestor is None or report.artifact is None:
            return report
        job = await self._jobs.job(lease.key)
        builder = "" if job is None else job.builder
        digest = await self._attestor.attest(offer, lease, report, report.artifact, builder=builder)
        return replace(report, artifact=replace(report.artifact, provenance_digest=digest))

    async def _with_free_name(self, artifact: Artifact) -> Artifact:
        """Give the wheel a build number where its name stands for other bytes already.

        Even for some that are gone: whoever has their digest in a lock file is not given others.
        """
        candidate, number = artifact, 0
        while (known := await self._artifacts.digest_of_name(candidate.filename)) is not None:
            if known == candidate.digest:
                break
            number += 1
            candidate = await self._renumber(artifact, number)
        return candidate
