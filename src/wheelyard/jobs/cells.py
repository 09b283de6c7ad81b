"""How a project stands for a target: its newest version there, and the last one that was built.

A cell follows the jobs of its project and target one change at a time, so that nobody ever has to look at
all jobs to say how everything stands.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from packaging.version import Version

from wheelyard.jobs.job import Job, State
from wheelyard.model.job import BuildKey, Outcome
from wheelyard.model.release import ProjectName

FAILURES = frozenset(
    {
        Outcome.FAILED.value,
        Outcome.TIMED_OUT.value,
        Outcome.OVER_LIMIT.value,
        Outcome.RESOURCES.value,
    }
)
"""The states of a cell whose package is to blame."""
_WORDS = {State.READY: "waiting", State.LEASED: "running"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """How the newest version of a project stands for a target.

    ``state`` is ``waiting``, ``running``, ``held``, ``cancelled`` or an outcome. ``built_version`` is the newest
    version that was built there, and ``built_key`` its job; both are empty where none was.
    """

    project: ProjectName
    target: str
    version: str
    key: BuildKey
    state: str
    reason: str = ""
    changed: datetime | None = None
    built_version: str = ""
    built_key: str = ""

    @property
    def regressed(self) -> bool:
        """Whether the newest version failed where one was built before."""
        return self.state in FAILURES and bool(self.built_version)


def state_word(job: Job) -> str:
    """Say where a job stands in one word: its outcome where it ended."""
    if job.state is State.DONE and job.outcome is not None:
        return job.outcome.value
    return _WORDS.get(job.state, job.state.value)


def follow(cell: Cell | None, job: Job) -> Cell:
    """Return the cell after a job of it changed. Of one version, the job that changed last counts."""
    after = _newest(cell, job)
    if state_word(job) != Outcome.BUILT.value:
        return after
    version = str(job.release.version)
    if after.built_version and Version(after.built_version) > job.release.version:
        return after
    return replace(after, built_version=version, built_key=job.key)


def unsettles(cell: Cell | None, job: Job) -> bool:
    """Whether a job was what its cell calls built, or newest, and is not any more: then all have to be looked at."""
    return cell is not None and cell.built_key == job.key and state_word(job) != Outcome.BUILT.value


def fold(jobs: Iterable[Job]) -> Cell | None:
    """Return the cell of all jobs of one project and target, which come in the order of their changes."""
    cell = None
    for job in jobs:
        cell = follow(cell, job)
    return cell


def _newest(cell: Cell | None, job: Job) -> Cell:
    if cell is not None and Version(cell.version) > job.release.version:
        return cell
    return Cell(
        project=job.release.project,
        target=str(job.target),
        version=str(job.release.version),
        key=job.key,
        state=state_word(job),
        reason=job.reason,
        changed=job.changed,
        built_version=cell.built_version if cell else "",
        built_key=cell.built_key if cell else "",
    )
