"""What a conda channel needs of the world: where its packages are kept, and what changed since when."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from wheelyard.model.channel import CondaPackage

CONDA = "conda packages"
"""The kind of their blobs, in what is said of a state folder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entered:
    """What became of packages that were to enter a channel.

    ``taken``: those whose names stand for other bytes, as they are in the channel. Where there is one, none entered.
    """

    new: tuple[CondaPackage, ...] = ()
    taken: tuple[CondaPackage, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelChanges:
    """What changed up to ``revision``: packages as they are now, those that are not there any more, too.

    ``whole``: these are all that there are, and whatever a reader knew of before counts for nothing.
    """

    revision: int
    packages: tuple[CondaPackage, ...]
    whole: bool = False


class ChannelReader(Protocol):
    """A channel, to be read."""

    async def changes_since(self, since: int) -> ChannelChanges:
        """Return what changed after a revision, everything after -1 or one that is not known; the cost grows with that."""
        ...


class ChannelStore(ChannelReader, Protocol):
    """The channel: a name within a subdir keeps its bytes for ever."""

    async def enter(self, packages: Sequence[CondaPackage]) -> Entered:
        """Let packages into the channel, all of them or none. The same bytes once more change nothing."""
        ...

    async def remove(self, subdir: str, filename: str, reason: str | None) -> bool:
        """Hide a package from solvers, or take that back with None; False where there is no such package."""
        ...

    async def places_of(self, filename: str) -> Sequence[str]:
        """Return the subdirs in which there is a package of this name."""
        ...

    async def withdraw(self, digest: str) -> int:
        """Take packages whose bytes are gone out of the channel and all snapshots; return how many names they had."""
        ...
