"""What the site asks when it looks at all projects, or counts: nothing here changes anything.

None of these questions may take longer where a farm is larger than what it shows; those that count over
everything (``tallies`` and what follows it) are asked once in a while, never for each visitor.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from wheelyard.jobs.cells import Cell
from wheelyard.model.artifact import Artifact
from wheelyard.model.job import BuildKey
from wheelyard.model.release import ProjectName
from wheelyard.model.request import RequestId


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Which projects are shown: every field that is set narrows it. ``after``: those beyond a name.

    ``name`` is a part of it; ``state``, ``target`` and ``regressed`` ask for a project that has a cell so;
    ``owner`` for one that somebody asked for.
    """

    name: str = ""
    target: str = ""
    state: str = ""
    regressed: bool = False
    owner: str = ""
    after: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectRow:
    """A project with its cells, in the order of their targets as texts."""

    project: ProjectName
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class JobLine:
    """A job in a few words; ``state`` is that of a cell."""

    key: BuildKey
    project: ProjectName
    version: str
    target: str
    state: str
    reason: str
    changed: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildTime:
    """How long a build of a release took for a target, in seconds."""

    version: str
    target: str
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedFile:
    """A file that the index got."""

    filename: str
    project: ProjectName
    version: str
    digest: str
    size: int
    created: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """How many projects stand so for a target."""

    target: str
    state: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How many attempts ended with an outcome in the hour that begins at a moment."""

    hour: datetime
    outcome: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """How many jobs wait for a builder since more than ``hours`` whole hours, and less than one more."""

    hours: int
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What a project took: attempts, and processor time in seconds."""

    project: ProjectName
    attempts: int
    cpu_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Storage:
    """What is kept of a kind: files, and their bytes."""

    kind: str
    files: int
    size: int


class SiteStore(Protocol):
    """Everything that the site looks at across projects. Raises StoreError."""

    async def rows(self, choice: Choice, *, limit: int) -> Sequence[ProjectRow]:
        """Return projects by name, with all their cells."""
        ...

    async def targets(self) -> Sequence[str]:
        """Return every target that a cell has, as sorted texts."""
        ...

    async def search(self, part: str, *, limit: int) -> Sequence[ProjectName]:
        """Return projects whose names hold a text, those that begin with it first."""
        ...

    async def known(self, project: ProjectName) -> bool:
        """Whether there is such a project."""
        ...

    async def cells_of(self, project: ProjectName) -> Sequence[Cell]:
        """Return the cells of a project, by target."""
        ...

    async def jobs_of(self, project: ProjectName, *, limit: int) -> Sequence[JobLine]:
        """Return the jobs of a project, the last changed first."""
        ...

    async def build_times(self, project: ProjectName, *, limit: int) -> Sequence[BuildTime]:
        """Return how long builds of a project took, the newest first."""
        ...

    async def system_libraries(self, keys: Sequence[BuildKey]) -> Sequence[str]:
        """Return the system libraries that builders reported for some jobs that were built, sorted."""
        ...

    async def jobs_of_request(self, request: RequestId, *, limit: int) -> Sequence[JobLine]:
        """Return the jobs that a request wanted."""
        ...

    async def failures(self, *, project: str = "", limit: int) -> Sequence[JobLine]:
        """Return the jobs that failed, the newest first; of one project, or of all."""
        ...

    async def published(self, *, project: str = "", limit: int) -> Sequence[PublishedFile]:
        """Return the files that the index has, the newest first; of one project, or of all."""
        ...

    async def begun(self) -> datetime | None:
        """Return when the newest attempt began."""
        ...

    async def files_of(self, project: ProjectName) -> Sequence[Artifact]:
        """Return the files of a project that the index has, in the order of their names."""
        ...

    async def tallies(self) -> Sequence[Tally]:
        """Count all cells by target and state."""
        ...

    async def ended(self, since: datetime) -> Sequence[Ended]:
        """Count the attempts that ended since a full hour, by hour and outcome."""
        ...

    async def waiting(self, now: datetime) -> Sequence[Waiting]:
        """Count the jobs that wait for a builder by how long they do."""
        ...

    async def costs(self, *, limit: int) -> Sequence[Cost]:
        """Return the projects that took the most processor time, the dearest first."""
        ...

    async def flaky(self, *, limit: int) -> Sequence[JobLine]:
        """Return jobs that failed and were built under the same key, the last changed first."""
        ...

    async def storage(self) -> Sequence[Storage]:
        """Return what is kept, by kind."""
        ...
