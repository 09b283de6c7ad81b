"""One run: a plan carried out from the first question to the last wheel."""

import asyncio
import threading
from collections.abc import Mapping
from dataclasses import dataclass

from wheelyard.coordinator.crew import Crew
from wheelyard.coordinator.questions import Questions
from wheelyard.coordinator.story import (
    BuildRetriedOlder,
    BuildSentAnotherWay,
    CycleBroken,
    JobQueued,
    Listener,
    RunEvent,
    SourceInspected,
    TargetResolved,
    UnitProvided,
)
from wheelyard.model.artifact import Artifact
from wheelyard.model.job import Report
from wheelyard.model.release import ProjectName
from wheelyard.model.source import FileEntry
from wheelyard.plan.events import (
    Command,
    Event,
    Finished,
    Inspected,
    RequestResolved,
    Start,
    UnitId,
)
from wheelyard.plan.forecast import Forecast, Urgency, dependants, usual_seconds
from wheelyard.plan.planner import Planner
from wheelyard.plan.summary import Row, summarise
from wheelyard.plan.unit import State
from wheelyard.ports import JobStore

_QUESTIONS_AT_ONCE = 48
"""How many questions are open at the same time: enough to hide latency, too few to exhaust sockets."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How far a run is; ``running`` maps units to seconds, ``seconds_left`` is an estimate."""

    units: int
    settled: int
    running: Mapping[UnitId, float]
    seconds_left: float


class Run:
    """Carries out a plan with a crew. With ``build=False`` nothing is built: the plan grows as far as it can without."""

    def __init__(  # noqa: PLR0913 - the ports of a service, by name
        self,
        *,
        planner: Planner,
        questions: Questions,
        crew: Crew,
        jobs: JobStore,
        listener: Listener = lambda _: None,
        build: bool = True,
    ) -> None:
        self.planner = planner
        self._questions = questions
        self._crew = crew
        self._jobs = jobs
        self._tell = listener
        self._build = build
        self._events: asyncio.Queue[Event] = asyncio.Queue()
        self._open = 0
        self._asking = asyncio.Semaphore(_QUESTIONS_AT_ONCE)
        self._lock = threading.Lock()
        self._durations: dict[ProjectName, float | None] = {}
        self._forecast = Forecast(planner.board, self._seconds)
        self._urgency = Urgency(planner.board, self._seconds)
        self._told_cycles = 0

    async def carry_out(self) -> tuple[Row, ...]:
        """Run until nothing more can be done and return how each unit ended."""
        try:
            async with asyncio.TaskGroup() as group:
                self._crew.begin(self, group)
                await self._issue(self.planner.begin(), group)
                while self._open:
                    event = await self._events.get()
                    self._open -= 1
                    with self._lock:
                        commands = self.planner.handle(event)
                    await self._issue(commands, group)
                    self._narrate(event)
                self._crew.end()
        finally:
            await self._questions.close()
        return self.summary(over=self._build)

    def summary(self, *, over: bool) -> tuple[Row, ...]:
        """Return how each unit stands; ``over``: nothing more will happen."""
        board = self.planner.board
        skips = {
            key: self.planner.recipe_of(key.release).on(key.target.platform).skip or ""
            for key, unit in board.units.items()
            if unit.state is State.SKIPPED
        }
        return summarise(board, self.planner.roots, skips, over=over)

    def standing(self) -> Standing:
        """Return how far the run is. Any thread may ask: a display draws in its own."""
        running = self._crew.running()
        units = self.planner.board.units
        with self._lock:
            settled = sum(1 for unit in units.values() if not unit.may_come)
            left = self._forecast.seconds_left(self._crew.slots, running)
            return Standing(units=len(units), settled=settled, running=running, seconds_left=left)

    def _seconds(self, unit: UnitId) -> float:
        known = self._durations.get(unit.release.project)
        return known if known is not None else usual_seconds(unit.release.project)

    async def _issue(self, commands: list[Command], group: asyncio.TaskGroup) -> None:
        if self._build and any(isinstance(command, Start) for command in commands):
            await self._learn_durations()
        for command in commands:
            if not isinstance(command, Start):
                self._open += 1
                group.create_task(self._ask(command))
            elif self._build:
                self._open += 1
                self._tell(JobQueued(unit=command.unit, offer=command.offer))
                await self._crew.add(command)

    async def _ask(self, command: Command) -> None:
        if not isinstance(command, Start):
            async with self._asking:
                answer = await self._questions.answer(command)
            self._events.put_nowait(answer)

    async def _learn_durations(self) -> None:
        """Ask once for each project of the plan how long it took: urgency is about whole chains."""
        projects = {unit.release.project for unit in self.planner.board.units}
        new = sorted(projects - self._durations.keys())
        if new:
            found = await self._jobs.durations(new)
            with self._lock:
                self._durations |= {project: found.get(project) for project in new}
                self._forecast.forget()
            self._urgency.forget()

    def finish(self, start: Start, report: Report, artifact: Artifact | None = None) -> None:
        """Take how a job ended."""
        self._events.put_nowait(
            Finished(
                unit=start.unit,
                key=start.offer.key,
                report=report,
                artifact=artifact or report.artifact,
            )
        )

    def tell(self, event: RunEvent) -> None:
        """Tell whoever watches."""
        self._tell(event)

    def urgency(self, start: Start) -> float:
        """Return how long the longest chain of builds is that waits for a job, itself included."""
        return self._urgency.of(start.unit)

    def dependants(self, start: Start) -> int:
        """Return how many units wait for a job, directly or not."""
        return dependants(self.planner.board, start.unit)

    def wheel(self, unit: UnitId) -> FileEntry | None:
        """Return upstream's wheel for the same target."""
        return self.planner.board.units[unit].pin.wheel

    def expected_seconds(self, unit: UnitId) -> float | None:
        """Return how long builds of a project took, where that is known."""
        return self._durations.get(unit.release.project)

    def _narrate(self, event: Event) -> None:
        """Tell the listener what an event changed in the plan."""
        if isinstance(event, RequestResolved):
            self._tell(
                TargetResolved(
                    target=event.target,
                    releases=len(event.resolution.pins),
                    exclusions=event.exclusions,
                )
            )
        elif isinstance(event, Inspected):
            self._tell(SourceInspected(release=event.release))
        for broken in self.planner.cycles[self._told_cycles :]:
            self._tell(CycleBroken(broken=broken))
        self._told_cycles = len(self.planner.cycles)
        for unit in self.planner.take_provided():
            if unit.provision is not None and unit.artifact is not None:
                self._tell(
                    UnitProvided(unit=unit.id, provision=unit.provision, artifact=unit.artifact)
                )
        for key, day in self.planner.take_older():
            self._tell(BuildRetriedOlder(unit=key, day=day))
        for key, way in self.planner.take_detours():
            self._tell(BuildSentAnotherWay(unit=key, way=way))
