"""The wanted matrix of one release: which target still needs a job.

One probe is built on the lowest target; its tags say what is left. Platforms that differ in more
than their floor are probed side by side. Everything here is a value and functions over it: who asks
for offers says what it took, and reports each end.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import lru_cache
from itertools import groupby
from typing import Self

from packaging.tags import Tag

from wheelyard.errors import InvalidArchiveError, InvalidTargetError
from wheelyard.targets.compatibility import accepts, allows, serves
from wheelyard.targets.platform import Platform
from wheelyard.targets.target import Target


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """A wheel: its tags, and the Requires-Python of its METADATA."""

    tags: frozenset[Tag]
    requires_python: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """The release does not build here, and that is its own fault."""

    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NotApplicable:
    """Nobody wants it here: skipped, excluded by Requires-Python, no source, yanked."""

    reason: str = ""


Result = Built | Failed | NotApplicable


class Status(StrEnum):
    """Where a target stands; the first two are not final."""

    WANTED = "wanted"
    OFFERED = "offered"
    BUILT = "built"
    COVERED = "covered"
    FAILED = "failed"
    NOT_APPLICABLE = "not-applicable"

    @property
    def final(self) -> bool:
        """Whether nothing more is to be done."""
        return self not in {Status.WANTED, Status.OFFERED}


@dataclass(frozen=True, slots=True, kw_only=True)
class FanOut:
    """The targets of a release, from the lowest up, and what is known about each.

    ``requires_python`` is what the release said before it was built; ``known`` are wheels of it that
    are there already.
    """

    targets: tuple[Target, ...]
    requires_python: str = ""
    known: tuple[Built, ...] = ()
    offered: frozenset[Target] = frozenset()
    results: tuple[tuple[Target, Result], ...] = ()

    @classmethod
    def of(
        cls, targets: Iterable[Target], *, requires_python: str = "", known: Iterable[Built] = ()
    ) -> Self:
        """Begin, with nothing offered."""
        ordered = tuple(sorted(set(targets), key=_rank))
        return cls(targets=ordered, requires_python=requires_python, known=tuple(known))

    def result(self, target: Target) -> Result | None:
        """Return how a target's own job ended, or None."""
        return next((result for known, result in self.results if known == target), None)

    @property
    def wheels(self) -> tuple[Built, ...]:
        """Every wheel that there is."""
        built = (result for _, result in self.results if isinstance(result, Built))
        return (*self.known, *built)


def status(state: FanOut, target: Target) -> Status:
    """Say where a target stands.

    A target whose job runs is *covered* as soon as another wheel serves it: its job may be cancelled,
    and its result is welcome where it comes nevertheless.
    """
    result = state.result(target)
    if isinstance(result, Built) and serves(result.tags, result.requires_python, target):
        return Status.BUILT
    if isinstance(result, NotApplicable):
        return Status.NOT_APPLICABLE
    if any(serves(wheel.tags, wheel.requires_python, target) for wheel in state.wheels):
        return Status.COVERED
    if isinstance(result, Failed):
        return Status.FAILED
    if not _wanted_by_its_release(state, target):
        return Status.NOT_APPLICABLE
    return Status.OFFERED if target in state.offered else Status.WANTED


def offers(state: FanOut) -> tuple[Target, ...]:
    """List the targets that may be started now and are not offered yet."""
    return tuple(
        sorted((target for line in _lines(state) for target in _offers_of(state, line)), key=_rank)
    )


def with_offered(state: FanOut, targets: Iterable[Target]) -> FanOut:
    """Note that the jobs of these targets were started."""
    taken = frozenset(targets)
    for target in taken:
        _check_member(state, target)
    return replace(state, offered=state.offered | taken)


def with_result(state: FanOut, target: Target, result: Result) -> FanOut:
    """Note how the job of a target ended; a wheel is never taken back by what comes after it.

    Raises InvalidArchiveError for a success without a file, or with one that is for another target,
    and InvalidTargetError for a target that nobody wanted.
    """
    _check_member(state, target)
    if isinstance(result, Built):
        _check_wheel(target, result)
    elif isinstance(state.result(target), Built):
        return state
    others = tuple(entry for entry in state.results if entry[0] != target)
    return replace(state, results=(*others, (target, result)))


def finished(state: FanOut) -> bool:
    """Whether every target is in a final state."""
    return all(status(state, target).final for target in state.targets)


def _offers_of(state: FanOut, line: tuple[Target, ...]) -> Iterator[Target]:
    """Offer from one line of targets that differ in interpreter and floor only."""
    standing = {target: status(state, target) for target in line}
    wanted = [target for target in line if standing[target] is Status.WANTED]
    if any(found in {Status.BUILT, Status.COVERED} for found in standing.values()):
        yield from (target for target in wanted if not _waits_for_lower_floor(target, standing))
    elif Status.OFFERED not in standing.values():
        yield from wanted[:1]


def _waits_for_lower_floor(target: Target, standing: dict[Target, Status]) -> bool:
    """Whether a job for the same interpreter on an older platform may serve this target, too."""
    return any(
        other.interpreter == target.interpreter and _rank(other) < _rank(target) and not found.final
        for other, found in standing.items()
    )


def _lines(state: FanOut) -> Iterator[tuple[Target, ...]]:
    by_family = sorted(state.targets, key=lambda target: (_family(target), _rank(target)))
    for _, line in groupby(by_family, key=_family):
        yield tuple(line)


@lru_cache(maxsize=4096)
def _family(target: Target) -> tuple[str, str]:
    return Platform.parse(target.platform).family


@lru_cache(maxsize=4096)
def _rank(target: Target) -> tuple[object, ...]:
    platform = Platform.parse(target.platform)
    return (target.interpreter, platform.family, platform.height)


def _wanted_by_its_release(state: FanOut, target: Target) -> bool:
    """Whether no Requires-Python that is known of the release excludes a target."""
    said = (state.requires_python, *(wheel.requires_python for wheel in state.wheels))
    return all(allows(requires_python, target.interpreter) for requires_python in said)


def _check_member(state: FanOut, target: Target) -> None:
    if target not in state.targets:
        raise InvalidTargetError(
            f"'{target}' is not among the targets of this release",
            hint=f"They are {', '.join(map(str, state.targets)) or 'none'}.",
        )


def _check_wheel(target: Target, built: Built) -> None:
    if not built.tags:
        raise InvalidArchiveError(
            f"The job for '{target}' ended well but gave no wheel",
            hint="Its build back end left nothing behind; look at its log.",
        )
    if not accepts(built.tags, target):
        raise InvalidArchiveError(
            f"The wheel that was built for '{target}' is for {_shown(built.tags)}",
            hint="Its tags must name that interpreter and platform, or a floor below it.",
        )


def _shown(tags: frozenset[Tag]) -> str:
    names = sorted(map(str, tags))
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")  # noqa: PLR2004
