"""Whether a disk has room for what comes."""

import shutil
from collections.abc import Callable
from pathlib import Path

_LOOK_SECONDS = 1.0


class Room:
    """Says whether ``least_bytes`` are free where ``folder`` lies; looked at once a second at most."""

    def __init__(self, folder: Path, *, least_bytes: int, ticks: Callable[[], float]) -> None:
        self._folder = folder
        self._least_bytes = least_bytes
        self._ticks = ticks
        self._looked: float | None = None
        self._enough = True

    def __call__(self) -> bool:
        """Return whether there is room. A disk that cannot be looked at is taken to have some."""
        now = self._ticks()
        if self._looked is None or now - self._looked >= _LOOK_SECONDS:
            self._looked, self._enough = now, self._look()
        return self._enough

    def _look(self) -> bool:
        try:
            return shutil.disk_usage(self._folder).free >= self._least_bytes
        except OSError:
            return True
