"""The work on files that the steps ask for: archives and wheels, without running anything of theirs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from wheelyard.executor.wheel_content import Content
from wheelyard.executor.wheelfile import WheelFacts
from wheelyard.jobs.reasons import Reason
from wheelyard.model.job import Finding, Limits, Offer
from wheelyard.model.release import Release
from wheelyard.targets.target import Target


class Unpack(Protocol):
    """Unpacks a source."""

    def __call__(self, archive: Path, into: Path, *, limits: Limits, name: str) -> Path:
        """Return the project's folder; ``name`` is what people know the archive by. Raises InvalidArchiveError."""
        ...


class Inspect(Protocol):
    """Inspects a wheel."""

    def __call__(
        self, path: Path, *, release: Release, target: Target, contents: Mapping[str, Content]
    ) -> WheelFacts:
        """Return what it is; ``contents`` are not read again. Raises InvalidArchiveError where it is not the job's."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """The work by name.

    ``repair`` returns the repaired wheel, which may be the one that it was given; the folders are those with the
    libraries of a target that is another machine. ``normalise`` makes the archive's bytes independent of time and order, in place, and tells what it wrote. ``reason``
    takes the end of a log and names the cause that it shows, or nothing. ``libraries`` lists the system
    packages that a wheel needs to load, and the libraries that were not found.
    """

    unpack: Unpack
    inspect: Inspect
    repair: Callable[[Path, Path, Target, tuple[Path, ...]], Path]
    normalise: Callable[[Path, int], Mapping[str, Content]]
    import_names: Callable[[WheelFacts], tuple[str, ...]]
    check: Callable[[Path, WheelFacts, Offer], tuple[Finding, ...]]
    reason: Callable[[str], Reason | None]
    libraries: Callable[[Path], tuple[str, ...]]
