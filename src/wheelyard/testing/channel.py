"""A conda channel in a list."""

from collections.abc import Sequence
from dataclasses import replace

from wheelyard.channel_ports import ChannelChanges, Entered
from wheelyard.model.channel import CondaPackage
from wheelyard.ports import Clock
from wheelyard.testing.clock import FixedClock


class MemoryChannel:
    """The ``ChannelStore`` port in memory."""

    def __init__(self, *, clock: Clock | None = None) -> None:
        self._clock = clock or FixedClock()
        self._packages: dict[str, CondaPackage] = {}
        self._changes: dict[str, int] = {}

    async def changes_since(self, since: int) -> ChannelChanges:
        """Return what changed after a revision, everything after -1."""
        revision = self._revision()
        if revision == since:
            return ChannelChanges(revision=revision, packages=())
        whole = not 0 <= since <= revision
        found = [
            package
            for place, package in sorted(self._packages.items())
            if whole or self._changes[place] > since
        ]
        return ChannelChanges(revision=revision, packages=tuple(found), whole=whole)

    async def enter(self, packages: Sequence[CondaPackage]) -> Entered:
        """Let packages into the channel, all of them or none."""
        known = {one.place: self._packages.get(one.place) for one in packages}
        taken = [
            there
            for one in packages
            if (there := known[one.place]) is not None and there.digest != one.digest
        ]
        if taken:
            return Entered(taken=tuple(taken))
        new = [one for one in packages if (there := known[one.place]) is None or not there.there]
        change = self._revision() + 1
        for one in new:
            kept = known[one.place] or replace(one, created=self._clock.now(), removed=None)
            self._put(replace(kept, there=True), change)
        return Entered(new=tuple(new))

    async def remove(self, subdir: str, filename: str, reason: str | None) -> bool:
        """Hide a package from solvers, or take that back with None; False where there is no such package."""
        found = self._packages.get(f"{subdir}/{filename}")
        if found is None or not found.there:
            return False
        self._put(replace(found, removed=reason), self._revision() + 1)
        return True

    async def places_of(self, filename: str) -> Sequence[str]:
        """Return the subdirs in which there is a package of this name."""
        found = self._packages.values()
        return sorted(one.subdir for one in found if one.filename == filename and one.there)

    async def withdraw(self, digest: str) -> int:
        """Take packages whose bytes are gone out of the channel; return how many names they had."""
        lost = [one for one in self._packages.values() if one.digest == digest and one.there]
        change = self._revision() + 1
        for one in lost:
            self._put(replace(one, there=False), change)
        return len(lost)

    def _put(self, package: CondaPackage, change: int) -> None:
        self._packages[package.place] = package
        self._changes[package.place] = change

    def _revision(self) -> int:
        return max(self._changes.values(), default=0)
