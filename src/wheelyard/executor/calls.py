"""Follows what the shims of a build write down while it runs."""

from collections.abc import Sequence
from pathlib import Path

from wheelyard.cross.calls import Call, parse_call

_AT_ONCE = 4 << 20
_MOST = 64 << 20


class Trace:
    """The calls of one build; ``read`` takes in those that have come since. A build may write here what it likes."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.calls: list[Call] = []
        self._at = 0
        self._rest = b""

    def read(self) -> Sequence[Call]:
        """Return the calls that have come since the last time."""
        new: list[Call] = []
        try:
            if self.path.is_symlink() or not self.path.is_file():
                return ()
            with self.path.open("rb") as stream:
                stream.seek(self._at)
                while self._at < _MOST and (chunk := stream.read(_AT_ONCE)):
                    self._at += len(chunk)
                    *lines, self._rest = (self._rest + chunk).split(b"\n")
                    new += [call for line in lines if (call := parse_call(line)) is not None]
        except OSError:
            return ()
        self.calls += new
        return new


def calls_in(path: Path) -> Sequence[Call]:
    """Return all calls in a trace."""
    trace = Trace(path)
    trace.read()
    return tuple(trace.calls)
