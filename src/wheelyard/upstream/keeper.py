"""What was learned from upstream, for whoever wants it smaller.

Pages, metadata and notes are files of their own, each whole; one that is missing is asked for again.
"""

import asyncio
import os
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from wheelyard.ports import Holding
from wheelyard.upstream.histories import FOLDER as REPOSITORIES

_STALE_SECONDS = 3600.0
_SCRATCH = "scratch"
_UNFINISHED = ".part-"


class CacheKeeper:
    """The cache folder; downloads that are under way look after their own scratch space."""

    alone = False

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def holdings(self) -> Sequence[Holding]:
        """Say how much there is."""
        return await asyncio.to_thread(self._held)

    async def sweep(self) -> int:
        """Leave unfinished files to ``evict``: to look for them costs a walk over everything."""
        return 0

    async def evict(self, *, unused_seconds: float, preview: bool) -> Sequence[Holding]:
        """Remove answers that nobody read for so long, and files that nobody finished."""
        return await asyncio.to_thread(self._evict, unused_seconds, preview)

    def _held(self) -> Sequence[Holding]:
        return (_sum(list(self._files())),)

    def _evict(self, unused_seconds: float, preview: bool) -> Sequence[Holding]:
        now = time.time()
        old = []
        for path, used, size in self._files():
            longest = _STALE_SECONDS if path.name.startswith(_UNFINISHED) else unused_seconds
            if now - used > longest:
                old.append((path, used, size))
        if not preview:
            for path, _, _ in old:
                _remove(path)
        return (_sum(old),)

    def _files(self) -> Iterator[tuple[Path, float, int]]:
        """Yield each file with when it was used last (as the file system tells) and its size."""
        # Not rglob, which fails where a folder goes while it looks; downloads come and go.
        for place, folders, names in os.walk(self._folder):
            if Path(place) == self._folder:
                folders[:] = [name for name in folders if name not in {_SCRATCH, REPOSITORIES}]
            for name in names:
                path = Path(place, name)
                with suppress(FileNotFoundError):
                    facts = path.lstat()
                    yield path, max(facts.st_atime, facts.st_mtime), facts.st_size
        for repository in sorted((self._folder / REPOSITORIES).glob("*")):
            with suppress(FileNotFoundError):
                if repository.is_dir():
                    yield _repository(repository)


def _repository(folder: Path) -> tuple[Path, float, int]:
    """Return the history of a repository, which is one thing; its lock is touched at each use."""
    facts = [path.lstat() for path in folder.rglob("*")]
    lock = folder.with_name(f"{folder.name}.lock")
    used = max((path.stat().st_mtime for path in (folder, lock) if path.exists()), default=0.0)
    return folder, used, sum(one.st_size for one in facts)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _sum(files: Sequence[tuple[Path, float, int]]) -> Holding:
    size = sum(size for _, _, size in files)
    return Holding(kind="answers of upstream", count=len(files), size=size)
