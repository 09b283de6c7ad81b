"""What sources said about themselves, on disk: an archive that is named by its digest never changes."""

import hashlib
from pathlib import Path

import msgspec

from wheelyard.model.source import Source, SourceFacts
from wheelyard.upstream.page_cache import write_whole


class FactsCache:
    """The folder. Its methods block and belong into a thread."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "facts-1"

    def read(self, source: Source) -> SourceFacts | None:
        """Return what is kept, or None."""
        try:
            return msgspec.msgpack.decode(self._path(source).read_bytes(), type=SourceFacts)
        except (OSError, ValueError, msgspec.DecodeError):
            return None

    def write(self, source: Source, facts: SourceFacts) -> None:
        """Keep facts; without room for them, do without."""
        write_whole(self._path(source), msgspec.msgpack.encode(facts))

    def _path(self, source: Source) -> Path:
        key = f"{source.archive} {source.subdirectory}"
        name = hashlib.sha256(key.encode()).hexdigest()
        return self._folder / name[:2] / name
