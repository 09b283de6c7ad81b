"""Keeps a state folder small and true: what is in it, what can go, and whether its bytes are right.

A run may go on beside it. What a run might want without saying so stays while one does; a wheel whose
bytes are gone leaves the index, and its job is open again for the next run that wants it.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from wheelyard.channel_ports import CONDA
from wheelyard.coordinator.farm.actions import Action
from wheelyard.coordinator.retention import Retention
from wheelyard.farm_ports import EventLog
from wheelyard.model.artifact import Artifact
from wheelyard.model.job import BuildKey
from wheelyard.ports import ArtifactStore, Blobs, Holding, JobStore, Keeper, Reference


class CheckedBlobs(Blobs, Protocol):
    """Blobs that can be read again."""

    async def scrub(self) -> Sequence[str]:
        """Read everything again and return the digests of what is no longer what it was."""
        ...


class Publications(ArtifactStore, Protocol):
    """Artifacts whose publication can be made up for, or taken back."""

    async def waiting(self) -> Sequence[Artifact]:
        """Return what counts and could be published but is not: a run ended between the two."""
        ...

    async def withdraw(self, digest: str) -> int:
        """Take a file whose bytes are gone out of the index; return how many names it had."""
        ...

    async def forget_provenance(self, digest: str) -> int:
        """Offer provenance that is gone no more; return how many files had it."""
        ...


class Withdrawals(Protocol):
    """A conda channel, out of which can be taken what is lost."""

    async def withdraw(self, digest: str) -> int:
        """Take packages whose bytes are gone out; return how many names they had."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Cleaned:
    """What was removed, or would be. ``spared`` are kinds that were left alone because a run goes on."""

    removed: tuple[Holding, ...]
    leftovers: int = 0
    spared: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost:
    """A blob that the database names and that is not there, or was not what it should be."""

    digest: str
    kind: str
    filename: str
    damaged: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """How a check ended; ``reopened`` are the jobs that the next run builds again.

    ``damaged`` counts all blobs with other bytes than their name says; those that nothing names are
    fetched again when they are wanted.
    """

    blobs: int
    damaged: int
    lost: tuple[Lost, ...]
    reopened: tuple[BuildKey, ...]


class Upkeep:
    """Looks after a state folder. ``alone`` tells, for as long as it is open, whether no run goes on."""

    def __init__(  # noqa: PLR0913 - the ports of a service, by name
        self,
        *,
        keepers: Sequence[Keeper],
        blobs: CheckedBlobs,
        references: Callable[[], Awaitable[Sequence[Reference]]],
        artifacts: Publications,
        channel: Withdrawals,
        jobs: JobStore,
        events: EventLog,
        alone: Callable[[], AbstractAsyncContextManager[bool]],
        retention: Retention,
    ) -> None:
        self._retention = retention
        self._keepers = keepers
        self._blobs = blobs
        self._references = references
        self._artifacts = artifacts
        self._channel = channel
        self._jobs = jobs
        self._events = events
        self._alone = alone

    async def show(self) -> tuple[Holding, ...]:
        """Say how much there is of each kind."""
        return tuple([one for keeper in self._keepers for one in await keeper.holdings()])

    async def preview(self, unused_seconds: float) -> tuple[Holding, ...]:
        """Say what ``clean`` would remove that nobody used for so long."""
        return (await self.clean(unused_seconds=unused_seconds, preview=True)).removed

    async def tidy(self) -> int:
        """Put right what killed runs left by halves; cheap enough for the beginning of every run.

        Returns how many things that were.
        """
        swept = sum([await keeper.sweep() for keeper in self._keepers])
        for artifact in await self._artifacts.waiting():
            if self._blobs.path(artifact.digest) is not None:
                await self._artifacts.publish(artifact)
                swept += 1
        return swept

    async def clean(
        self,
        *,
        unused_seconds: float,
        preview: bool,
        logs_seconds: float | None = None,
        evidence_seconds: float | None = None,
    ) -> Cleaned:
        """Remove what nobody used for so long, and what killed runs left behind.

        Logs and superseded wheels go by their age; None: they stay.
        """
        leftovers = 0 if preview else await self.tidy()
        removed = [
            *await self._retention.forget(
                logs_seconds=logs_seconds, evidence_seconds=evidence_seconds, preview=preview
            )
        ]
        spared: list[str] = []
        async with self._alone() as alone:
            for keeper in self._keepers:
                mine = preview or alone or not keeper.alone
                found = await keeper.evict(
                    unused_seconds=unused_seconds, preview=not mine or preview
                )
                if alone or not keeper.alone:
                    removed += found
                else:
                    spared += [holding.kind for holding in found if holding.count]
        return Cleaned(removed=tuple(removed), leftovers=leftovers, spared=tuple(spared))

    async def check(self) -> Checked:
        """Read every blob again; what is lost leaves the index, and its job is open again."""
        count = len(self._blobs.digests())
        damaged = frozenset(await self._blobs.scrub())
        for digest in damaged:
            await self._blobs.remove(digest)
        lost = [
            one
            for one in await self._references()
            if one.digest in damaged or (one.needed and self._blobs.path(one.digest) is None)
        ]
        reopened: dict[BuildKey, None] = {}
        for wheel in sorted({reference.wheel for reference in lost if reference.wheel}):
            keys = await self._jobs.artifact_lost(wheel)
            await self._artifacts.withdraw(wheel)
            for key in keys:
                await self._events.write(Action.ARTIFACT_LOST, key, digest=wheel)
            reopened |= dict.fromkeys(keys)
        for one in lost:
            if one.kind == "provenance":
                await self._artifacts.forget_provenance(one.digest)
            elif one.kind == CONDA and await self._channel.withdraw(one.digest):
                await self._events.write(Action.PACKAGE_LOST, one.filename, digest=one.digest)
        return Checked(
            blobs=count,
            damaged=len(damaged),
            lost=tuple(_lost(_by_digest(lost), damaged)),
            reopened=tuple(reopened),
        )


def _by_digest(references: Sequence[Reference]) -> Mapping[str, Reference]:
    return {reference.digest: reference for reference in references}


def _lost(references: Mapping[str, Reference], damaged: frozenset[str]) -> Sequence[Lost]:
    return [
        Lost(digest=one.digest, kind=one.kind, filename=one.filename, damaged=one.digest in damaged)
        for one in sorted(references.values(), key=lambda one: (one.kind, one.filename, one.digest))
    ]
