"""What services need from the world, in the words of the domain.

Edges carry these out; ``wheelyard.testing`` has one of each in memory. Only ``wiring`` joins them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol, runtime_checkable

from wheelyard.jobs.job import Job
from wheelyard.jobs.selection import Selection
from wheelyard.model.artifact import Artifact
from wheelyard.model.caught import Caught
from wheelyard.model.command import Revision
from wheelyard.model.job import Attempt, BuildKey, Offer, Report, StepName
from wheelyard.model.listing import Changes, ProjectStatus
from wheelyard.model.release import ProjectName, Release
from wheelyard.model.resolution import Query, Resolution
from wheelyard.model.source import FileEntry, ProjectPage, Source, SourceFacts
from wheelyard.targets.target import Target


class Clock(Protocol):
    """The time of day, aware and in UTC."""

    def now(self) -> datetime:
        """Return the present moment."""
        ...


class Blobs(Protocol):
    """Files named by ``sha256:HEX``; what is stored under a name never changes."""

    async def add_bytes(self, content: bytes) -> str:
        """Store bytes and return their digest."""
        ...

    async def add_file(self, path: Path, *, digest: str = "") -> str:
        """Store a file (moved or linked where that is possible) and return its digest.

        Raises DigestMismatchError when ``digest`` is given and is not that of the bytes.
        """
        ...

    def path(self, digest: str) -> Path | None:
        """Return where the bytes lie on this machine, or None; the file is read-only."""
        ...

    async def read(self, digest: str) -> bytes:
        """Return the bytes. Raises StoreError when there are none."""
        ...

    def digests(self) -> Sequence[str]:
        """List everything that is stored."""
        ...

    async def remove(self, digest: str) -> None:
        """Forget a blob; nothing happens where there is none."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectSource:
    """What a direct reference (git, URL, folder, sdist) was found to be.

    ``release`` is None where name or version are only known to its back end, and ``metadata`` (the
    text of a METADATA file) where its requirements are. ``project`` is its name, where that is known.
    """

    source: Source
    release: Release | None
    metadata: bytes | None = None
    project: ProjectName | None = None


class Upstream(Protocol):
    """Where releases come from."""

    async def page(self, project: ProjectName) -> ProjectPage:
        """Return what the first index that has the project says. Raises NotUpstreamError."""
        ...

    async def metadata(self, page: ProjectPage, release: Release) -> bytes:
        """Return the METADATA of a release, by the cheapest way there is. Raises UpstreamError.

        In this order: a metadata file (PEP 658), a wheel read in part or whole, the sdist's own
        PKG-INFO, pyproject.toml or egg-info. Runs no code of the release.
        """
        ...

    async def fetch(self, source: Source) -> Source:
        """Bring a source into the blobs, checked, and return it with its digest.

        For git and folders the blob is an archive of the tree. Raises UpstreamError.
        """
        ...

    async def fetch_wheel(self, entry: FileEntry) -> Artifact:
        """Bring a wheel into the blobs, checked. Raises UpstreamError."""
        ...

    async def wheel_files(self, entry: FileEntry) -> tuple[str, ...]:
        """Return the paths in a wheel without fetching the whole of it. Raises UpstreamError."""
        ...

    async def facts(self, source: Source) -> SourceFacts:
        """Read what a fetched source says about itself. Raises InvalidArchiveError."""
        ...

    async def direct(self, reference: str) -> DirectSource:
        """Look at a direct reference: ``git+https://…@rev``, a URL, a path. Raises UpstreamError."""
        ...


class Repositories(Protocol):
    """Git repositories: which commit a revision is. Trees are an ``Upstream``'s."""

    async def address(self, text: str) -> str:
        """Return the address of a repository without secrets, which are kept apart."""
        ...

    async def revision(self, address: str, asked: str, tolerance: int) -> Revision:
        """Find a revision and those near it on its line. Raises UpstreamError."""
        ...

    async def file_at(self, address: str, commit: str, name: str) -> str | None:
        """Return the text of a file at the top of a commit's tree; None: there is none."""
        ...


