"""What the planner asks for, and what it is told.

Each command is answered by exactly one event. The planner never waits: commands may be carried out
in any order and at the same time.
"""

from dataclasses import dataclass, field

from packaging.version import Version

from wheelyard.errors import WheelyardError
from wheelyard.model.artifact import Artifact, Origin
from wheelyard.model.job import BuildKey, Offer, Report
from wheelyard.model.release import Release
from wheelyard.model.resolution import Query, Resolution
from wheelyard.model.source import FileEntry, Source, SourceFacts
from wheelyard.targets.target import Target


@dataclass(frozen=True, slots=True)
class UnitId:
    """A wheel that is wanted: one release for one target.

    Sorts by project, version and target. A plan looks units up all the time, so the hash is worked
    out once.
    """

    release: Release
    target: Target
    _hash: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_hash", hash((self.release, self.target)))

    def __hash__(self) -> int:
        return self._hash

    def __lt__(self, other: "UnitId") -> bool:
        return self.order < other.order

    @property
    def order(self) -> tuple[str, Version, Target]:
        """What units are sorted by; quicker as a key than comparing the units themselves."""
        return (self.release.project, self.release.version, self.target)

    def __str__(self) -> str:
        return f"{self.release} for {self.target}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolveRequest:
    """Resolve what was asked for, for one target."""

    query: Query


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspect:
    """Fetch a source, read what it says of itself, and look up what is already published of it."""

    release: Release
    source: Source


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolveBuild:
    """Resolve the build requirements of a unit."""

    unit: UnitId
    query: Query


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolveHost:
    """Resolve what a unit is compiled against, for its own target."""

    unit: UnitId
    query: Query


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolveTest:
    """Resolve what the recipe's own test of a unit requires."""

    unit: UnitId
    query: Query


@dataclass(frozen=True, slots=True, kw_only=True)
class Recall:
    """Look up what a key is known to give: an artifact, or further requirements.

    Under ``portable_key`` lie further requirements, and the key of a wheel with nothing compiled in it.
    """

    unit: UnitId
    key: BuildKey
    portable_key: BuildKey


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchWheel:
    """Bring upstream's wheel of a unit."""

    unit: UnitId
    entry: FileEntry
    origin: Origin


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """Run a job.

    ``bootstrap``: a seed is in its environment, so that the offer's key is another than the unit's.
    ``portable_key`` and ``ordinary_key`` are the unit's, under which it will be looked up the next time:
    in a rebuild, the offer's key is another than the ordinary one.
    """

    unit: UnitId
    offer: Offer
    bootstrap: bool
    portable_key: BuildKey
    ordinary_key: BuildKey


Command = (
    ResolveRequest
    | Inspect
    | ResolveBuild
    | ResolveHost
    | ResolveTest
    | Recall
    | FetchWheel
    | Start
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Exclusion:
    """A requirement that was left out for a target, and why.

    ``applicable`` is False where no release of it is meant for that Python at all.
    """

    requirement: str
    target: Target
    reason: str
    hint: str = ""
    applicable: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestResolved:
    """The answer to ResolveRequest; ``exclusions`` are what had to be left out."""

    target: Target
    resolution: Resolution
    exclusions: tuple[Exclusion, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspected:
    """The answer to Inspect; ``source`` now has its digest."""

    release: Release
    source: Source
    facts: SourceFacts
    published: tuple[Artifact, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class InspectFailed:
    """The source could not be had or read."""

    release: Release
    error: WheelyardError


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildResolved:
    """The answer to ResolveBuild."""

    unit: UnitId
    resolution: Resolution


@dataclass(frozen=True, slots=True, kw_only=True)
class HostResolved:
    """The answer to ResolveHost."""

    unit: UnitId
    resolution: Resolution


@dataclass(frozen=True, slots=True, kw_only=True)
class TestResolved:
    """The answer to ResolveTest."""

    unit: UnitId
    resolution: Resolution


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitFailed:
    """What a unit requires to be built or tested has no solution."""

    unit: UnitId
    error: WheelyardError


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchFailed:
    """Upstream's wheel of a unit could not be had. ``origin`` says what it was wanted for."""

    unit: UnitId
    origin: Origin
    error: WheelyardError


@dataclass(frozen=True, slots=True, kw_only=True)
class Recalled:
    """The answer to Recall; both are None where nothing is known."""

    unit: UnitId
    key: BuildKey
    artifact: Artifact | None = None
    needs: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WheelFetched:
    """The answer to FetchWheel."""

    unit: UnitId
    artifact: Artifact


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """The answer to Start. ``artifact`` is the one that counts (published, where it is final)."""

    unit: UnitId
    key: BuildKey
    report: Report
    artifact: Artifact | None = None


Event = (
    RequestResolved
    | Inspected
    | InspectFailed
    | BuildResolved
    | HostResolved
    | TestResolved
    | UnitFailed
    | Recalled
    | WheelFetched
    | FetchFailed
    | Finished
)
