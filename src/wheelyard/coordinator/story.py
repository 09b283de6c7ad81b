"""What happens during a run, one value an event, for whoever watches.

Display, JSON output and tests read the same events; nothing in here is needed to carry on.
"""

from collections.abc import Callable
from dataclasses import dataclass

from wheelyard.model.artifact import Artifact
from wheelyard.model.caught import Caught
from wheelyard.model.job import BuildKey, Offer, Report, StepName
from wheelyard.model.release import Release
from wheelyard.model.way import Way
from wheelyard.plan.bootstrap import BrokenCycle
from wheelyard.plan.events import Exclusion, UnitId
from wheelyard.plan.unit import Provision
from wheelyard.targets.target import Target


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetResolved:
    """The request was resolved for one target into ``releases`` releases."""

    target: Target
    releases: int
    exclusions: tuple[Exclusion, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceAsked:
    """A source says its name or version only when its back end is asked, for which its requirements are built."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceInspected:
    """What a source says of itself is known; it is asked once, for however many targets."""

    release: Release


@dataclass(frozen=True, slots=True, kw_only=True)
class CycleBroken:
    """A cycle among build requirements was broken."""

    broken: BrokenCycle


@dataclass(frozen=True, slots=True, kw_only=True)
class JobQueued:
    """A job has all that it needs."""

    unit: UnitId
    offer: Offer


@dataclass(frozen=True, slots=True, kw_only=True)
class JobStarted:
    """An attempt began. ``expected_seconds`` comes from earlier builds of the project."""

    unit: UnitId
    key: BuildKey
    attempt: int
    expected_seconds: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobAwaited:
    """Another run on the same state folder has this job; its result will be taken."""

    unit: UnitId
    key: BuildKey


@dataclass(frozen=True, slots=True, kw_only=True)
class JobDelayed:
    """Nobody has this job: it failed for ``reason`` and is tried again in some seconds."""

    unit: UnitId
    key: BuildKey
    seconds: float
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JobHeld:
    """An earlier run built a wheel that waits for a person's look; it is not built again."""

    unit: UnitId
    key: BuildKey
    report: Report


@dataclass(frozen=True, slots=True, kw_only=True)
class StepBegan:
    """An attempt came to its next step."""

    unit: UnitId
    step: StepName


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputPrinted:
    """A build printed a line."""

    unit: UnitId
    line: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandsCaught:
    """The compilers of a build came further."""

    unit: UnitId
    caught: Caught


@dataclass(frozen=True, slots=True, kw_only=True)
class JobEnded:
    """An attempt ended. ``again_in`` is set where it will be tried again, in seconds."""

    unit: UnitId
    key: BuildKey
    attempt: int
    report: Report
    bootstrap: bool
    again_in: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitProvided:
    """A wheel is there, by whatever way."""

    unit: UnitId
    provision: Provision
    artifact: Artifact


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildRetriedOlder:
    """A failed build is tried again with build requirements as of an earlier day."""

    unit: UnitId
    day: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildSentAnotherWay:
    """A failed build is tried again on another way to its target."""

    unit: UnitId
    way: Way


RunEvent = (
    TargetResolved
    | SourceAsked
    | SourceInspected
    | CycleBroken
    | JobQueued
    | JobStarted
    | JobAwaited
    | JobDelayed
    | JobHeld
    | StepBegan
    | CommandsCaught
    | OutputPrinted
    | JobEnded
    | UnitProvided
    | BuildRetriedOlder
    | BuildSentAnotherWay
)
Listener = Callable[[RunEvent], None]
