"""What the planner knows about each wheel that is wanted."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import assert_never

from wheelyard.errors import WheelyardError
from wheelyard.model.artifact import Artifact
from wheelyard.model.job import BuildKey, Limits, Report
from wheelyard.model.recipe import Recipe
from wheelyard.model.release import ProjectName, Release
from wheelyard.model.resolution import CandidatePolicy, FromSource, Pin, Resolution
from wheelyard.model.source import Source, SourceFacts
from wheelyard.model.way import NATIVE, Way, WayKind
from wheelyard.plan.events import UnitId
from wheelyard.targets.target import Target


class EdgeKind(StrEnum):
    """Why one wheel needs another."""

    REQUEST = "requested"
    BUILD = "build"
    HOST = "host"
    """Compiled against: a wheel of the target, where the build's own are those of the build machine."""
    RUN = "run"
    TEST = "test"
    PROBE = "probe"


class State(StrEnum):
    """Where a unit stands. DONE, FAILED and what follows are final."""

    INSPECTING = "inspecting"
    GATED = "after the probe"
    RESOLVING = "resolving"
    RECALLING = "recalling"
    WAITING = "waiting"
    FETCHING = "fetching"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    SKIPPED = "skipped"
    NOT_APPLICABLE = "not applicable"


EMPTY = Resolution(pins=(), roots=())
"""The answer to a question about nothing."""

FINAL = frozenset({State.DONE, State.FAILED, State.SKIPPED, State.NOT_APPLICABLE})


