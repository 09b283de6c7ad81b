"""A channel with a door, on memory and a folder of blobs."""

from dataclasses import dataclass
from pathlib import Path

from wheelyard.blobs.folder import FolderBlobs
from wheelyard.coordinator.channel import ChannelDoor
from wheelyard.executor.conda_file import inspect_conda
from wheelyard.model.channel import CondaPackage
from wheelyard.testing.channel import MemoryChannel
from wheelyard.testing.conda_packages import conda_package
from wheelyard.testing.happenings import MemoryEventLog


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """The channel, its door, and what is behind it."""

    folder: Path
    channel: MemoryChannel
    blobs: FolderBlobs
    events: MemoryEventLog
    door: ChannelDoor

    async def add(self, name: str, version: str = "1.0", build: str = "0", **more: object) -> Path:
        """Make a package and let it in."""
        made = self.folder / "made" / str(more.get("subdir", "noarch"))
        path = conda_package(made, name, version, build, **more)  # type: ignore[arg-type]
        await self.door.take([path], actor="ann")
        return path

    async def packages(self) -> list[CondaPackage]:
        """Return what is there."""
        return [one for one in (await self.channel.changes_since(-1)).packages if one.there]


def world(folder: Path) -> World:
    """Make an empty one."""
    channel, events = MemoryChannel(), MemoryEventLog()
    blobs = FolderBlobs(folder / "blobs", flush=False)
    door = ChannelDoor(
        inspect=inspect_conda, channel=channel, blobs=blobs, events=events, scratch=folder
    )
    return World(folder=folder, channel=channel, blobs=blobs, events=events, door=door)
