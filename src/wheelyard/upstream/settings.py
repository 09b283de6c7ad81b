"""What the upstream edge is told: where to look, what to keep, how much to accept."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class UpstreamSettings:
    """Indexes in order, a cache folder, limits in bytes and seconds.

    An index is an ``http(s)`` or ``file`` URL of a simple repository, or the path of one, or of a
    flat folder of files. ``fresh_seconds`` is how long a page is believed when its server does
    not say. ``retries`` are those after the first try.
    """

    indexes: tuple[str, ...]
    cache: Path
    offline: bool = False
    fresh_seconds: float = 600
    timeout_seconds: float = 30
    retries: int = 3
    connections: int = 16
    page_bytes: int = 256 << 20
    file_bytes: int = 4 << 30
    metadata_bytes: int = 16 << 20
    unpacked_bytes: int = 20 << 30
    git_seconds: float = 900
    ca_file: Path | None = None
