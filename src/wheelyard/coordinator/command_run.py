"""Brings one request for a command on a git tree to its end on this machine.

What was built before at a revision that will do is the answer, at once. Otherwise there is one job, and the
same crew as for wheels sees it through: lease, tries, other runs.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from wheelyard.coordinator.crew import Crew
from wheelyard.coordinator.story import JobQueued, Listener, RunEvent, UnitProvided
from wheelyard.model.artifact import Artifact
from wheelyard.model.job import Outcome, Report
from wheelyard.model.source import FileEntry
from wheelyard.plan.command import Candidate, CommandPlan
from wheelyard.plan.events import Start, UnitId
from wheelyard.plan.unit import Provision
from wheelyard.ports import ArtifactStore, Blobs, JobStore


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandEnded:
    """How a request ended: ``artifact`` is None where it failed, ``report`` where nothing was run for it.

    ``revision`` is the number of the revision that was built, which may be another than ``wanted``. ``packages``
    are those that are in the conda channel now, as ``SUBDIR/FILE``, where that was asked for.
    """

    wanted: int
    revision: int
    commit: str
    artifact: Artifact | None
    report: Report | None = None
    packages: tuple[str, ...] = ()


class CommandRun:
    """Answers one request, from the store or by its crew."""

    def __init__(
        self,
        *,
        jobs: JobStore,
        artifacts: ArtifactStore,
        blobs: Blobs,
        crew: Crew,
        listener: Listener = lambda _: None,
    ) -> None:
        self._jobs = jobs
        self._artifacts = artifacts
        self._blobs = blobs
        self._crew = crew
        self._listener = listener

    def running(self) -> Mapping[UnitId, float]:
        """Return what runs now, and for how many seconds."""
        return self._crew.running()

    async def carry_out(self, plan: CommandPlan) -> CommandEnded:
        """Answer the request."""
        unit = UnitId(plan.offer.release, plan.offer.target)
        wanted = plan.candidates[0]
        found = await served(plan, self._artifacts, self._blobs)
        if found is not None:
            candidate, artifact = found
            self._provided(unit, Provision.REUSED, artifact)
            return _ended(wanted, candidate, artifact)
        project = plan.offer.release.project
        site = _OneJob(self._listener, (await self._jobs.durations([project])).get(project))
        await site.see_through(self._crew, plan, unit)
        built = site.artifact if site.report.outcome is Outcome.BUILT else None
        if built is not None:
            self._provided(unit, Provision.BUILT, built)
        return _ended(wanted, wanted, built, site.report)

    def _provided(self, unit: UnitId, provision: Provision, artifact: Artifact) -> None:
        self._listener(UnitProvided(unit=unit, provision=provision, artifact=artifact))


async def served(
    plan: CommandPlan, artifacts: ArtifactStore, blobs: Blobs
) -> tuple[Candidate, Artifact] | None:
    """Return what was built already and serves a request best; None: it has to be built."""
    for candidate in plan.candidates:
        artifact = await artifacts.by_key(candidate.key)
        if artifact is not None and blobs.path(artifact.digest) is not None:
            return candidate, artifact
    return None


def _ended(
    wanted: Candidate, built: Candidate, artifact: Artifact | None, report: Report | None = None
) -> CommandEnded:
    return CommandEnded(
        wanted=wanted.number,
        revision=built.number,
        commit=built.commit,
        artifact=artifact,
        report=report,
    )


class _OneJob:
    """A site with one job and nothing around it."""

    def __init__(self, listener: Listener, expected: float | None) -> None:
        self.report = Report(outcome=Outcome.CANCELLED)
        self.artifact: Artifact | None = None
        self._listener = listener
        self._expected = expected
        self._ended = asyncio.Event()

    async def see_through(self, crew: Crew, plan: CommandPlan, unit: UnitId) -> None:
        """Give the job to a crew and wait for its end."""
        start = Start(
            unit=unit,
            offer=plan.offer,
            bootstrap=False,
            portable_key=plan.offer.key,
            ordinary_key=plan.offer.key,
        )
        async with asyncio.TaskGroup() as group:
            crew.begin(self, group)
            self.tell(JobQueued(unit=unit, offer=plan.offer))
            await crew.add(start)
            await self._ended.wait()
            crew.end()

    def finish(self, start: Start, report: Report, artifact: Artifact | None = None) -> None:  # noqa: ARG002 - there is one
        """Take how it ended."""
        self.report, self.artifact = report, artifact or report.artifact
        self._ended.set()

    def tell(self, event: RunEvent) -> None:
        """Tell whoever watches."""
        self._listener(event)

    def urgency(self, start: Start) -> float:  # noqa: ARG002 - there is one
        """Return how long it takes: nothing waits for it."""
        return self._expected or 0.0

    def dependants(self, start: Start) -> int:  # noqa: ARG002 - a site's
        """Nothing waits for it."""
        return 0

    def wheel(self, unit: UnitId) -> FileEntry | None:  # noqa: ARG002 - a site's
        """There is none upstream."""
        return None

    def expected_seconds(self, unit: UnitId) -> float | None:  # noqa: ARG002 - there is one
        """Return how long builds of the same name took."""
        return self._expected
