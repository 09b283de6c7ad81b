"""The indexes of snapshots, each under ``/snapshots/NAME/``: with pages and files of its own.

A name may stand for another snapshot at the next look; a number never does. Within an answer it is one.
"""

from collections.abc import Callable
from time import monotonic

from starlette.types import ASGIApp, Scope

from wheelyard.index.listing import Snapshots
from wheelyard.model.listing import Snapshot

PREFIX = "/snapshots/"
# Pages of more snapshots than this are rendered again when they are read again.
_KEPT = 16
_LONGEST_NAME = 60


class SnapshotShelves:
    """Finds the application for an address under ``/snapshots/``."""

    def __init__(
        self,
        snapshots: Snapshots,
        *,
        freshness: float,
        open_index: Callable[[Snapshot], ASGIApp],
    ) -> None:
        self._snapshots = snapshots
        self._freshness = freshness
        self._open_index = open_index
        self._names: dict[str, tuple[float, Snapshot]] = {}
        self._apps: dict[int, ASGIApp] = {}

    async def find(self, scope: Scope) -> tuple[ASGIApp, Scope] | None:
        """Return what answers, and the request as it is meant there; None: there is no such snapshot."""
        name, slash, rest = scope["path"][len(PREFIX) :].partition("/")
        snapshot = await self._snapshot(name) if slash and len(name) <= _LONGEST_NAME else None
        if snapshot is None:
            return None
        inner = {**scope, "path": f"/{rest}"}
        raw, before = scope.get("raw_path") or b"", f"{PREFIX}{name}".encode()
        inner["raw_path"] = raw.removeprefix(before) if raw.startswith(before) else b"%"
        return self._app(snapshot), inner

    async def _snapshot(self, name: str) -> Snapshot | None:
        looked, kept = self._names.get(name, (float("-inf"), None))
        now = monotonic()
        if kept is not None and now - looked < self._freshness:
            return kept
        found = await self._snapshots.find(name)
        self._names.pop(name, None)
        if found is not None:
            self._names[name] = (now, found)
            if len(self._names) > _KEPT * 4:
                del self._names[next(iter(self._names))]
        return found

    def _app(self, snapshot: Snapshot) -> ASGIApp:
        app = self._apps.pop(snapshot.id, None)
        if app is None:
            app = self._open_index(snapshot)
        self._apps[snapshot.id] = app
        if len(self._apps) > _KEPT:
            del self._apps[next(iter(self._apps))]
        return app
