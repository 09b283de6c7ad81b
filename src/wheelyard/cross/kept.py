"""The calls of an attempt as they are kept: compressed lines, which others than us may have written."""

import gzip
import io
import zlib
from collections.abc import Sequence

from wheelyard.cross.calls import Call, parse_call

_MOST_BYTES = 64 << 20


def unpacked(packed: bytes) -> Sequence[Call]:
    """Return the calls that were kept of an attempt, the first first. What cannot be read is left out."""
    found = [call for line in _read(packed).split(b"\n") if (call := parse_call(line)) is not None]
    return sorted(found, key=lambda call: call.began)


def _read(packed: bytes) -> bytes:
    try:
        with gzip.open(io.BytesIO(packed)) as stream:
            return stream.read(_MOST_BYTES)
    except (OSError, EOFError, zlib.error):
        return b""
