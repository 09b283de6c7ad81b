"""What archives say about themselves, on disk: one that is named by its digest never changes.

Reading it again would take unpacking the whole archive, because a tar file has no table of contents.
"""

import hashlib
from pathlib import Path

import msgspec

from wheelyard.model.source import Source
from wheelyard.upstream.page_cache import write_whole
from wheelyard.upstream.static import StaticFiles


class StaticCache:
    """The folder. Its methods block and belong into a thread."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "static-1"

    def read(self, source: Source) -> StaticFiles | None:
        """Return what is kept, or None."""
        try:
            return msgspec.msgpack.decode(self._path(source).read_bytes(), type=StaticFiles)
        except (OSError, ValueError, msgspec.DecodeError):
            return None

    def write(self, source: Source, files: StaticFiles) -> None:
        """Keep files; without room for them, do without."""
        write_whole(self._path(source), msgspec.msgpack.encode(files))

    def _path(self, source: Source) -> Path:
        key = f"{source.archive} {source.filename} {source.subdirectory}"
        name = hashlib.sha256(key.encode()).hexdigest()
        return self._folder / name[:2] / name
