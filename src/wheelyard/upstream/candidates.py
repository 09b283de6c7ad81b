"""The candidate view: what of an index a query may choose from.

A release is shown as one wheel that fits every Python and platform, because whether it can be built
or had is decided here, by the query's policy, before a resolver sees it. Everything that is hidden
is hidden for a recorded reason, so that a failure can be explained.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from packaging.markers import Marker
from packaging.version import Version

from wheelyard.errors import ConfigurationError
from wheelyard.model.release import ProjectName, Release
from wheelyard.model.resolution import CandidatePolicy
from wheelyard.model.source import FileEntry, ProjectPage, Source
from wheelyard.targets.compatibility import allows, compatible_tags
from wheelyard.targets.target import Target
from wheelyard.upstream.best_wheel import best_wheel
from wheelyard.upstream.files import ReleaseFiles, files_of, listing, source_of
from wheelyard.upstream.target_metadata import holds
from wheelyard.upstream.transport import shown

_QUARANTINED = "quarantined"


class Because(StrEnum):
    """Why a release is no candidate."""

    NO_SOURCE = "no-source"
    NO_FILE = "no-file"
    TOO_NEW = "too-new"
    COOLING_DOWN = "cooling-down"
    TIME_UNKNOWN = "time-unknown"
    PYTHON = "python"
    QUARANTINED = "quarantined"
    METADATA = "metadata"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hidden:
    """A release that was left out, and why; ``detail`` is the words that the reason turns on."""

    version: Version
    because: Because
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A release that may be chosen."""

    release: Release
    source: Source | None
    wheel: FileEntry | None
    requires_python: str = ""
    yanked: str | None = None

    @property
    def digest(self) -> str:
        """The digest of the file by which the release can be had, empty where none is announced."""
        file = self.source or self.wheel
        return file.digest if file is not None else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtraCandidate:
    """A release that does not come from an index: a direct reference, or the farm's own artifact.

    It is the only candidate of its project, on the targets on which one of its ``markers`` holds;
    without any, on all. ``metadata`` is its METADATA file.
    """

    release: Release
    metadata: bytes
    source: Source | None = None
    wheel: FileEntry | None = None
    requires_python: str = ""
    markers: tuple[str, ...] = ()

    def applies(self, target: Target) -> bool:
        """Tell whether it is a candidate on a target."""
        return not self.markers or any(holds(Marker(text), target) for text in self.markers)

    @property
    def fingerprint(self) -> str:
        """What changes when anything of the candidate does."""
        facts = repr((self.release, self.source, self.wheel, self.requires_python)).encode()
        return f"extra:{hashlib.sha256(self.metadata + facts).hexdigest()}"


def joined(known: ExtraCandidate | None, new: ExtraCandidate) -> ExtraCandidate:
    """Return one candidate where a project is named twice. Raises ConfigurationError for two sources."""
    if known is None:
        return new
    if (known.release, known.source) != (new.release, new.source):
        places = [shown(one.source.location) for one in (known, new) if one.source is not None]
        raise ConfigurationError(
            f"{new.release.project} is asked for from two places: {' and '.join(places)}",
            hint="Name one of them; two that exclude each other by markers need a run each.",
        )
    everywhere = not (known.markers and new.markers)
    return replace(new, markers=() if everywhere else known.markers + new.markers)


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """What a query sees of one project.

    ``page`` is None for an extra candidate; ``fingerprint`` is that of the one or the other. The answer stays the same while the moment before which
    files must have been uploaded lies after ``newest_shown`` and not after ``oldest_cooling``.
    """

    project: ProjectName
    page: ProjectPage | None
    fingerprint: str
    candidates: Mapping[Version, Candidate]
    hidden: tuple[Hidden, ...] = ()
    newest_shown: datetime | None = None
    oldest_cooling: datetime | None = None


