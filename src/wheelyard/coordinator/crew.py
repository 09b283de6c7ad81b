"""Who brings a plan's ready jobs to their ends: this machine's slots, or a farm.

A crew is given jobs as they become ready and says once of each how it ended. It knows nothing of the
plan but what a ``Site`` tells it.
"""

import asyncio
from collections.abc import Mapping
from typing import Protocol

from wheelyard.coordinator.story import RunEvent
from wheelyard.errors import (
    InvalidArchiveError,
    NotUpstreamError,
    OutOfSpaceError,
    WheelyardError,
)
from wheelyard.model.artifact import Artifact
from wheelyard.model.job import Outcome, Report
from wheelyard.model.source import FileEntry
from wheelyard.plan.events import Start, UnitId


class Site(Protocol):
    """A plan that is carried out, as its crew sees it."""

    def finish(self, start: Start, report: Report, artifact: Artifact | None = None) -> None:
        """Say how a job ended; ``artifact`` is the one that counts."""
        ...

    def tell(self, event: RunEvent) -> None:
        """Tell whoever watches."""
        ...

    def urgency(self, start: Start) -> float:
        """Return how long the longest chain of builds is that waits for a job, itself included, in seconds."""
        ...

    def dependants(self, start: Start) -> int:
        """Return how many units wait for a job, directly or not."""
        ...

    def wheel(self, unit: UnitId) -> FileEntry | None:
        """Return upstream's wheel for the same target."""
        ...

    def expected_seconds(self, unit: UnitId) -> float | None:
        """Return how long builds of a project took, where that is known."""
        ...


class Crew(Protocol):
    """Brings jobs to their ends. Each belongs to one run."""

    @property
    def slots(self) -> int:
        """How many jobs it runs at once, for forecasts."""
        ...

    def begin(self, site: Site, group: asyncio.TaskGroup) -> None:
        """Begin to work on a site; all tasks belong to the group."""
        ...

    async def add(self, start: Start) -> None:
        """Take a job that has all it needs."""
        ...

    def running(self) -> Mapping[UnitId, float]:
        """Return what runs, and for how many seconds. Any thread may ask."""
        ...

    def end(self) -> None:
        """End the tasks that wait for more jobs; none is open any more."""
        ...


def report_of(error: WheelyardError) -> Report:
    """Say how an attempt ended that could not even begin."""
    if isinstance(error, OutOfSpaceError):
        outcome = Outcome.RESOURCES
    elif isinstance(error, NotUpstreamError):
        outcome = Outcome.UPSTREAM
    elif isinstance(error, InvalidArchiveError):
        outcome = Outcome.FAILED
    else:
        outcome = Outcome.INFRASTRUCTURE
    return Report(outcome=outcome, reason=error.message, detail=error.hint)
