"""What the executor keeps in the state folder, for whoever wants it smaller.

Everything here can be made again. What is removed is renamed first, so that a removal that is cut short
leaves rubbish with a telling name and nothing by halves.
"""

import asyncio
import os
import secrets
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from wheelyard.errors import ToolError
from wheelyard.executor.environments import find_uv
from wheelyard.executor.folders import disk_usage, remove, sweep
from wheelyard.executor.locks import lock_of, unused
from wheelyard.ports import Holding

_EVERYTHING = 1 << 62
_STALE_SECONDS = 3600.0
_UV_SECONDS = 600


class EnvironmentKeeper:
    """Build environments; each says by a lock whether somebody uses it."""

    alone = False

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def holdings(self) -> Sequence[Holding]:
        """Say how much there is."""
        return await asyncio.to_thread(_held, "environments", self._environments())

    async def sweep(self) -> int:
        """Remove environments that were being made or removed by processes that were killed."""
        return await asyncio.to_thread(_sweep, self._folder)

    async def evict(self, *, unused_seconds: float, preview: bool) -> Sequence[Holding]:
        """Remove environments that nobody used for so long."""
        return await asyncio.to_thread(self._evict, unused_seconds, preview)

    def _environments(self) -> list[Path]:
        found = [path for path in _entries(self._folder) if not path.name.startswith(".")]
        return [path for path in found if path.suffix != ".lock"]

    def _evict(self, unused_seconds: float, preview: bool) -> Sequence[Holding]:
        evicted = Holding(kind="environments")
        for path in self._environments():
            if _age(path) <= unused_seconds:
                continue
            lock = lock_of(path)
            # Somebody else who cleans may have taken it, or all of them, just now.
            with suppress(FileNotFoundError), unused(lock) as free:
                if free and path.is_dir():
                    evicted = _more(evicted, disk_usage(path, _EVERYTHING))
                if free and not preview:
                    with suppress(FileNotFoundError):
                        _throw_away(path)
                    lock.unlink(missing_ok=True)
        return (evicted,)


class CompilerCacheKeeper:
    """Compiler caches, one for each project and target; a build takes its own away while it runs."""

    alone = False

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def holdings(self) -> Sequence[Holding]:
        """Say how much there is."""
        return await asyncio.to_thread(_held, "compiler caches", self._caches())

    async def sweep(self) -> int:
        """Remove what was being replaced."""
        projects = await asyncio.to_thread(_entries, self._folder)
        return sum([await asyncio.to_thread(_sweep, project) for project in projects])

    async def evict(self, *, unused_seconds: float, preview: bool) -> Sequence[Holding]:
        """Remove caches that no build had for so long."""
        return await asyncio.to_thread(self._evict, unused_seconds, preview)

    def _caches(self) -> list[Path]:
        found = [path for project in _entries(self._folder) for path in _entries(project)]
        return [path for path in found if not path.name.startswith(".")]

    def _evict(self, unused_seconds: float, preview: bool) -> Sequence[Holding]:
        evicted = Holding(kind="compiler caches")
        for path in self._caches():
            if _age(path) > unused_seconds:
                evicted = _more(evicted, disk_usage(path, _EVERYTHING))
                if not preview:
                    with suppress(FileNotFoundError):  # a build took it just now
                        _throw_away(path)
        return (evicted,)


class JobFolderKeeper:
    """Folders of jobs: those of runs that go on are theirs, all others are rubbish."""

    alone = False

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def holdings(self) -> Sequence[Holding]:
        """Say how much there is."""
        return await asyncio.to_thread(_held, "folders of runs", _entries(self._folder))

    async def sweep(self) -> int:
        """Remove what dead runs left behind."""
        return await asyncio.to_thread(sweep, self._folder)

    async def evict(self, *, unused_seconds: float, preview: bool) -> Sequence[Holding]:  # noqa: ARG002
        """Leave them: what is not swept is in use."""
        return ()


class UnpackedWheelKeeper:
    """uv's cache of wheels that it unpacked for environments, and the names that it knows them by."""

    alone = True

    def __init__(self, *, cache: Path, names: Path, uv: Path | None = None) -> None:
        self._cache = cache
        self._names = names
        self._uv = uv

    async def holdings(self) -> Sequence[Holding]:
        """Say how much there is: the cache is one thing for each wheel that has a name."""
        return await asyncio.to_thread(self._held)

    async def sweep(self) -> int:
        """Leave what uv left behind to uv."""
        return 0

    async def evict(self, *, unused_seconds: float, preview: bool) -> Sequence[Holding]:
        """Let uv forget the projects of wheels that went into no new environment for so long.

        Raises ToolError. How much that is, a preview cannot know: it counts only.
        """
        return await asyncio.to_thread(self._evict, unused_seconds, preview)

    def _held(self) -> Sequence[Holding]:
        count = len(list(self._wheels()))
        size = disk_usage(self._cache, _EVERYTHING)
        return (Holding(kind="unpacked wheels", count=count, size=size),)

    def _wheels(self) -> Iterator[Path]:
        for folder in _entries(self._names):
            yield from _entries(folder)

    def _evict(self, unused_seconds: float, preview: bool) -> Sequence[Holding]:
        old = [path for path in self._wheels() if _age(path) > unused_seconds]
        size = 0
        if old and not preview:
            before = disk_usage(self._cache, _EVERYTHING)
            self._forget(sorted({path.name.partition("-")[0] for path in old}))
            size = max(0, before - disk_usage(self._cache, _EVERYTHING))
            for path in old:
                path.unlink(missing_ok=True)
                with suppress(OSError):  # another name lies there still
                    path.parent.rmdir()
        return (Holding(kind="unpacked wheels", count=len(old), size=size),)

    def _forget(self, projects: Sequence[str]) -> None:
        command = [str(self._uv or find_uv()), "--quiet", "--no-config", "cache", "clean"]
        environment = {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(self._cache),
            "UV_CACHE_DIR": str(self._cache),
        }
        try:
            subprocess.run(
                [*command, *projects],
                check=True,
                capture_output=True,
                timeout=_UV_SECONDS,
                env=environment,
            )
        except (OSError, subprocess.SubprocessError) as error:
            raise ToolError(
                f"uv cannot clean its cache {str(self._cache)!r}: {error}",
                hint="That folder can be removed as a whole while no run goes on.",
            ) from error


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []


def _held(kind: str, paths: Sequence[Path]) -> Sequence[Holding]:
    size = sum(disk_usage(path, _EVERYTHING) for path in paths)
    return (Holding(kind=kind, count=len(paths), size=size),)


def _more(holding: Holding, size: int) -> Holding:
    return Holding(kind=holding.kind, count=holding.count + 1, size=holding.size + size)


def _age(path: Path) -> float:
    """Return for how many seconds nothing happened to a path itself."""
    try:
        facts = path.lstat()
    except FileNotFoundError:
        return 0.0
    return time.time() - facts.st_mtime


def _sweep(folder: Path) -> int:
    """Remove what was being thrown away, and what nobody can be making any more."""
    swept = 0
    for path in _entries(folder):
        abandoned = path.name.startswith(".new-") and _age(path) > _STALE_SECONDS
        if path.name.startswith(".old-") or abandoned:
            remove(path)
            swept += 1
    return swept


def _throw_away(path: Path) -> None:
    doomed = path.with_name(f".old-{path.name}-{secrets.token_hex(4)}")
    path.rename(doomed)
    remove(doomed)
