"""A compiler cache for each project and target: a project can poison only itself.

The cache is moved into the job's folder while it runs and back afterwards, so that no other job can see
it. Where another build of the same project has it at the moment, a job begins with an empty one.
"""

import contextlib
import hashlib
import os
import secrets
import shutil
from pathlib import Path

from wheelyard.executor.folders import remove
from wheelyard.model.job import Offer


def check_out(caches: Path, offer: Offer, place: Path) -> None:
    """Bring a cache to ``place``."""
    try:
        shutil.move(_cache(caches, offer), place)
    except FileNotFoundError:
        place.mkdir()


def check_in(caches: Path, offer: Offer, place: Path) -> None:
    """Keep a cache for the next build, in place of an older one."""
    if place.is_symlink() or not place.is_dir():
        return
    cache = _cache(caches, offer)
    cache.parent.mkdir(parents=True, exist_ok=True)
    # What it holds changes further down; whoever cleans up looks here for when it was used.
    os.utime(place)
    old = cache.with_name(f".old-{cache.name}-{secrets.token_hex(4)}")
    with contextlib.suppress(FileNotFoundError):
        cache.rename(old)
    try:
        shutil.move(place, cache)
    except OSError:  # another build brought its own back just now
        remove(place)
    remove(old)


def _cache(caches: Path, offer: Offer) -> Path:
    project = str(offer.release.project)
    if offer.command is not None:
        # Commands are named by whoever asks for them, so a name alone could be another's.
        project += f"+{hashlib.sha256(offer.source.location.encode()).hexdigest()[:12]}"
    return caches / project / str(offer.target)