class Resolver(Protocol):
    """Chooses releases."""

    async def resolve(self, query: Query) -> Resolution:
        """Choose releases, or raise NoSolutionError with the resolver's own explanation.

        Raises UpstreamError where an index cannot be read.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """What an executor tells while it works: a step began, a line was printed, or compilers were caught.

    ``log`` goes with a step: the file that the log is appended to, removed at the end; it can be read on.
    """

    key: BuildKey
    step: StepName
    line: str = ""
    log: Path | None = None
    caught: Caught | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """What a back end said of a source: its METADATA, or how it ended without (``report``)."""

    report: Report
    metadata: bytes | None = None


class BackEnds(Protocol):
    """Asks a back end on this machine what it would build, without building more than it takes."""

    async def describe(self, offer: Offer, progress: Callable[[Progress], None]) -> Described:
        """Ask the back end of an offer's source, in the sandbox. The offer's release may be a guess."""
        ...


class Executor(Protocol):
    """Runs one attempt on this machine; every way it can end is a Report, not an exception."""

    def capabilities(self) -> dict[str, str]:
        """Say what this machine can do and what isolation is in force."""
        ...

    async def run(self, offer: Offer, progress: Callable[[Progress], None]) -> Report:
        """Carry out an offer. Cancelling the task kills the whole process tree."""
        ...

    async def close(self) -> None:
        """Stop every process that was kept warm."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """The right to run a job until ``expires``; ``fence`` grows with each lease of the job."""

    key: BuildKey
    fence: int
    attempt: int
    expires: datetime


class Builder(Protocol):
    """Takes jobs and sees them through."""

    async def take(self, offer: Offer) -> Lease | None:
        """Take the lease of a job; None where somebody alive has it."""
        ...

    async def run(self, offer: Offer, lease: Lease, progress: Callable[[Progress], None]) -> Report:
        """Run an attempt while keeping its lease. A lease that is lost ends the build, as LOST."""
        ...


class JobStore(Protocol):
    """Jobs and attempts. The database is the truth: each method is one transaction."""

    async def lease(self, offer: Offer, builder: str, *, seconds: float) -> Lease | None:
        """Take the right to run a job, creating the job where it is new.

        None where somebody alive holds it, it waits, or it is finished already (see ``job``).
        """
        ...

    async def renew(self, key: BuildKey, fence: int, *, seconds: float) -> bool:
        """Prolong a lease; False where it was lost."""
        ...

    async def finish(self, key: BuildKey, fence: int, report: Report) -> Job | None:
        """Record how an attempt ended, with its artifact, in one transaction, and return how its job stands then.

        None where the lease was lost.
        """
        ...

    async def release_owner(self, builder: str) -> int:
        """Give back all leases of a builder that is gone; return how many there were."""
        ...

    async def last_report(self, key: BuildKey) -> Report | None:
        """Return how the newest finished attempt of a job ended."""
        ...

    async def job(self, key: BuildKey) -> Job | None:
        """Return where a job stands: its state, its outcome, and until when it waits."""
        ...

    async def retry(self, selection: Selection, *, preview: bool = False) -> Sequence[Job]:
        """Try again what did not end well; return those jobs as they stood before.

        What was built, or asked for more requirements, stays. ``preview`` changes nothing.
        """
        ...

    async def artifact_lost(self, digest: str) -> Sequence[BuildKey]:
        """Take back a wheel whose bytes are gone; return the keys of the jobs that had built it."""
        ...

    async def attempts(
        self, *, project: ProjectName | None = None, key: BuildKey | None = None, limit: int = 1000
    ) -> Sequence[Attempt]:
        """Return attempts, newest first."""
        ...

    async def durations(self, projects: Sequence[ProjectName]) -> dict[ProjectName, float]:
        """Return the median wall seconds of earlier successful attempts, where there are any."""
        ...


class ArtifactStore(Protocol):
    """What was built and what of it is published."""

    async def by_key(self, key: BuildKey) -> Artifact | None:
        """Return the artifact of a job that was built and counts."""
        ...

    async def of_release(self, release: Release) -> Sequence[Artifact]:
        """Return the published artifacts of a release."""
        ...

    async def of_project(self, project: ProjectName) -> Sequence[Artifact]:
        """Return the published artifacts of a project, in the order of their file names."""
        ...

    async def projects(self) -> Sequence[ProjectName]:
        """Return every project that has a published artifact, sorted."""
        ...

    async def publish(self, artifact: Artifact) -> Artifact:
        """Make an artifact visible and return what is now visible under its file name.

        Published bytes never change: where the name was taken, the answer is the older artifact.
        """
        ...


@runtime_checkable
class Revisions(Protocol):
    """What an ArtifactStore may also have, so that its readers can keep what they made of it.

    A store without it is asked for its artifacts again each time.
    """

    async def revision(self) -> int:
        """Return a number that is another one after each change of what is published.

        Also after a change by another process. It is asked for many times a second, so it must
        cost no more than a look at a counter (``PRAGMA data_version``, a one-row table).
        """
        ...


@runtime_checkable
class ChangedProjects(Protocol):
    """What an ArtifactStore may also have, so that its readers read again only what changed."""

    async def changes_since(self, since: int) -> Changes:
        """Return which projects changed after a revision; the cost grows with them alone."""
        ...


@runtime_checkable
class Statuses(Protocol):
    """What an ArtifactStore may also have: statuses of projects (PEP 792)."""

    async def status(self, project: ProjectName) -> ProjectStatus:
        """Return the status of a project."""
        ...


class Memory(Protocol):
    """What was learned and stays true: answers named by what they were the answer to."""

    async def recall(self, kind: str, key: str) -> bytes | None:
        """Return what was kept, or None."""
        ...

    async def keep(self, kind: str, key: str, value: bytes) -> None:
        """Keep a value, in place of an older one."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """How much there is of a kind of thing in the state folder."""

    kind: str
    count: int = 0
    size: int = 0
    """In bytes."""


class Keeper(Protocol):
    """A part of the state folder that grows by itself and can be made smaller.

    ``alone``: what it evicts might be wanted by a run without its saying so, so that nothing may be
    evicted while one goes on.
    """

    alone: bool

    async def holdings(self) -> Sequence[Holding]:
        """Say how much there is."""
        ...

    async def sweep(self) -> int:
        """Remove what processes left behind that were killed; return how many things that were."""
        ...

    async def evict(self, *, unused_seconds: float, preview: bool) -> Sequence[Holding]:
        """Remove what nobody used for so long and return what that is; ``preview`` removes nothing."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """A blob that the database names; ``wheel`` is the digest of the wheel that it belongs to.

    ``needed``: without it something that the farm promises is not there.
    """

    digest: str
    kind: str
    wheel: str = ""
    filename: str = ""
    needed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """A blob that only the past needs, and its size in bytes where that is known."""

    digest: str
    size: int


class Interpreters(Protocol):
    """The Pythons of this machine."""

    def executable(self, target: Target) -> Path | None:
        """Return the interpreter that builds for a target here."""
        ...
