"""Jobs, attempts and outcomes."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NewType

from wheelyard.cross.calls import CallCount
from wheelyard.model.artifact import Artifact, InputWheel
from wheelyard.model.command import Command
from wheelyard.model.recipe import DEFAULT_RECIPE, Recipe
from wheelyard.model.release import Release
from wheelyard.model.source import Source
from wheelyard.model.way import NATIVE, Way
from wheelyard.targets.target import Target

BuildKey = NewType("BuildKey", str)


class Outcome(StrEnum):
    """How an attempt ended; the glossary's words."""

    BUILT = "built"
    NEEDS = "needs"
    """The back end asked for requirements that its environment lacks (PEP 517, dynamic)."""
    FAILED = "failed"
    TIMED_OUT = "timed-out"
    OVER_LIMIT = "over-limit"
    RESOURCES = "out-of-resources"
    UPSTREAM = "upstream"
    INFRASTRUCTURE = "infrastructure"
    LOST = "lost"
    REFUSED = "refused"
    CANCELLED = "cancelled"


class StepName(StrEnum):
    """The steps of a job, in their order."""

    FETCH = "fetch"
    UNPACK = "unpack"
    ENVIRONMENT = "environment"
    REQUIREMENTS = "requirements"
    BUILD = "build"
    REPAIR = "repair"
    INSPECT = "inspect"
    TEST = "test"
    DELIVER = "deliver"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One timed step: wall and processor time in seconds, ``started`` in seconds since the attempt began."""

    name: StepName
    started: float
    seconds: float
    cpu_seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one job may use: seconds, bytes and processes.

    Compilers' warnings of a large package in C++ (numpy) can be more than a hundred megabytes of log.
    """

    wall_seconds: float = 3600
    silence_seconds: float = 1200
    memory_bytes: int = 8 << 30
    disk_bytes: int = 20 << 30
    log_bytes: int = 512 << 20
    artifact_bytes: int = 2 << 30
    processes: int = 512


class Verdict(StrEnum):
    """What a finding does to the wheel."""

    ACCEPT = "accept"
    WARN = "warn"
    HOLD = "hold"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something about a green build that may be wrong. ``check`` is the name that policy uses."""

    check: str
    message: str
    verdict: Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """All that a builder needs to run one attempt of one job: it is told, it does not know.

    ``requirements`` is the whole build environment; ``test_requirements`` what the wheel needs when it
    is imported. ``test_partial`` are projects that it needs too but that a cycle keeps from being
    there yet. ``test_tools`` is what the recipe's own test is given beside those, and ``test_tools_absent``
    the projects of it that a cycle keeps away: without them the test is not run. ``upstream_filename`` is upstream's wheel for the same target, ``upstream_files`` the
    paths in it where they are known; ``upstream_portable``: upstream has one in which nothing is compiled, too. ``source_date_epoch`` in seconds.
    ``as_of`` is the day that the requirements are of, where newer ones broke the build. ``command`` is set where
    no wheel is built: then ``release`` is a name and a revision's number, and the target's interpreter may be ``py3``.
    ``way`` says where the back end runs; across, ``requirements`` are wheels of the build machine and
    ``host_requirements`` those of the target that are compiled against.
    """

    key: BuildKey
    release: Release
    source: Source
    target: Target
    requirements: tuple[InputWheel, ...]
    test_requirements: tuple[InputWheel, ...] = ()
    test_partial: tuple[str, ...] = ()
    test_tools: tuple[InputWheel, ...] = ()
    test_tools_absent: tuple[str, ...] = ()
    recipe: Recipe = DEFAULT_RECIPE
    limits: Limits = field(default_factory=Limits)
    attempt: int = 1
    fence: int = 0
    upstream_files: tuple[str, ...] | None = None
    upstream_filename: str = ""
    upstream_portable: bool = False
    source_date_epoch: int = 315532800
    check_reproducible: bool = False
    as_of: str = ""
    command: Command | None = None
    way: Way = NATIVE
    host_requirements: tuple[InputWheel, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """How an attempt ended, as the builder tells it.

    ``needs`` goes with NEEDS. ``reason`` is the phrase taken from the log, ``hint`` what to do about it, ``detail`` a few lines of it.
    ``needs_system``: the reason is something that this machine lacks. ``limited``: what stopped it is a
    limit of its offer, which would stop it again. ``artifact`` goes with BUILT (its bytes and METADATA are already in the blobs). ``log_digest`` names the compressed log,
    ``calls_digest`` the compressed lines of the compiler commands that were caught, which ``calls`` counts.
    ``sandbox`` lists what was in force. ``repeat`` is the shell command that repeats this build by hand.
    ``as_of`` is the day that its requirements were of, where newer ones broke the build. ``way`` says which way it went and why, where
    that was not on a machine of the target's kind.
    """

    outcome: Outcome
    steps: tuple[Step, ...] = ()
    artifact: Artifact | None = None
    needs: tuple[str, ...] = ()
    reason: str = ""
    hint: str = ""
    needs_system: bool = False
    limited: bool = False
    detail: str = ""
    findings: tuple[Finding, ...] = ()
    log_digest: str = ""
    log_bytes: int = 0
    calls_digest: str = ""
    calls: CallCount = field(default_factory=CallCount)
    sandbox: tuple[str, ...] = ()
    repeat: str = ""
    environment: tuple[str, ...] = ()
    system_libraries: tuple[str, ...] = ()
    peak_memory_bytes: int = 0
    cpu_seconds: float = 0.0
    wall_seconds: float = 0.0
    irreproducible: str = ""
    as_of: str = ""
    way: str = ""


def outputs_of(report: Report) -> tuple[str, ...]:
    """Name the blobs that go with a report."""
    named = [report.log_digest, report.calls_digest]
    if report.artifact is not None:
        named += [report.artifact.digest, report.artifact.metadata_digest]
    return tuple(dict.fromkeys(digest for digest in named if digest))


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One try of a job, as it is kept. ``id`` is its number among all attempts, written ``a17``."""

    key: BuildKey
    number: int
    release: Release
    target: Target
    builder: str
    started: datetime
    finished: datetime | None
    report: Report | None
    id: int = 0
