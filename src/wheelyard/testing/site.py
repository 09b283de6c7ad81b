"""What the site looks at, worked out from the dictionaries of the other memory ports."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

from wheelyard.jobs.cells import Cell, fold, state_word
from wheelyard.jobs.job import Job, State
from wheelyard.model.artifact import Artifact, Origin
from wheelyard.model.job import Attempt, BuildKey, Outcome
from wheelyard.model.release import ProjectName
from wheelyard.model.request import RequestId
from wheelyard.site_ports import (
    BuildTime,
    Choice,
    Cost,
    Ended,
    JobLine,
    ProjectRow,
    PublishedFile,
    Storage,
    Tally,
    Waiting,
)
from wheelyard.testing.jobs import MemoryJobStore
from wheelyard.testing.queue import MemoryQueue

_OLDEST = datetime.min.replace(tzinfo=UTC)
_HOUR = timedelta(hours=1)


class MemorySite:
    """The ``SiteStore`` port over a ``MemoryJobStore`` and its queue."""

    def __init__(self, *, jobs: MemoryJobStore, queue: MemoryQueue) -> None:
        self._store = jobs
        self._queue = queue

    async def rows(self, choice: Choice, *, limit: int) -> Sequence[ProjectRow]:
        """Return projects by name, with all their cells."""
        cells = self._cells()
        found = [
            ProjectRow(project=project, cells=tuple(cells.get(project, ())))
            for project in self._names()
            if self._chosen(choice, project, cells.get(project, []))
        ]
        return found[:limit]

    async def targets(self) -> Sequence[str]:
        """Return every target that a cell has."""
        return sorted({cell.target for cells in self._cells().values() for cell in cells})

    async def search(self, part: str, *, limit: int) -> Sequence[ProjectName]:
        """Return projects whose names hold a text, those that begin with it first."""
        found = [name for name in self._names() if part in name]
        return sorted(found, key=lambda name: (not name.startswith(part), name))[:limit]

    async def known(self, project: ProjectName) -> bool:
        """Whether there is such a project."""
        return project in self._names()

    async def cells_of(self, project: ProjectName) -> Sequence[Cell]:
        """Return the cells of a project, by target."""
        return self._cells().get(project, [])

    async def jobs_of(self, project: ProjectName, *, limit: int) -> Sequence[JobLine]:
        """Return the jobs of a project, the last changed first."""
        return _newest(job for job in self._jobs() if job.release.project == project)[:limit]

    async def build_times(self, project: ProjectName, *, limit: int) -> Sequence[BuildTime]:
        """Return how long builds of a project took, the newest first."""
        found = [
            BuildTime(
                version=str(attempt.release.version),
                target=str(attempt.target),
                seconds=attempt.report.wall_seconds,
            )
            for attempt in reversed(self._attempts())
            if attempt.report is not None
            and attempt.release.project == project
            and attempt.report.outcome is Outcome.BUILT
        ]
        return found[:limit]

    async def system_libraries(self, keys: Sequence[BuildKey]) -> Sequence[str]:
        """Return the system libraries that builders reported for some jobs that were built."""
        reports = {
            attempt.key: attempt.report
            for attempt in self._attempts()
            if attempt.key in keys
            and attempt.report is not None
            and attempt.report.outcome is Outcome.BUILT
        }
        return sorted({one for report in reports.values() for one in report.system_libraries})

    async def jobs_of_request(self, request: RequestId, *, limit: int) -> Sequence[JobLine]:
        """Return the jobs that a request wanted."""
        found = [
            _line(job) for job in self._jobs() if request in await self._queue.requests_of(job.key)
        ]
        return sorted(found, key=lambda one: (one.project, one.target, one.key))[:limit]

    async def failures(self, *, project: str = "", limit: int) -> Sequence[JobLine]:
        """Return the jobs that failed, the newest first."""
        return _newest(
            job
            for job in self._jobs()
            if state_word(job) == Outcome.FAILED and project in {"", job.release.project}
        )[:limit]

    async def published(self, *, project: str = "", limit: int) -> Sequence[PublishedFile]:
        """Return the files that the index has, the newest first."""
        found = [one for one in self._published() if project in {"", one.release.project}]
        found.sort(key=lambda one: one.created or _OLDEST, reverse=True)
        return [
            PublishedFile(
                filename=one.filename,
                project=one.release.project,
                version=str(one.release.version),
                digest=one.digest,
                size=one.size,
                created=one.created,
            )
            for one in found[:limit]
        ]

    async def begun(self) -> datetime | None:
        """Return when the newest attempt began."""
        return self._attempts()[-1].started if self._attempts() else None

    async def files_of(self, project: ProjectName) -> Sequence[Artifact]:
        """Return the files of a project that the index has, in the order of their names."""
        return await self._store.artifacts.of_project(project)

    async def tallies(self) -> Sequence[Tally]:
        """Count all cells by target and state."""
        counts = Counter(
            (cell.target, cell.state) for cells in self._cells().values() for cell in cells
        )
        return [
            Tally(target=target, state=state, count=count)
            for (target, state), count in counts.items()
        ]

    async def ended(self, since: datetime) -> Sequence[Ended]:
        """Count the attempts that ended since a full hour, by hour and outcome."""
        counts = Counter(
            (_hour(attempt.finished), attempt.report.outcome.value)
            for attempt in self._attempts()
            if attempt.report is not None
            and attempt.finished is not None
            and attempt.finished >= since
        )
        return [
            Ended(hour=hour, outcome=outcome, count=count)
            for (hour, outcome), count in counts.items()
        ]

    async def waiting(self, now: datetime) -> Sequence[Waiting]:
        """Count the jobs that wait for a builder by how long they do."""
        counts = Counter(
            (now - self._queue.submitted(job.key)) // _HOUR
            for job in self._jobs()
            if job.state is State.READY
            and job.not_before is None
            and self._queue.askers_of(job.key)
        )
        return [Waiting(hours=hours, count=count) for hours, count in sorted(counts.items())]

    async def costs(self, *, limit: int) -> Sequence[Cost]:
        """Return the projects that took the most processor time, the dearest first."""
        counts: Counter[ProjectName] = Counter()
        seconds: dict[ProjectName, float] = defaultdict(float)
        for attempt in self._attempts():
            counts[attempt.release.project] += 1
            seconds[attempt.release.project] += attempt.report.cpu_seconds if attempt.report else 0
        found = [
            Cost(project=project, attempts=counts[project], cpu_seconds=seconds[project])
            for project in counts
        ]
        return sorted(found, key=lambda one: (-one.cpu_seconds, one.project))[:limit]

    async def flaky(self, *, limit: int) -> Sequence[JobLine]:
        """Return jobs that failed and were built under the same key, the last changed first."""
        outcomes: dict[BuildKey, set[Outcome]] = defaultdict(set)
        for attempt in self._attempts():
            if attempt.report is not None:
                outcomes[attempt.key].add(attempt.report.outcome)
        both = {Outcome.BUILT, Outcome.FAILED}
        return _newest(job for job in self._jobs() if both <= outcomes[job.key])[:limit]

    async def storage(self) -> Sequence[Storage]:
        """Return what is kept, by kind."""
        sizes: dict[str, list[int]] = defaultdict(list)
        for artifact, published in self._store.artifacts.everything():
            kind = artifact.origin.value
            sizes[kind if published else f"{kind}, not in the index"].append(artifact.size)
        found = [Storage(kind=kind, files=len(one), size=sum(one)) for kind, one in sizes.items()]
        logs = [one.report.log_bytes if one.report else 0 for one in self._attempts()]
        found.append(Storage(kind="logs", files=len(logs), size=sum(logs)))
        return sorted(found, key=lambda one: (-one.size, one.kind))

    def _chosen(self, choice: Choice, project: ProjectName, cells: Sequence[Cell]) -> bool:
        jobs = [job.key for job in self._jobs() if job.release.project == project]
        return (
            project > choice.after
            and choice.name in project
            and (not choice.owner or any(choice.owner in self._queue.askers_of(k) for k in jobs))
            and (
                not (choice.state or choice.target or choice.regressed)
                or any(_is_chosen(choice, cell) for cell in cells)
            )
        )

    def _jobs(self) -> Sequence[Job]:
        return list(self._store.ledger.jobs.values())

    def _attempts(self) -> Sequence[Attempt]:
        return self._store.ledger.attempts

    def _published(self) -> list[Artifact]:
        return [one for one, published in self._store.artifacts.everything() if published]

    def _names(self) -> Sequence[ProjectName]:
        named = {job.release.project for job in self._jobs()}
        named |= {
            one.release.project for one in self._published() if one.origin is not Origin.COMMAND
        }
        return sorted(named)

    def _cells(self) -> dict[ProjectName, list[Cell]]:
        groups: dict[tuple[ProjectName, str], list[Job]] = defaultdict(list)
        for job in sorted(self._jobs(), key=lambda job: (job.changed or _OLDEST, job.key)):
            groups[job.release.project, str(job.target)].append(job)
        found: dict[ProjectName, list[Cell]] = defaultdict(list)
        for (project, _), jobs in sorted(groups.items()):
            cell = fold(jobs)
            if cell is not None:
                found[project].append(cell)
        return found


def _is_chosen(choice: Choice, cell: Cell) -> bool:
    return (
        choice.state in {"", cell.state}
        and choice.target in {"", cell.target}
        and (cell.regressed or not choice.regressed)
    )


def _newest(jobs: Iterable[Job]) -> list[JobLine]:
    found = sorted(jobs, key=lambda job: job.key)
    found.sort(key=lambda job: job.changed or _OLDEST, reverse=True)
    return [_line(job) for job in found]


def _line(job: Job) -> JobLine:
    return JobLine(
        key=job.key,
        project=job.release.project,
        version=str(job.release.version),
        target=str(job.target),
        state=state_word(job),
        reason=job.reason,
        changed=job.changed,
    )


def _hour(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)
