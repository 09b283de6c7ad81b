"""Artifacts in a list."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from wheelyard.model.artifact import PUBLISHABLE, Artifact, Origin
from wheelyard.model.job import BuildKey
from wheelyard.model.listing import ACTIVE, Changes, ProjectStatus
from wheelyard.model.release import ProjectName, Release
from wheelyard.ports import Clock
from wheelyard.testing.clock import FixedClock


@dataclass(slots=True)
class _Kept:
    artifact: Artifact
    counts: bool = False
    published: bool = False


class MemoryArtifactStore:
    """The ``ArtifactStore`` port in memory."""

    def __init__(self, *, clock: Clock | None = None) -> None:
        self._clock = clock or FixedClock()
        self._kept: list[_Kept] = []
        self._names: dict[str, str] = {}
        self._changed: dict[ProjectName, int] = {}
        self._statuses: dict[ProjectName, ProjectStatus] = {}

    async def by_key(self, key: BuildKey) -> Artifact | None:
        """Return the artifact of a job that was built and counts."""
        found = [kept for kept in self._kept if kept.counts and kept.artifact.build_key == key]
        return found[0].artifact if found else None

    async def of_release(self, release: Release) -> Sequence[Artifact]:
        """Return the published artifacts of a release."""
        return self._published(lambda artifact: artifact.release == release)

    async def of_project(self, project: ProjectName) -> Sequence[Artifact]:
        """Return the published artifacts of a project, in the order of their file names."""
        return self._published(lambda artifact: artifact.release.project == project)

    async def projects(self) -> Sequence[ProjectName]:
        """Return every project that has a published artifact, sorted."""
        return sorted({artifact.release.project for artifact in self._published(lambda _: True)})

    async def publish(self, artifact: Artifact) -> Artifact:
        """Make an artifact visible and return what is now visible under its file name."""
        if artifact.origin not in PUBLISHABLE:
            raise ValueError(f"{artifact.filename} is a {artifact.origin} wheel: never published")
        visible = self._published(lambda other: other.filename == artifact.filename)
        if visible:
            return visible[0]
        kept = self.keep(replace(artifact, created=artifact.created or self._clock.now()))
        kept.published = True
        self._note(artifact.release.project)
        self._names.setdefault(artifact.filename, artifact.digest)
        kept.artifact = replace(kept.artifact, origin=artifact.origin, yanked=artifact.yanked)
        return kept.artifact

    async def digest_of_name(self, filename: str) -> str | None:
        """Return what a file name was published for, even if it was withdrawn; None: it is free."""
        return self._names.get(filename)

    async def waiting(self) -> Sequence[Artifact]:
        """Return what counts and could be published but is not: a run ended between the two."""
        taken = {artifact.filename for artifact in self._published(lambda _: True)}
        return [
            kept.artifact
            for kept in self._kept
            if kept.counts
            and kept.artifact.origin is Origin.BUILT
            and kept.artifact.filename not in taken
        ]

    async def yank(self, filename: str, reason: str | None) -> bool:
        """Yank a published file, or take that back with None; False where there is no such file."""
        found = [k for k in self._kept if k.published and k.artifact.filename == filename]
        for kept in found:
            kept.artifact = replace(kept.artifact, yanked=reason)
            self._note(kept.artifact.release.project)
        return bool(found)

    async def withdraw(self, digest: str) -> int:
        """Take a file whose bytes are gone out of the index; return how many names it had."""
        found = [k for k in self._kept if k.published and k.artifact.digest == digest]
        for kept in found:
            kept.published = False
            self._note(kept.artifact.release.project)
        return len(found)

    async def forget_provenance(self, digest: str) -> int:
        """Offer provenance that is gone no more; return how many files had it."""
        found = [kept for kept in self._kept if kept.artifact.provenance_digest == digest]
        for kept in found:
            kept.artifact = replace(kept.artifact, provenance_digest="")
            self._note(kept.artifact.release.project)
        return len(found)

    async def revision(self) -> int:
        """Return a number that is another one after each change of what is published."""
        return max(self._changed.values(), default=0)

    async def changes_since(self, since: int) -> Changes:
        """Return which projects changed after a revision."""
        listed = set(await self.projects())
        changed = [project for project, number in self._changed.items() if number > since]
        return Changes(
            revision=await self.revision(),
            projects={project: project in listed for project in changed},
        )

    async def status(self, project: ProjectName) -> ProjectStatus:
        """Return the status of a project (PEP 792)."""
        return self._statuses.get(project, ACTIVE)

    async def set_status(self, project: ProjectName, status: ProjectStatus) -> bool:
        """Give a project a status; False where nothing of it was ever published."""
        if project not in self._changed:
            return False
        self._statuses[project] = status
        self._note(project)
        return True

    async def known(self, project: ProjectName) -> bool:
        """Whether anything of a project was ever built or published here, even if it is gone."""
        return any(kept.artifact.release.project == project for kept in self._kept)

    def _note(self, project: ProjectName) -> None:
        self._changed[project] = max(self._changed.values(), default=0) + 1

    def keep(self, artifact: Artifact) -> _Kept:
        """Remember a wheel that does not count yet; for ``MemoryJobStore``."""
        for kept in self._kept:
            if (kept.artifact.build_key, kept.artifact.digest) == (
                artifact.build_key,
                artifact.digest,
            ):
                return kept
        kept = _Kept(artifact)
        self._kept.append(kept)
        return kept

    def count(self, key: BuildKey, digest: str, *, counts: bool) -> None:
        """Let a wheel count as what its job built, or no longer; for ``MemoryJobStore``."""
        for kept in self._kept:
            if (kept.artifact.build_key, kept.artifact.digest) == (key, digest):
                kept.counts = counts
                if kept.published and not counts:
                    kept.published = False
                    self._note(kept.artifact.release.project)

    def everything(self) -> Sequence[tuple[Artifact, bool]]:
        """Return all that is kept, each with whether it is published; for ``MemorySite``."""
        return [(kept.artifact, kept.published) for kept in self._kept]

    def _published(self, wants: Callable[[Artifact], bool]) -> list[Artifact]:
        found = [kept.artifact for kept in self._kept if kept.published and wants(kept.artifact)]
        return sorted(found, key=lambda artifact: artifact.filename)
