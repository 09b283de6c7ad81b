"""A compiler cache for each source and platform: a project can poison only itself.

A job is given links to what is kept, and what it added is taken in afterwards. So all Pythons of a platform share what does
not depend on Python, builds of them at the same time, too, and no job sees the cache of another project: nor that of another
place which calls its project the same, as whoever can write a folder or a repository may.
"""

import contextlib
import hashlib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from wheelyard.model.job import Offer

CACHE, STATISTICS = "ccache", "ccache-statistics"
_MOST_BYTES, _LEFT = 2 << 30, 0.8
_MOST_STATISTICS = 16 << 20
_HITS = frozenset({"direct_cache_hit", "preprocessed_cache_hit"})
_MISS = "cache_miss"
_ITS_OWN = frozenset({"ccache.conf", "stats"})
"""How ccache behaves and what it counted is no build's to hand on."""


def check_out(caches: Path, offer: Offer, place: Path) -> None:
    """Bring a cache to ``place``."""
    cache = _cache(caches, offer)
    place.mkdir()
    for name in _files(cache):
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        # Another build may have removed it just now, or the limit of links is reached.
        with contextlib.suppress(OSError):
            (place / name).hardlink_to(cache / name)


def check_in(caches: Path, offer: Offer, place: Path, *, most_bytes: int = _MOST_BYTES) -> None:
    """Take in what a build added, and let the oldest go where that is too much.

    A build may have put there what it likes: only plain files count.
    """
    if place.is_symlink() or not place.is_dir():
        return
    cache = _cache(caches, offer)
    cache.mkdir(parents=True, exist_ok=True)
    for name in _files(place):
        with contextlib.suppress(OSError):
            if name.name not in _ITS_OWN and not (cache / name).exists():
                (cache / name).parent.mkdir(parents=True, exist_ok=True)
                (place / name).rename(cache / name)
    # What it holds changes further down; whoever cleans up looks here for when it was used.
    os.utime(cache)
    _limit(cache, most_bytes)


def _files(folder: Path) -> Iterator[Path]:
    """Yield the plain files in a folder, by their paths in it."""
    for parent, _, names in os.walk(folder):
        for name in names:
            path = Path(parent, name)
            with contextlib.suppress(OSError):
                if stat.S_ISREG(path.lstat().st_mode):
                    yield path.relative_to(folder)


def _limit(cache: Path, most_bytes: int) -> None:
    """Remove the oldest files of a cache that has grown too large."""
    found = []
    for name in _files(cache):
        with contextlib.suppress(OSError):
            about = (cache / name).lstat()
            found.append((about.st_mtime, about.st_size, name))
    size = sum(one for _, one, _ in found)
    if size <= most_bytes:
        return
    for _, one, name in sorted(found):
        if size <= most_bytes * _LEFT:
            return
        (cache / name).unlink(missing_ok=True)
        size -= one


def _cache(caches: Path, offer: Offer) -> Path:
    source = offer.source
    # Commands are named by whoever asks for them, folders and repositories name their projects themselves.
    origin = (source.index if offer.command is None else "") or source.location
    trusted = hashlib.sha256(origin.encode()).hexdigest()[:12]
    return caches / f"{offer.release.project}+{trusted}" / offer.target.platform


@dataclass(frozen=True, slots=True)
class Hits:
    """How many files a cache was asked for, and how many of them were there."""

    there: int = 0
    asked: int = 0


def hits_in(statistics: Path) -> Hits:
    """Count what ccache wrote down of each file; versions before 4.4 write nothing."""
    found = _results(statistics)
    there = sum(one in _HITS for one in found)
    return Hits(there, there + sum(one == _MISS for one in found))


def _results(statistics: Path) -> list[str]:
    with contextlib.suppress(OSError):
        if stat.S_ISREG(statistics.lstat().st_mode):
            with statistics.open("rb") as stream:
                return stream.read(_MOST_STATISTICS).decode(errors="replace").splitlines()
    return []
