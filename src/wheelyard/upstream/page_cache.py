"""Pages on disk, parsed, with what it takes to ask whether they are still true.

A file holds a small header and the encoded page: a page that is confirmed gets a new header before
the same bytes. Files appear at once and whole, so any number of processes may share the folder; what
cannot be read counts as not there. The number in the folder's name grows with the form of a page.
"""

import hashlib
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

import msgspec

from wheelyard.model.release import ProjectName
from wheelyard.model.source import ProjectPage

_LENGTH_BYTES = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class PageHeader:
    """When a page was confirmed last (seconds since 1970), how long that holds, and its validators.

    ``missing`` remembers that the index does not have the project.
    """

    index: str
    project: ProjectName
    confirmed: float
    fresh_seconds: float
    etag: str = ""
    last_modified: str = ""
    missing: bool = False

    def is_fresh(self, now: float) -> bool:
        """Tell whether the page can be believed unasked; a clock that went back asks."""
        return 0 <= now - self.confirmed < self.fresh_seconds


@dataclass(frozen=True, slots=True)
class CachedPage:
    """A header and what it is about; None where the project is missing."""

    header: PageHeader
    page: ProjectPage | None


class PageCache:
    """The folder. Its methods block and belong into a thread."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "pages-1"
        self._header = msgspec.msgpack.Decoder(PageHeader)
        self._page = msgspec.msgpack.Decoder(ProjectPage | None)

    def read(self, index: str, project: ProjectName) -> CachedPage | None:
        """Return what is kept, or None."""
        try:
            content = self._path(index, project).read_bytes()
            length = int.from_bytes(content[:_LENGTH_BYTES])
            end = _LENGTH_BYTES + length
            header = self._header.decode(content[_LENGTH_BYTES:end])
            page = self._page.decode(content[end:])
        except (OSError, ValueError, msgspec.DecodeError):
            return None
        if (header.index, header.project) != (index, project) or header.missing != (page is None):
            return None
        return CachedPage(header, page)

    def write(self, cached: CachedPage) -> None:
        """Keep a page in place of an older one; without room for it, do without."""
        header = msgspec.msgpack.encode(cached.header)
        content = len(header).to_bytes(_LENGTH_BYTES) + header + msgspec.msgpack.encode(cached.page)
        write_whole(self._path(cached.header.index, cached.header.project), content)

    def _path(self, index: str, project: ProjectName) -> Path:
        place = hashlib.sha256(index.encode()).hexdigest()[:16]
        return self._folder / place / project[:2] / f"{project[:100]}-{_short(project)}"


def write_whole(path: Path, content: bytes) -> bool:
    """Write a cache's file so that it is never seen in part; False where the disk does not let us."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".part-", delete=False) as file:
            try:
                file.write(content)
                file.close()
                os.replace(file.name, path)  # noqa: PTH105 - a name, not a Path
            except BaseException:
                os.unlink(file.name)  # noqa: PTH108
                raise
    except OSError:
        return False
    return True


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8]
