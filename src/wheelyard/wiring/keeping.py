"""Opens a state folder for those who read it or look after it, and build nothing."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from wheelyard.blobs.folder import FolderBlobs
from wheelyard.blobs.keeper import BlobKeeper
from wheelyard.coordinator.channel import ChannelDoor
from wheelyard.coordinator.retention import Retention
from wheelyard.coordinator.upkeep import Upkeep
from wheelyard.executor.conda_file import inspect_conda
from wheelyard.executor.keepers import (
    CompilerCacheKeeper,
    EnvironmentKeeper,
    JobFolderKeeper,
    UnpackedWheelKeeper,
)
from wheelyard.index.listing import IndexPorts
from wheelyard.store.artifacts import StoredArtifacts
from wheelyard.store.channel import StoredChannel
from wheelyard.store.clock import SystemClock
from wheelyard.store.folder import StateFolder, prepare
from wheelyard.store.jobs import StoredJobs
from wheelyard.store.signing import signing_key
from wheelyard.store.snapshots import StoredSnapshots
from wheelyard.upstream.keeper import CacheKeeper
from wheelyard.wiring.places import state_path
from wheelyard.wiring.shelving import open_blobs


@asynccontextmanager
async def open_index(state: Path | None) -> AsyncIterator[IndexPorts]:
    """Open what an index is made of."""
    async with await StateFolder.open(state_path(state)) as folder:
        yield IndexPorts(
            artifacts=folder.artifacts,
            blobs=FolderBlobs(folder.place("blobs")),
            snapshots=folder.snapshots,
            channel=folder.channel,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Archive:
    """What a state folder remembers."""

    jobs: StoredJobs
    artifacts: StoredArtifacts
    snapshots: StoredSnapshots
    blobs: FolderBlobs
    channel: StoredChannel
    door: ChannelDoor


@asynccontextmanager
async def open_archive(
    state: Path | None, *, database: str = "", blobs: str = ""
) -> AsyncIterator[Archive]:
    """Open what a state folder remembers."""
    async with await StateFolder.open(state_path(state), database=database) as folder:
        stored = open_blobs(folder, blobs)
        yield Archive(
            jobs=folder.jobs,
            artifacts=folder.artifacts,
            snapshots=folder.snapshots,
            blobs=stored,
            channel=folder.channel,
            door=channel_door(folder, stored),
        )


def channel_door(folder: StateFolder, blobs: FolderBlobs) -> ChannelDoor:
    """Return the way into the conda channel of a folder that is open."""
    return ChannelDoor(
        inspect=inspect_conda,
        channel=folder.channel,
        blobs=blobs,
        events=folder.events,
        scratch=folder.place("jobs"),
    )


def public_key(state: Path) -> str:
    """Return the public key of a state folder as PEM; it is made where there is none. Raises StoreError."""
    prepare(state)
    return signing_key(state).public()


@asynccontextmanager
async def open_upkeep(
    state: Path | None, *, database: str = "", blobs: str = ""
) -> AsyncIterator[Upkeep]:
    """Open what looks after a state folder; leases of ended processes are given back."""
    async with await StateFolder.open(state_path(state), database=database) as folder:
        await folder.recover()
        yield upkeep_of(folder, open_blobs(folder, blobs))


def upkeep_of(folder: StateFolder, blobs: FolderBlobs) -> Upkeep:
    """Return what looks after a folder that is open."""
    keepers = (
        BlobKeeper(blobs, folder.references.all),
        EnvironmentKeeper(folder.place("environments")),
        UnpackedWheelKeeper(cache=folder.path / "uv", names=folder.path / "wheels"),
        CompilerCacheKeeper(folder.path / "compiler-caches"),
        CacheKeeper(folder.place("cache")),
        JobFolderKeeper(folder.place("jobs")),
    )
    return Upkeep(
        keepers=keepers,
        blobs=blobs,
        references=folder.references.all,
        artifacts=folder.artifacts,
        channel=folder.channel,
        jobs=folder.jobs,
        events=folder.events,
        alone=folder.alone,
        retention=Retention(
            evidence=folder.evidence,
            blobs=blobs,
            references=folder.references.all,
            clock=SystemClock(),
        ),
    )
