"""The projects of a farm read into the graph: the build and run edges that planning found."""

from collections.abc import Iterable

from packaging.version import Version

from wheelyard.campaigns.scanning import Scan, Scanned
from wheelyard.farm_ports import Queue
from wheelyard.migrate.wheels import package_of_wheels
from wheelyard.model.artifact import Artifact
from wheelyard.model.job import BuildKey
from wheelyard.ports import ArtifactStore


class WheelScanner:
    """Reads what the index has, and what it was built with."""

    def __init__(self, *, artifacts: ArtifactStore, queue: Queue) -> None:
        self._artifacts = artifacts
        self._queue = queue

    async def scan(self) -> Scan:
        """Read the newest release of each project."""
        found = []
        for project in await self._artifacts.projects():
            wheels = newest(await self._artifacts.of_project(project))
            package = package_of_wheels(project, wheels, await self._built_with(wheels))
            stamp = ",".join(sorted(one.digest for one in wheels))
            found.append(Scanned(place="", stamp=stamp, package=package))
        return Scan(scanned=tuple(found), read=len(found))

    async def _built_with(self, wheels: Iterable[Artifact]) -> set[str]:
        names: set[str] = set()
        for wheel in (one for one in wheels if one.build_key):
            queued = await self._queue.queued(BuildKey(wheel.build_key))
            if queued is not None:
                names |= {str(one.release.project) for one in queued.offer.requirements}
        return names


def newest(wheels: Iterable[Artifact]) -> list[Artifact]:
    """Return the wheels of the newest release."""
    kept = list(wheels)
    last = max((one.release.version for one in kept), default=Version("0"))
    return [one for one in kept if one.release.version == last]
