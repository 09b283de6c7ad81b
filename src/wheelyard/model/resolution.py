"""A question to the resolver, and its answer."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from wheelyard.model.release import ProjectName, Release
from wheelyard.model.source import FileEntry, Source
from wheelyard.targets.target import Target


class FromSource(StrEnum):
    """Which releases must be built here, and which may come as upstream's wheels."""

    ALL = "all"
    REQUESTED = "requested"
    NONE = "none"


class Prereleases(StrEnum):
    """When pre-releases are candidates; uv's words."""

    IF_NECESSARY = "if-necessary"
    ALLOW = "allow"
    DISALLOW = "disallow"


@dataclass(frozen=True, slots=True, kw_only=True)
class CandidatePolicy:
    """Which files of upstream may be chosen at all.

    ``exclude_newer`` and ``before`` (cool-down: now minus the minimum age) both cut by upload time.
    With ``before``, a file whose upload time is unknown is not a candidate; with ``exclude_newer`` it is.
    ``sources_only``: a release without a source is no candidate.
    """

    sources_only: bool = True
    exclude_newer: datetime | None = None
    before: datetime | None = None
    prereleases: Prereleases = Prereleases.IF_NECESSARY


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """Requirements (PEP 508 lines, normalised) to be resolved together for one target.

    ``preferences`` are releases to choose where they fit, as uv takes them from an output file:
    what the plan already holds, so that one plan does not build two versions without need.
    """

    requirements: tuple[str, ...]
    target: Target
    constraints: tuple[str, ...] = ()
    overrides: tuple[str, ...] = ()
    policy: CandidatePolicy = field(default_factory=CandidatePolicy)
    preferences: tuple[Release, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Pin:
    """One release that was chosen.

    ``dependencies`` are the projects of the same resolution that this one requires on this target
    (with the extras that were asked for). ``source`` is None where upstream has none. ``wheel`` is
    upstream's best wheel for the target, where there is one; ``portable``: upstream also has a wheel
    of it in which nothing is compiled. ``older`` says why a newer release was not chosen, where that is
    known and there is one; ``yanked`` why upstream withdrew the chosen one, None where it did not.
    """

    release: Release
    source: Source | None
    wheel: FileEntry | None = None
    dependencies: tuple[ProjectName, ...] = ()
    requires_python: str = ""
    portable: bool = False
    older: str = ""
    yanked: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolution:
    """Pins sorted by project name. ``roots`` are the projects that the query itself named."""

    pins: tuple[Pin, ...]
    roots: tuple[ProjectName, ...]
