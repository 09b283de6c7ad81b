"""What each source answered: files in a folder, or a database, one for each source and project."""

import asyncio
import hashlib
from collections.abc import Sequence
from pathlib import Path

import msgspec

from wheelyard.errors import StoreError
from wheelyard.model.sighting import Sighting
from wheelyard.ports import Memory
from wheelyard.upstream.page_cache import write_whole

_KIND = "sighting"


class SightingsMemory:
    """Keeps sightings where all processes of a farm have them."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory

    async def last(self, blank: Sighting) -> Sighting:
        """Return what was last seen by the same question as that of a blank sighting, or the blank one."""
        kept = await self._memory.recall(_KIND, _name_of(blank))
        try:
            return blank if kept is None else msgspec.json.decode(kept, type=Sighting)
        except msgspec.DecodeError:
            return blank

    async def keep(self, sighting: Sighting) -> None:
        """Keep a sighting in place of the one before."""
        await self._memory.keep(_KIND, _name_of(sighting), msgspec.json.encode(sighting))


class SightingsFolder:
    """Keeps sightings. What cannot be read counts as never asked: it is only asked again."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def last(self, blank: Sighting) -> Sighting:
        """Return what was last seen by the same question as that of a blank sighting, or the blank one."""
        return await asyncio.to_thread(self._read, self._path(blank)) or blank

    async def keep(self, sighting: Sighting) -> None:
        """Keep a sighting in place of the one before. Raises StoreError."""
        path = self._path(sighting)
        await asyncio.to_thread(self._write, path, msgspec.json.encode(sighting))

    async def all(self) -> Sequence[Sighting]:
        """Return all that was seen, by name and kind."""
        found = await asyncio.to_thread(self._read_all)
        return sorted(found, key=lambda one: (one.name, one.kind, one.address))

    def _path(self, one: Sighting) -> Path:
        return self._folder / f"{_name_of(one)}.json"

    def _read_all(self) -> list[Sighting]:
        paths = sorted(self._folder.glob("*.json")) if self._folder.is_dir() else []
        return [found for path in paths if (found := self._read(path)) is not None]

    def _read(self, path: Path) -> Sighting | None:
        try:
            return msgspec.json.decode(path.read_bytes(), type=Sighting)
        except (OSError, msgspec.DecodeError):
            return None

    def _write(self, path: Path, content: bytes) -> None:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            write_whole(path, content)
        except OSError as error:
            raise StoreError(
                f"{str(self._folder)!r} cannot be written to: {error.strerror}",
                hint="Check the rights and the space of the state folder.",
            ) from error


def _name_of(one: Sighting) -> str:
    asked = f"{one.kind}\0{one.name}\0{one.address}\0{one.shape}"
    return hashlib.sha256(asked.encode()).hexdigest()[:40]
