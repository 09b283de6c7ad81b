"""What goes with a result instead of by an upload: the small files that it names."""

import contextlib
import hashlib
from collections.abc import Mapping, Sequence

from wheelyard import failpoints
from wheelyard.ports import Blobs


def small_ones(blobs: Blobs, digests: Sequence[str], *, most: int) -> Mapping[str, bytes]:
    """Return as many files as ``most`` bytes hold, the smallest first; blocks.

    What is gone or is not what it is named any more is left out: its upload says what is wrong with it.
    """
    found: dict[str, bytes] = {}
    for size, digest in sorted(_sizes(blobs, digests)):
        if size > most:
            break
        path = blobs.path(digest)
        with contextlib.suppress(OSError):
            content = path.read_bytes() if path is not None else b""
            if f"sha256:{hashlib.sha256(content).hexdigest()}" == digest:
                found[digest] = failpoints.damaged("upload.body", content)
                most -= size
    return found


def _sizes(blobs: Blobs, digests: Sequence[str]) -> Sequence[tuple[int, str]]:
    sizes = []
    for digest in digests:
        path = blobs.path(digest)
        with contextlib.suppress(OSError):
            if path is not None:
                sizes.append((path.stat().st_size, digest))
    return sizes
