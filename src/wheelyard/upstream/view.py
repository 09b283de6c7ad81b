"""What one query sees of the index while it is resolved, and what it saw.

Everything that a resolver asks goes through here once and is remembered: the listings with what
they hide, the metadata, and each reason why something could not be shown.
"""

import hashlib
from collections.abc import Mapping

from wheelyard.errors import (
    InvalidArchiveError,
    InvalidNameError,
    NotUpstreamError,
    UpstreamError,
)
from wheelyard.model.release import ProjectName, Release
from wheelyard.model.resolution import Pin, Query
from wheelyard.ports import Upstream
from wheelyard.targets.compatibility import allows
from wheelyard.upstream.candidates import (
    Because,
    Candidate,
    ExtraCandidate,
    Hidden,
    Listing,
    Selections,
    Selector,
)
from wheelyard.upstream.files import is_portable
from wheelyard.upstream.target_metadata import CoreMetadata, read_metadata


class CandidateView:
    """The candidates of one query. ``extra`` are candidates that win over upstream's.

    ``undigested`` holds the digests of metadata that was read of files which the index lists without one.
    """

    def __init__(
        self,
        *,
        upstream: Upstream,
        query: Query,
        extra: Mapping[ProjectName, ExtraCandidate],
        selections: Selections,
    ) -> None:
        self._upstream = upstream
        self._target = query.target
        self._extra = extra
        self._selector = Selector(query.policy, query.target)
        self._selections = selections
        self._metadata: dict[Release, CoreMetadata] = {}
        self.listings: dict[ProjectName, Listing] = {}
        self.absent: dict[ProjectName, NotUpstreamError] = {}
        self.rejected: dict[Release, Hidden] = {}
        self.undigested: dict[Release, str] = {}
        self.failures: list[UpstreamError] = []

    @property
    def provided(self) -> frozenset[ProjectName]:
        """The projects whose release is given, wherever a requirement says that it lies."""
        return frozenset(self._extra)

    async def listing(self, project: ProjectName) -> Listing | None:
        """Return what may be chosen of a project; None where no index has it. Raises UpstreamError."""
        if project not in self.listings and project not in self.absent:
            try:
                self.listings[project] = await self._look(project)
            except NotUpstreamError as error:
                self.absent[project] = error
            except UpstreamError as error:
                self.failures.append(error)
                raise
        return self.listings.get(project)

    async def metadata(self, release: Release) -> CoreMetadata | None:
        """Return what a candidate requires; None where it turns out to be none. Raises UpstreamError."""
        if release not in self._metadata and release not in self.rejected:
            try:
                self._metadata[release] = await self._read(release)
            except _UnfitError as unfit:
                self.rejected[release] = unfit.hidden
            except UpstreamError as error:
                self.failures.append(error)
                raise
        return self._metadata.get(release)

    def known_metadata(self, release: Release) -> CoreMetadata:
        """Return what was read of a release while it was resolved."""
        return self._metadata[release]

    def hidden(self, project: ProjectName) -> tuple[Hidden, ...]:
        """Return the releases of a project that were not shown, or turned out to be no candidates."""
        rejected = [one for release, one in self.rejected.items() if release.project == project]
        return (*self.listings[project].hidden, *rejected)

    def pin(self, release: Release, dependencies: tuple[ProjectName, ...]) -> Pin:
        """Describe a release that was chosen."""
        listing = self.listings[release.project]
        candidate = listing.candidates[release.version]
        wheel = candidate.wheel
        if wheel is None and listing.page is not None:
            wheel = self._selector.wheel(listing.page, release)
        metadata = self._metadata[release]
        return Pin(
            release=release,
            source=candidate.source,
            wheel=wheel,
            dependencies=dependencies,
            requires_python=candidate.requires_python or metadata.requires_python,
            portable=listing.page is not None and is_portable(listing.page, release),
            yanked=candidate.yanked,
        )

    async def _look(self, project: ProjectName) -> Listing:
        extra = self._extra.get(project)
        if extra is not None:
            return _listing_of(extra)
        page = await self._upstream.page(project)
        return self._selections.select(page, self._selector)

    async def _read(self, release: Release) -> CoreMetadata:
        try:
            content = await self._content(release)
            metadata = read_metadata(content, release, self._target)
        except (NotUpstreamError, InvalidArchiveError, InvalidNameError) as error:
            raise _UnfitError(release, Because.METADATA, error.message) from error
        if not allows(metadata.requires_python, self._target.interpreter):
            raise _UnfitError(release, Because.PYTHON, metadata.requires_python)
        return metadata

    async def _content(self, release: Release) -> bytes:
        extra = self._extra.get(release.project)
        if extra is not None:
            return extra.metadata
        listing = self.listings[release.project]
        if listing.page is None:
            raise NotUpstreamError(f"{release} is on no index")
        content = await self._upstream.metadata(listing.page, release)
        if not listing.candidates[release.version].digest:
            self.undigested[release] = metadata_digest(content)
        return content


def metadata_digest(content: bytes) -> str:
    """Name a METADATA file by its bytes."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


class _UnfitError(Exception):
    """A release that must not be chosen, as its metadata shows."""

    def __init__(self, release: Release, because: Because, detail: str) -> None:
        super().__init__(detail)
        self.hidden = Hidden(version=release.version, because=because, detail=detail)


def _listing_of(extra: ExtraCandidate) -> Listing:
    candidate = Candidate(
        release=extra.release,
        source=extra.source,
        wheel=extra.wheel,
        requires_python=extra.requires_python,
    )
    return Listing(
        project=extra.release.project,
        page=None,
        fingerprint=extra.fingerprint,
        candidates={extra.release.version: candidate},
    )
