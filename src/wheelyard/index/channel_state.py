"""A conda channel as it stands: its packages, and every file that says something of them, ready to be sent.

Files are written when packages changed and not when somebody reads: of the subdirs and the names that changed,
and of nothing else.
"""

import asyncio
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from time import monotonic
from typing import Self, TypeVar

from wheelyard.channel_ports import ChannelChanges, ChannelReader
from wheelyard.index.channel_html import ChannelRow, channel_json
from wheelyard.index.channel_pages import CHANNELDATA, channeldata, name_entry, order, subdir_pages
from wheelyard.model.channel import NOARCH, CondaPackage
from wheelyard.recipes.platforms import SUBDIRS

T = TypeVar("T")
_FRESHNESS = 0.1


@dataclass(frozen=True, slots=True)
class ChannelPage:
    """One file that says something of packages, and its ETag."""

    content: bytes
    etag: str

    @classmethod
    def of(cls, content: bytes) -> Self:
        """Name a file by its bytes."""
        return cls(content, f'"{hashlib.sha256(content).hexdigest()[:32]}"')


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelState:
    """A channel at a revision. ``packages`` are those whose bytes are there, by subdir and file name."""

    revision: int = -1
    packages: Mapping[str, Mapping[str, CondaPackage]] = field(default_factory=dict)
    names: Mapping[str, tuple[CondaPackage, ...]] = field(default_factory=dict)
    entries: Mapping[str, str] = field(default_factory=dict)
    rows: Mapping[str, ChannelRow] = field(default_factory=dict)
    pages: Mapping[str, ChannelPage] = field(default_factory=dict)

    def after(self, changes: ChannelChanges) -> "ChannelState":
        """Return the channel after changes; blocks for as long as it takes to write what changed."""
        before = ChannelState() if changes.whole else self
        packages = {subdir: dict(found) for subdir, found in before.packages.items()}
        for one in changes.packages:
            there = packages.setdefault(one.subdir, {})
            there.pop(one.filename, None)
            if one.there:
                there[one.filename] = one
        names = _names(packages, before.names, {one.name for one in changes.packages})
        entries = _kept(before.entries, names)
        rows = _kept(before.rows, names)
        for name in {one.name for one in changes.packages} & names.keys():
            entries[name] = name_entry(name, names[name])
            rows[name] = ChannelRow.of(names[name])
        pages = dict(before.pages)
        changed = {one.subdir for one in changes.packages}
        for subdir in changed if pages else {*changed, NOARCH, *SUBDIRS}:
            for name, content in subdir_pages(subdir, packages.get(subdir, {}).values()).items():
                pages[f"{subdir}/{name}"] = ChannelPage.of(content)
        filled = [subdir for subdir, found in packages.items() if found]
        listed = [rows[name] for name in sorted(rows)]
        pages[CHANNELDATA] = ChannelPage.of(
            channeldata([entries[name] for name in sorted(entries)], filled)
        )
        pages[""] = ChannelPage.of(channel_json(listed))
        return ChannelState(
            revision=changes.revision,
            packages=packages,
            names=names,
            entries=entries,
            rows=rows,
            pages=pages,
        )

    def listed(self) -> Sequence[ChannelRow]:
        """Return every name that solvers see, in order."""
        return [self.rows[name] for name in sorted(self.rows)]


class RenderedChannel:
    """A channel, kept as long as it is true. ``freshness`` is as for the pages of the index, in seconds."""

    def __init__(self, channel: ChannelReader, *, freshness: float = _FRESHNESS) -> None:
        self._channel = channel
        self._freshness = freshness
        self._looked = float("-inf")
        self._state = ChannelState()
        self._lock = asyncio.Lock()

    async def state(self) -> ChannelState:
        """Return the channel as it stands."""
        if monotonic() - self._looked < self._freshness:
            return self._state
        async with self._lock:
            # The time before the question counts: an answer is never newer than it.
            asked = monotonic()
            if asked - self._looked < self._freshness:
                return self._state
            changes = await self._channel.changes_since(self._state.revision)
            if changes.whole or changes.packages:
                self._state = await asyncio.to_thread(self._state.after, changes)
            self._looked = asked
            return self._state


def _names(
    packages: Mapping[str, Mapping[str, CondaPackage]],
    before: Mapping[str, tuple[CondaPackage, ...]],
    changed: set[str],
) -> dict[str, tuple[CondaPackage, ...]]:
    """Return what solvers see of each name, the newest first; only what changed is looked for."""
    found: dict[str, list[CondaPackage]] = {}
    for there in packages.values():
        for one in there.values():
            if one.name in changed and one.removed is None:
                found.setdefault(one.name, []).append(one)
    kept = {name: packages for name, packages in before.items() if name not in changed}
    return kept | {
        name: tuple(sorted(packages, key=order, reverse=True)) for name, packages in found.items()
    }


def _kept(before: Mapping[str, T], names: Iterable[str]) -> dict[str, T]:
    return {name: before[name] for name in names if name in before}
