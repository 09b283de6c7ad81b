"""An answer of a resolver, with what it rests on."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from wheelyard.model.release import ProjectName, Release
from wheelyard.model.resolution import Query, Resolution
from wheelyard.targets.target import Target

ABSENT = "absent"
"""The fingerprint of a project that no index has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What was read to come to an answer; while it reads the same, so does the answer.

    ``fingerprints`` are those of the project pages. ``metadata`` are the digests of metadata whose
    files an index listed without a digest, so that its page does not change with them.
    The answer holds for each moment of cool-down after ``newest_shown`` and up to ``oldest_cooling``.
    """

    fingerprints: tuple[tuple[ProjectName, str], ...]
    metadata: tuple[tuple[Release, str], ...] = ()
    newest_shown: datetime | None = None
    oldest_cooling: datetime | None = None

    def holds_at(self, before: datetime | None) -> bool:
        """Say whether the same files are shown when the cool-down ends at another moment."""
        if before is None:
            return True
        still_shown = self.newest_shown is None or self.newest_shown < before
        return still_shown and (self.oldest_cooling is None or before <= self.oldest_cooling)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """A resolution and its evidence, which is None where the answer must not be remembered."""

    resolution: Resolution
    evidence: Evidence | None


class TracingResolver(Protocol):
    """A resolver that tells what its answers rest on, and can look that up again."""

    async def trace(self, query: Query) -> Trace:
        """Resolve, or raise as a Resolver does."""
        ...

    async def fingerprint(self, project: ProjectName, target: Target) -> str:
        """Return what a project is known by now, on a target. Raises UpstreamError."""
        ...

    async def metadata_digest(self, release: Release) -> str:
        """Return the digest of a release's metadata as it is now. Raises UpstreamError."""
        ...