class Provision(StrEnum):
    """How a unit that is done was provided."""

    BUILT = "built"
    REUSED = "reused"
    COVERED = "covered"
    UPSTREAM = "upstream"


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a unit is in the plan; ``parent`` is None for what was asked for."""

    kind: EdgeKind
    parent: UnitId | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanOptions:
    """What was asked for and how it may be met.

    ``requirements`` and the constraints are PEP 508 lines, ``requested`` the projects that they name. ``toolchains`` describes compilers, C
    library and interpreter of each target, ``tools`` names the compilers that are there, ``isolation``
    is what keeps builds apart from the machine: all are for the build key. ``build_constraints`` narrow every build
    environment. ``as_of_margin_days``: how much newer than the release its build requirements may be when
    a failed build is tried again with older ones. ``rebuild_name`` tells a rebuild from others in its keys.
    ``ways`` are those to each target, the first to be gone first; a target that is not named is reached natively.
    ``fall_back``: what fails on one way is tried on the next.
    """

    requirements: tuple[str, ...]
    targets: tuple[Target, ...]
    requested: frozenset[ProjectName] = frozenset()
    constraints: tuple[str, ...] = ()
    overrides: tuple[str, ...] = ()
    build_constraints: tuple[str, ...] = ()
    from_source: FromSource = FromSource.ALL
    policy: CandidatePolicy = field(default_factory=CandidatePolicy)
    toolchains: dict[str, str] = field(default_factory=dict)
    tools: tuple[str, ...] = ()
    isolation: str = ""
    limits: Limits = field(default_factory=Limits)
    retry_as_of: bool = True
    as_of_margin_days: int = 1
    check_reproducible: bool = False
    rebuild: bool = False
    rebuild_name: str = ""
    ways: dict[str, tuple[Way, ...]] = field(default_factory=dict)
    fall_back: bool = False

    def ways_to(self, target: Target, recipe: Recipe) -> tuple[Way, ...]:
        """Return the ways to a target that are allowed for a release, the first to be gone first."""
        ways = self.ways.get(str(target)) or (NATIVE,)
        if recipe.emulate:
            emulated = tuple(way for way in ways if way.kind is WayKind.EMULATED)
            return tuple(replace(way, why="its recipe says so") for way in emulated) or ways[:1]
        return ways if self.fall_back else ways[:1]

    def wants_source(self, pin: Pin) -> bool:
        """Whether a release is to be built here."""
        match self.from_source:
            case FromSource.ALL:
                return True
            case FromSource.REQUESTED:
                return pin.wheel is None or pin.release.project in self.requested
            case FromSource.NONE:
                return pin.wheel is None
            case _:
                assert_never(self.from_source)


@dataclass(slots=True, kw_only=True)
class Group:
    """The members of one bootstrap cycle, and the seeds that break it."""

    members: frozenset[UnitId]
    seeds: dict[UnitId, Artifact | None] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class Unit:
    """One wheel that is wanted. ``resolution`` is that of its build requirements.

    ``company`` are the pins that it was resolved with, by project: what it needs to run is there.
    ``runs`` are those that it requires itself; ``awaited`` are those further on that it has to wait
    for, too, because what is between was not built in this run. ``tests`` is all that the test of its recipe
    is given, None until that is resolved. ``cut`` are those that a cycle lets it do without. ``needs`` is what its back end asked for beyond pyproject.toml; ``as_of`` is set
    while it is tried with build requirements of an earlier day; ``excluded_by`` is the
    Requires-Python that leaves its target out; ``reasons`` is an ordered set.

    ``hosts`` are the wheels of its own target that it is compiled against, ``host_resolution`` what they were
    resolved to. ``way`` is the one that is gone now, ``detours`` counts
    those that failed.

    ``blocked``: it waits for what will not come, so its release goes on without it; ``knot``: it is in
    a cycle that could not be broken. ``seedless``: upstream's wheel of it could not be had as a seed. ``reported`` is the key of the job that
    ``report`` is of.
    """

    id: UnitId
    pin: Pin
    from_source: bool
    reasons: dict[Reason, None] = field(default_factory=dict)
    state: State = State.INSPECTING
    resolution: Resolution = EMPTY
    builds: tuple[UnitId, ...] = ()
    host_resolution: Resolution = EMPTY
    hosts: tuple[UnitId, ...] = ()
    way: Way = NATIVE
    detours: int = 0
    runs: tuple[UnitId, ...] = ()
    company: Mapping[ProjectName, Pin] = field(default_factory=dict)
    awaited: set[UnitId] = field(default_factory=set)
    tests: tuple[UnitId, ...] | None = None
    cut: set[UnitId] = field(default_factory=set)
    blocked: bool = False
    knot: str = ""
    seedless: bool = False
    excluded_by: str = ""
    needs: tuple[str, ...] = ()
    rounds: int = 0
    key: BuildKey | None = None
    portable_key: BuildKey | None = None
    ordinary_key: BuildKey | None = None
    failed_keys: set[BuildKey] = field(default_factory=set)
    artifact: Artifact | None = None
    bootstrap: Artifact | None = None
    group: Group | None = None
    provision: Provision | None = None
    report: Report | None = None
    reported: BuildKey | None = None
    error: WheelyardError | None = None
    as_of: datetime | None = None

    @property
    def day(self) -> str:
        """The day that its build requirements are of, where newer ones broke the build."""
        return self.as_of.date().isoformat() if self.as_of else ""

    @property
    def final(self) -> bool:
        """Whether nothing more happens to it."""
        return self.state in FINAL

    def waits_for(self) -> tuple[UnitId, ...]:
        """Return what must be there before it can be built and tested."""
        further = (*(self.tests or ()), *(sorted(self.awaited) if self.awaited else ()))
        runs = (run for run in (*self.runs, *further) if run not in self.cut)
        return (*self.builds, *self.hosts, *runs)

    @property
    def may_come(self) -> bool:
        """Whether something may still happen to it."""
        return self.state not in FINAL and not self.blocked

    @property
    def is_lost(self) -> bool:
        """Whether it is not there and, as things stand, will not come."""
        return self.state is not State.DONE and (self.blocked or self.state in FINAL)


@dataclass(slots=True, kw_only=True)
class ReleaseState:
    """What is known of one release, whichever target it is wanted for."""

    release: Release
    source: Source
    facts: SourceFacts | None = None
    artifacts: list[Artifact] = field(default_factory=list)
    error: WheelyardError | None = None
    asked: bool = False
