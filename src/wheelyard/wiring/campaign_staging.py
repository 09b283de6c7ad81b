"""What trials left, put where other trials of the same campaign find it."""

import asyncio
import hashlib
import re
import tempfile
import zipfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from wheelyard.errors import InvalidArchiveError, InvalidNameError
from wheelyard.executor.uploaded import inspect_upload
from wheelyard.model.artifact import Artifact, Origin
from wheelyard.model.request import RequestId
from wheelyard.ports import Blobs
from wheelyard.store.staging import StoredStaging

_UNNAMED = re.compile(r"[^a-z0-9._-]")
_LONGEST = 40
_MOST_BYTES = 4 << 30


class Staging:
    """The staging indexes of campaigns. ``scratch`` is a folder for what is unpacked, on the disk of the blobs."""

    def __init__(self, *, store: StoredStaging, blobs: Blobs, scratch: Path) -> None:
        self._store = store
        self._blobs = blobs
        self._scratch = scratch

    async def has(self, campaign: str) -> bool:
        """Whether trials of a campaign left something."""
        return await self._store.has(staging_name(campaign))

    async def stage(self, campaign: str, build: str) -> int:
        """Put the wheels that a trial left into its campaign's index; return how many these are."""
        wheels: list[Artifact] = []
        for archive in await self._store.archives(RequestId(build)):
            path = self._blobs.path(archive.digest)
            if path is not None:
                wheels += await self._unpacked(path, build)
        if wheels:
            await self._store.stage(staging_name(campaign), wheels)
        return len(wheels)

    async def clear(self, campaign: str) -> None:
        """Forget what trials of a campaign left."""
        await self._store.clear(staging_name(campaign))

    async def _unpacked(self, archive: Path, build: str) -> list[Artifact]:
        found = []
        await asyncio.to_thread(self._scratch.mkdir, parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="staged-", dir=self._scratch) as folder:
            for path in await asyncio.to_thread(_wheels_in, archive, Path(folder)):
                try:
                    seen = await asyncio.to_thread(inspect_upload, path)
                except (InvalidArchiveError, InvalidNameError):
                    # A file that only looks like a wheel is none for installers either.
                    continue
                digest = await self._blobs.add_file(path)
                made = replace(
                    seen.artifact,
                    digest=digest,
                    metadata_digest=await self._blobs.add_bytes(seen.metadata),
                    origin=Origin.STAGED,
                    build_key=f"staged:{build}",
                )
                found.append(made)
        return found


def staging_name(campaign: str) -> str:
    """Return the name of the snapshot that is a campaign's staging index; two campaigns never share one."""
    plain = _UNNAMED.sub("-", campaign.lower())
    if plain == campaign and len(plain) <= _LONGEST:
        return f"staging-{plain}"
    return f"staging-{plain[:_LONGEST]}-{hashlib.sha256(campaign.encode()).hexdigest()[:8]}"


def _wheels_in(archive: Path, folder: Path) -> Sequence[Path]:
    """Unpack the wheels of an archive, each under its own name."""
    found: dict[str, Path] = {}
    left = _MOST_BYTES
    with zipfile.ZipFile(archive) as opened:
        for entry in opened.infolist():
            name = entry.filename.rpartition("/")[2]
            if not name.endswith(".whl") or name in found or entry.file_size > left:
                continue
            left -= entry.file_size
            path = folder / name
            with opened.open(entry) as source, path.open("wb") as target:
                while chunk := source.read(1 << 20):
                    target.write(chunk)
            found[name] = path
    return list(found.values())
