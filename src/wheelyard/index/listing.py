"""What is published, as a list; and the ports that the index stands on."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

from wheelyard.channel_ports import ChannelReader
from wheelyard.model.artifact import Artifact
from wheelyard.model.listing import Snapshot
from wheelyard.model.release import ProjectName
from wheelyard.ports import ArtifactStore, Blobs


class Snapshots(Protocol):
    """Snapshots of an index, to be read."""

    async def find(self, text: str) -> Snapshot | None:
        """Return the snapshot that a name or a number stands for."""
        ...

    def artifacts(self, snapshot: Snapshot) -> ArtifactStore:
        """Return what is in a snapshot, to be read as an index."""
        ...

    def channel(self, snapshot: Snapshot) -> ChannelReader:
        """Return what is in a snapshot of the conda channel."""
        ...


@runtime_checkable
class LinkedBlobs(Protocol):
    """Blobs that are not all on this machine, and that anybody can have from where they are."""

    def here(self, digest: str) -> Path | None:
        """Return where the bytes lie on this machine, or None; nothing is brought."""
        ...

    async def link(self, digest: str) -> str:
        """Return an address from which anybody may have a blob for some minutes."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexPorts:
    """What an index is made of: the artifacts that are published, the conda channel, their bytes, and snapshots."""

    artifacts: ArtifactStore
    blobs: Blobs
    snapshots: Snapshots | None = None
    channel: ChannelReader | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """A project and its published files, in the order of their names."""

    project: ProjectName
    files: Sequence[Artifact]


async def listings(artifacts: ArtifactStore) -> list[Listing]:
    """Return every project with its files."""
    return [
        Listing(project=project, files=await artifacts.of_project(project))
        for project in await artifacts.projects()
    ]
