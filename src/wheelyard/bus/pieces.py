"""Logs in pieces: cut to size when they are written, without gap and repeat when they are read."""

from collections.abc import Iterator
from dataclasses import replace

from wheelyard.bus_ports import LogPiece

LARGEST_PIECE_BYTES = 64 * 1024


def cut(piece: LogPiece) -> Iterator[LogPiece]:
    """Yield a piece in parts that are small enough; the last of them has its ``end``."""
    starts = range(0, len(piece.content), LARGEST_PIECE_BYTES) or range(1)
    for start in starts:
        yield replace(
            piece,
            start=piece.start + start,
            content=piece.content[start : start + LARGEST_PIECE_BYTES],
            end=piece.end and start == starts[-1],
        )


def beyond(piece: LogPiece, position: int) -> LogPiece | None:
    """Return what a piece adds for a reader who has all before a position; None where it is nothing."""
    skipped = max(0, position - piece.start)
    if skipped == 0:
        return piece if piece.content or piece.end else None
    content = piece.content[skipped:]
    if not content and not piece.end:
        return None
    return replace(piece, start=position, content=content)
