"""Runs of a farm: from what a request says to a plan, carried out by builders elsewhere and told to who watches."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from packaging.requirements import InvalidRequirement, Requirement

from wheelyard.coordinator.crew import Crew
from wheelyard.coordinator.farm.crew import FarmCrew
from wheelyard.coordinator.run import Run
from wheelyard.coordinator.story import JobAwaited, JobEnded, JobStarted, RunEvent
from wheelyard.errors import ConfigurationError
from wheelyard.model.artifact import Artifact
from wheelyard.model.job import BuildKey, Report
from wheelyard.model.recipe import Recipe
from wheelyard.model.release import ProjectName, Release, project_name
from wheelyard.model.request import Request
from wheelyard.model.resolution import CandidatePolicy, FromSource
from wheelyard.plan.blocking import blocking
from wheelyard.plan.events import Start
from wheelyard.plan.farm_ways import ways_of
from wheelyard.plan.planner import Planner
from wheelyard.plan.summary import Row
from wheelyard.plan.unit import PlanOptions
from wheelyard.protocol.requests import WheelsWanted
from wheelyard.targets.target import Target
from wheelyard.web.stories import Stories, Story
from wheelyard.web.telling import RunEnded
from wheelyard.wiring.planning import Planning

_ANY_BUILDER = "a builder of the farm"
"""In a build key: which builder will have a job is not known when it is named, so none is told apart."""


class FarmRuns:
    """Opens the runs of requests."""

    def __init__(
        self, *, planning: Planning, stories: Stories, recipe_of: Callable[[Release], Recipe]
    ) -> None:
        self._planning = planning
        self._stories = stories
        self._recipe_of = recipe_of

    def open(self, request: Request, wanted: WheelsWanted, crew: FarmCrew) -> Run:
        """Return the run of a request. Raises ConfigurationError."""
        options = options_of(request, wanted)
        ways = ways_of(options.targets, crew.builders())
        planner = Planner(replace(options, ways=dict(ways)), self._recipe_of)
        return ToldRun(
            planner=planner,
            planning=self._planning,
            crew=crew,
            story=self._stories.begin(request.id),
        )


class ToldRun(Run):
    """A run that is told as a story, with how each job ended and how everything did."""

    def __init__(self, *, planner: Planner, planning: Planning, crew: Crew, story: Story) -> None:
        super().__init__(
            planner=planner,
            questions=planning.questions(),
            crew=crew,
            jobs=planning.folder.jobs,
            listener=story.tell,
        )
        self._story = story
        self._begun: dict[BuildKey, int] = {}
        story.standing = self.standing
        story.dependants = planner.board.waiting_for
        story.blocking = lambda: blocking(planner.board, self.expected_seconds)

    async def carry_out(self) -> tuple[Row, ...]:
        """Run until nothing more can be done, and tell how each unit ended."""
        try:
            rows = await super().carry_out()
            planner = self.planner
            self._story.tell(
                RunEnded(
                    rows=rows, exclusions=tuple(planner.exclusions), cycles=tuple(planner.cycles)
                )
            )
            return rows
        finally:
            self._story.end()

    def tell(self, event: RunEvent) -> None:
        """Tell whoever watches; which jobs were begun is remembered, to tell their ends, too."""
        match event:
            case JobStarted():
                self._begun[event.key] = event.attempt
            case JobAwaited():
                self._begun.setdefault(event.key, 1)
        super().tell(event)

    def finish(self, start: Start, report: Report, artifact: Artifact | None = None) -> None:
        """Take how a job ended, and tell it where it was built now and not long ago."""
        attempt = self._begun.pop(start.offer.key, None)
        if attempt is not None:
            self._story.tell(
                JobEnded(
                    unit=start.unit,
                    key=start.offer.key,
                    attempt=attempt,
                    report=report,
                    bootstrap=start.bootstrap,
                    again_in=None,
                )
            )
        super().finish(start, report, artifact)


def options_of(request: Request, wanted: WheelsWanted) -> PlanOptions:
    """Return what a plan is made of. Raises ConfigurationError and InvalidTargetError."""
    targets = tuple(Target.parse(text) for text in wanted.targets)
    return PlanOptions(
        requirements=tuple(dict.fromkeys(wanted.requirements)),
        requested=frozenset(_project(line) for line in wanted.requirements),
        targets=targets,
        constraints=wanted.constraints,
        overrides=wanted.overrides,
        build_constraints=wanted.build_constraints,
        from_source=wanted.from_source,
        policy=CandidatePolicy(
            sources_only=wanted.from_source is FromSource.ALL,
            exclude_newer=_moment(wanted.exclude_newer),
            before=_moment(wanted.before),
            prereleases=wanted.prereleases,
        ),
        toolchains={str(target): _ANY_BUILDER for target in targets},
        isolation=surroundings_of(request, again=wanted.rebuild or wanted.check_reproducible),
        limits=wanted.limits,
        check_reproducible=wanted.check_reproducible,
        rebuild=wanted.rebuild,
        fall_back=wanted.fall_back,
    )


def surroundings_of(request: Request, *, again: bool) -> str:
    """Return what a build key says of builders; ``again``: another key for the same inputs."""
    # The same one when the request is begun anew.
    return f"{_ANY_BUILDER}; rebuilt for {request.id}" if again else _ANY_BUILDER


def _project(line: str) -> ProjectName:
    try:
        wanted = Requirement(line)
    except InvalidRequirement as error:
        raise ConfigurationError(
            f"{line!r} is not a requirement: {error}", hint="Write it as pip does: name==1.0."
        ) from error
    if wanted.url:
        raise ConfigurationError(
            f"{line!r} names a place, which a farm does not fetch from",
            hint="Ask for what is on an index, or build it with 'wheelyard build' on this machine.",
        )
    return project_name(wanted.name)


def _moment(text: str) -> datetime | None:
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise ConfigurationError(
            f"{text!r} is not a moment", hint="Write it as 2026-01-31T12:00:00Z."
        ) from error
    if moment.tzinfo is None:
        raise ConfigurationError(
            f"{text!r} does not say in which time zone it is", hint="Write a Z at its end for UTC."
        )
    return moment