class Selector:
    """Applies a policy for one target to project pages."""

    def __init__(self, policy: CandidatePolicy, target: Target) -> None:
        self.policy = policy
        self.target = target
        self._tags = {tag: rank for rank, tag in enumerate(compatible_tags(target))}

    def select(self, page: ProjectPage) -> Listing:
        """Choose what a query may see of a page."""
        verdicts = [self._verdict(page, files) for files in listing(page).values()]
        candidates = [verdict for verdict in verdicts if isinstance(verdict, Candidate)]
        hidden = [verdict for verdict in verdicts if isinstance(verdict, Hidden)]
        newest_shown, oldest_cooling = self._bounds(page)
        return Listing(
            project=page.project,
            page=page,
            fingerprint=page.fingerprint,
            candidates={candidate.release.version: candidate for candidate in candidates},
            hidden=tuple(sorted(hidden, key=lambda one: one.version)),
            newest_shown=newest_shown,
            oldest_cooling=oldest_cooling,
        )

    def wheel(self, page: ProjectPage, release: Release) -> FileEntry | None:
        """Return upstream's best wheel of a release for the target, within the policy."""
        usable = [
            entry for entry in files_of(page, release).wheels if self._too_young(entry) is None
        ]
        wanted = [entry for entry in usable if entry.yanked is None] or usable
        return best_wheel(wanted, self._tags)

    def _verdict(self, page: ProjectPage, files: ReleaseFiles) -> Candidate | Hidden:
        version = files.release.version
        if page.status == _QUARANTINED:
            return Hidden(version=version, because=Because.QUARANTINED, detail=page.status_reason)
        entries = (*files.sdists, *files.wheels)
        if not any(allows(entry.requires_python, self.target.interpreter) for entry in entries):
            detail = entries[0].requires_python
            return Hidden(version=version, because=Because.PYTHON, detail=detail)
        hidden = Hidden(version=version, because=self._lack(files))
        for entry in self._eligible(files):
            because = self._refusal(entry)
            if because is None:
                return _candidate(page, files.release, entry)
            hidden = Hidden(version=version, because=because, detail=_moment(entry))
        return hidden

    def _lack(self, files: ReleaseFiles) -> Because:
        """Say what a release without a source lacks: where there is no wheel either, no option helps."""
        takes_wheels = not self.policy.sources_only
        if takes_wheels or best_wheel(files.wheels, self._tags) is None:
            return Because.NO_FILE
        return Because.NO_SOURCE

    def _eligible(self, files: ReleaseFiles) -> Iterator[FileEntry]:
        """Yield the files by which a release can be had, the best first."""
        yield from files.sdists
        if not self.policy.sources_only:
            usable = [wheel for wheel in files.wheels if self._refusal(wheel) is None]
            wheel = best_wheel(usable or files.wheels, self._tags)
            if wheel is not None:
                yield wheel

    def _refusal(self, entry: FileEntry) -> Because | None:
        if not allows(entry.requires_python, self.target.interpreter):
            return Because.PYTHON
        return self._too_young(entry)

    def _too_young(self, entry: FileEntry) -> Because | None:
        policy, uploaded = self.policy, entry.uploaded
        if uploaded is None:
            return Because.TIME_UNKNOWN if policy.before is not None else None
        if policy.exclude_newer is not None and uploaded >= policy.exclude_newer:
            return Because.TOO_NEW
        if policy.before is not None and uploaded >= policy.before:
            return Because.COOLING_DOWN
        return None

    def _bounds(self, page: ProjectPage) -> tuple[datetime | None, datetime | None]:
        """Return the newest upload that is shown and the oldest that still cools down."""
        if self.policy.before is None:
            return None, None
        ages: dict[Because | None, list[datetime]] = {}
        for entry in page.files:
            if entry.uploaded is not None:
                ages.setdefault(self._too_young(entry), []).append(entry.uploaded)
        shown, cooling = ages.get(None, ()), ages.get(Because.COOLING_DOWN, ())
        return max(shown, default=None), min(cooling, default=None)


class Selections:
    """Keeps what was selected of a page, because a plan's queries read the same few pages often."""

    def __init__(self, *, limit: int = 1024) -> None:
        self._limit = limit
        self._kept: dict[tuple[ProjectName, str, CandidatePolicy, Target], Listing] = {}

    def select(self, page: ProjectPage, selector: Selector) -> Listing:
        """Return what a selector chooses of a page."""
        key = (page.project, page.fingerprint, selector.policy, selector.target)
        if key not in self._kept:
            if len(self._kept) >= self._limit:
                del self._kept[next(iter(self._kept))]
            self._kept[key] = selector.select(page)
        return self._kept[key]


def _moment(entry: FileEntry) -> str:
    return f"{entry.uploaded:%Y-%m-%d %H:%M} UTC" if entry.uploaded is not None else ""


def _candidate(page: ProjectPage, release: Release, entry: FileEntry) -> Candidate:
    is_wheel = entry.filename.endswith(".whl")
    return Candidate(
        release=release,
        source=None if is_wheel else source_of(page, entry),
        wheel=entry if is_wheel else None,
        requires_python=entry.requires_python,
        yanked=entry.yanked,
    )
