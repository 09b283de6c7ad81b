"""Lets packages into the conda channel: what people bring, and what commands built.

The bytes say what a package is. All packages of one archive enter together or not at all; the same bytes once
more change nothing, so that whatever is interrupted can be done again.
"""

import asyncio
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Protocol

from wheelyard.channel_ports import ChannelStore, Entered
from wheelyard.coordinator.farm.actions import Action
from wheelyard.errors import (
    ConfigurationError,
    ConflictError,
    DigestMismatchError,
    InvalidArchiveError,
    StoreError,
)
from wheelyard.farm_ports import EventLog
from wheelyard.model.artifact import Artifact, Origin
from wheelyard.model.channel import NOARCH, SUFFIXES, CondaPackage
from wheelyard.ports import Blobs
from wheelyard.recipes.platforms import SUBDIRS

_MOST_PACKAGES = 1000
_CHUNK = 1 << 20


class InspectPackage(Protocol):
    """Looks at a package by its bytes."""

    def __call__(self, path: Path, *, subdir: str) -> CondaPackage:
        """Return what it is. Raises InvalidArchiveError and InvalidNameError."""
        ...


class ChannelDoor:
    """The one way into the channel. ``scratch`` is a folder for what comes, on the disk of the blobs."""

    def __init__(
        self,
        *,
        inspect: InspectPackage,
        channel: ChannelStore,
        blobs: Blobs,
        events: EventLog,
        scratch: Path,
    ) -> None:
        self.scratch = scratch
        self._inspect = inspect
        self._channel = channel
        self._blobs = blobs
        self._events = events

    async def take(
        self, paths: Sequence[Path], *, actor: str, subdir: str = "", announced: str = ""
    ) -> tuple[Sequence[CondaPackage], Entered]:
        """Let files in and return what they are, and which of them are new.

        ``subdir`` is the folder that they are for, where that was said, ``announced`` the digest that was told
        of the one that comes. Raises InvalidArchiveError and InvalidNameError for what is no package,
        DigestMismatchError, and ConflictError where a name stands for other bytes.
        """
        packages = []
        for path in paths:
            package = await asyncio.to_thread(self._inspect, path, subdir=subdir or _told(path))
            if announced not in {"", package.digest}:
                raise DigestMismatchError(
                    f"{path.name!r} has the digest {package.digest!r}, not {announced!r}",
                    hint="It was changed or cut short on its way; send it again.",
                )
            packages.append(package)
        return packages, await self._enter(list(zip(packages, paths, strict=True)), actor)

    async def take_archive(self, artifact: Artifact, *, actor: str) -> Sequence[CondaPackage]:
        """Let in what a command left: its files ``SUBDIR/NAME-VERSION-BUILD.conda`` or ``.tar.bz2``; return them.

        Raises InvalidArchiveError where one of them is no package, ConflictError where a name stands for other bytes.
        """
        path = self._blobs.path(artifact.digest)
        if path is None:
            raise StoreError(
                f"the bytes of {artifact.filename} are not there any more",
                hint="Build it again with --rebuild.",
            )
        with tempfile.TemporaryDirectory(dir=self.scratch, prefix="channel-") as folder:
            files = await asyncio.to_thread(_unpacked, path, artifact.filename, Path(folder))
            found: dict[str, tuple[CondaPackage, Path]] = {}
            for subdir, file in files:
                package = await asyncio.to_thread(self._inspect, file, subdir=subdir)
                known = found.setdefault(package.place, (package, file))[0]
                if known.digest != package.digest:
                    raise InvalidArchiveError(
                        f"{package.place} is in {artifact.filename} twice, with different bytes",
                        hint="Let the command leave one of them.",
                    )
            made = [
                (replace(one, origin=Origin.COMMAND, build_key=artifact.build_key), file)
                for one, file in found.values()
            ]
            await self._enter(made, actor)
        return [one for one, _ in made]

    async def remove(self, name: str, reason: str | None, *, actor: str) -> bool:
        """Hide a package from solvers, or take that back with None; False where there is none of this name.

        ``name`` is ``SUBDIR/FILE``, or ``FILE`` where only one subdir has it. Raises ConfigurationError.
        """
        subdir, _, filename = name.rpartition("/")
        if not subdir:
            places = await self._channel.places_of(filename)
            if len(places) > 1:
                raise ConfigurationError(
                    f"{filename!r} is in {' and in '.join(places)}",
                    hint=f"Say which one is meant: {places[0]}/{filename}.",
                )
            subdir = next(iter(places), "")
        if not await self._channel.remove(subdir, filename, reason):
            return False
        action = Action.PACKAGE_RESTORED if reason is None else Action.PACKAGE_REMOVED
        more = {} if reason is None else {"reason": reason}
        await self._events.write(action, f"{subdir}/{filename}", actor=actor, **more)
        return True

    async def _enter(self, found: Sequence[tuple[CondaPackage, Path]], actor: str) -> Entered:
        for package, path in found:
            # Before the row: what the channel shows is there.
            await self._blobs.add_file(path, digest=package.digest)
        entered = await self._channel.enter([package for package, _ in found])
        if entered.taken:
            names = ", ".join(one.place for one in entered.taken)
            raise ConflictError(
                f"{names} already exists in the channel, with other bytes",
                hint="Published bytes never change: raise the build number of the recipe.",
            )
        for package in entered.new:
            await self._events.write(
                Action.PACKAGE_ADDED,
                package.place,
                actor=actor,
                digest=package.digest,
                size=package.size,
                job=package.build_key,
            )
        return entered


def is_package(name: str) -> bool:
    """Whether a file is called as only packages of a channel are, and no wheel."""
    return name.endswith(SUFFIXES)


def _told(path: Path) -> str:
    """Return the subdir whose folder a file lies in; empty where it lies in none."""
    name = path.absolute().parent.name
    return name if name in subdirs() else ""


def subdirs() -> Collection[str]:
    """Return the folders that a channel can have."""
    return (NOARCH, *SUBDIRS)


def _unpacked(archive: Path, filename: str, into: Path) -> list[tuple[str, Path]]:
    """Write the packages of an archive into a folder; return each with its subdir. Raises InvalidArchiveError."""
    found: list[tuple[str, Path]] = []
    try:
        with zipfile.ZipFile(archive) as opened:
            for entry in opened.infolist():
                place = PurePosixPath(entry.filename)
                if place.parent.name not in subdirs() or not place.name.endswith(SUFFIXES):
                    continue
                if len(found) == _MOST_PACKAGES:
                    raise InvalidArchiveError(
                        f"{filename} has more than {_MOST_PACKAGES} packages",
                        hint="Build them in several jobs.",
                    )
                # Each in a folder of its own: two subdirs may have a file of one name.
                target = into / str(len(found)) / place.name
                target.parent.mkdir()
                with opened.open(entry) as source, target.open("xb") as sink:
                    shutil.copyfileobj(source, sink, _CHUNK)
                found.append((place.parent.name, target))
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise InvalidArchiveError(
            f"{filename} is damaged: {error}", hint="Build it again with --rebuild."
        ) from error
    return found
