"""The doors of the HTTP interface, in one value; ``wiring`` fills them in.

Whatever people decide goes through ``Desk``: this package decides nothing about requests, jobs or
builders itself.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from wheelyard.bus_ports import BuilderBus, Bus
from wheelyard.campaign_ports import CampaignStore
from wheelyard.channel_ports import Entered
from wheelyard.coordinator.uploads import Uploaded
from wheelyard.farm_ports import (
    BuilderStore,
    EventLog,
    FarmBlobs,
    Queue,
    RequestStore,
    TokenStore,
)
from wheelyard.index.channel_state import RenderedChannel
from wheelyard.index.fallthrough import Fallthrough
from wheelyard.index.listing import Snapshots
from wheelyard.jobs.builder_life import BuilderEvent
from wheelyard.jobs.job import Job
from wheelyard.jobs.selection import Selection
from wheelyard.jobs.waiting import Standing
from wheelyard.model.builder import Builder
from wheelyard.model.channel import CondaPackage
from wheelyard.model.job import Attempt, BuildKey
from wheelyard.model.listing import NamedSnapshot, ProjectStatus
from wheelyard.model.release import ProjectName
from wheelyard.model.request import Request, RequestId, Wish
from wheelyard.ports import ArtifactStore, Clock, Holding
from wheelyard.site_ports import SiteStore
from wheelyard.web.identities import OpenIdSettings
from wheelyard.web.stories import Stories


class Jobs(Protocol):
    """Jobs and attempts, to be looked at."""

    async def job(self, key: BuildKey) -> Job | None:
        """Return where a job stands."""
        ...

    async def jobs(self, selection: Selection = ..., *, limit: int = ...) -> Sequence[Job]:
        """Return jobs, the last changed first."""
        ...

    async def keys(self, prefix: str, *, limit: int = ...) -> Sequence[BuildKey]:
        """Return the keys of the jobs that begin so."""
        ...

    async def find_attempts(self, selection: Selection, *, limit: int = ...) -> Sequence[Attempt]:
        """Return attempts, newest first."""
        ...


class Desk(Protocol):
    """Where people's wishes are carried out. ``actor`` is whose wish it is, for the event log."""

    async def submit(self, wish: Wish) -> Request:
        """Take a request, or join the one that is open already. Raises ConfigurationError."""
        ...

    async def cancel_request(self, request: RequestId, *, actor: str) -> bool:
        """End a request, and the jobs that nobody else wants; False where it had ended or there is none."""
        ...

    async def cancel(self, key: BuildKey, *, actor: str, reason: str) -> bool:
        """End a job; False where it had ended."""
        ...

    async def hold(self, key: BuildKey, *, actor: str, reason: str) -> bool:
        """Let a job wait for a person; False where it had ended."""
        ...

    async def approve(self, key: BuildKey, *, actor: str) -> bool:
        """Let a wheel count that was held; False where none waits."""
        ...

    async def retry(
        self, selection: Selection, *, actor: str, preview: bool = False
    ) -> Sequence[Job]:
        """Try again what did not end well; return those jobs as they stood before."""
        ...

    async def boost(self, selection: Selection, *, by: int, actor: str) -> int:
        """Raise the priority of jobs that wait by some levels; return of how many."""
        ...

    async def tell_builder(self, name: str, event: BuilderEvent, *, actor: str) -> Builder | None:
        """Let something happen to a builder, and return what became of it; None where there is none."""
        ...

    async def flag_builder(self, name: str, reason: str) -> None:
        """Write down that a builder tried what no honest one does, and tell people."""
        ...

    async def standings(self) -> Sequence[Standing]:
        """Return all builders as a sentence about waiting needs them."""
        ...

    async def why(self, key: BuildKey) -> str:
        """Say what a job waits for, or where it stands; empty where there is none."""
        ...

    async def waits(self, request: RequestId) -> Sequence[str]:
        """Say what an open request waits for, a sentence each; empty where it waits for nothing."""
        ...


class CuratedArtifacts(ArtifactStore, Protocol):
    """Artifacts that people decide about."""

    async def yank(self, filename: str, reason: str | None) -> bool:
        """Yank a published file, or take that back with None; False where there is no such file."""
        ...

    async def set_status(self, project: ProjectName, status: ProjectStatus) -> bool:
        """Give a project a status; False where nothing of it was ever published."""
        ...


class SnapshotDesk(Snapshots, Protocol):
    """Snapshots of the index. Each method raises ConfigurationError for a name that is none."""

    async def names(self) -> Sequence[NamedSnapshot]:
        """Return every name."""
        ...

    async def create(self, name: str) -> NamedSnapshot:
        """Take a snapshot of what is published now, and let a name stand for it."""
        ...

    async def promote(self, source: str, name: str) -> NamedSnapshot:
        """Let a name stand for the snapshot that another name, or a number, stands for."""
        ...

    async def roll_back(self, name: str) -> NamedSnapshot:
        """Let a name stand for the snapshot that it stood for before."""
        ...

    async def remove(self, name: str) -> int:
        """Forget a name, and the snapshots that no other one needs."""
        ...


class WheelDoor(Protocol):
    """Takes in wheels that people upload. ``scratch`` is a folder for what comes, on the disk of the blobs."""

    scratch: Path

    async def take(self, path: Path, *, announced: str, actor: str) -> Uploaded:
        """Check a wheel and publish it; ``announced`` is the digest that its sender told, or empty."""
        ...


class PackageDoor(Protocol):
    """Takes in conda packages that people upload, and hides them. ``scratch`` as for wheels."""

    scratch: Path

    async def take(
        self, paths: Sequence[Path], *, actor: str, subdir: str = "", announced: str = ""
    ) -> tuple[Sequence[CondaPackage], Entered]:
        """Let files into the channel and return what they are, and which of them are new."""
        ...

    async def remove(self, name: str, reason: str | None, *, actor: str) -> bool:
        """Hide a package from solvers, or take that back with None; False where there is none of this name."""
        ...


class Housekeeping(Protocol):
    """What is kept, and what of it could go."""

    async def show(self) -> Sequence[Holding]:
        """Say how much there is of each kind."""
        ...

    async def preview(self, unused_seconds: float) -> Sequence[Holding]:
        """Say what would go that nobody used for so long."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """How long what lasts, in seconds.

    ``presence``: how often builders are to say that they are there. ``look``: how often a followed job
    is looked at in the database. ``beat``: how long a stream of events may be silent. ``waits``: how
    often a request that is watched is asked what it waits for. ``health``: how long the database may take
    to answer before it counts as away.
    """

    presence: float = 5.0
    look: float = 1.0
    beat: float = 15.0
    waits: float = 3.0
    health: float = 3.0
    enrolment: float = 24 * 3600.0


async def _nothing() -> None:
    return None


def _unknown() -> int | None:
    return None


BusOf = Callable[[str], Awaitable[Mapping[str, str | Sequence[str]]]]
"""Says where a builder finds the bus: ``kind`` and what goes with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WebPorts:
    """Everything that the HTTP interface needs.

    ``end_of`` gives a builder's end of the bus, where that is reached over HTTP; None where builders
    reach it by themselves. ``admit`` lets the bus know that builders' tokens have changed. ``free_bytes``: how much
    room the farm's own disk has, where that is known. ``public``: pages can be read without a token. ``name`` is what
    people call this farm. ``policies`` are shown to administrators; ``identities``: who tells us who people are, beside
    their tokens. ``hook_secret`` is what web hooks are signed with; empty: none are taken.
    """

    tokens: TokenStore
    builders: BuilderStore
    requests: RequestStore
    queue: Queue
    jobs: Jobs
    artifacts: CuratedArtifacts
    blobs: FarmBlobs
    events: EventLog
    site: SiteStore
    campaigns: CampaignStore
    bus: Bus
    bus_of: BusOf
    end_of: Callable[[str], BuilderBus] | None
    desk: Desk
    clock: Clock
    times: Times = Times()
    stories: Stories = field(default_factory=Stories)
    admit: Callable[[], Awaitable[None]] = _nothing
    free_bytes: Callable[[], int | None] = _unknown
    public: bool = False
    name: str = "wheelyard"
    policies: Mapping[str, str] = field(default_factory=dict)
    identities: OpenIdSettings | None = None
    housekeeping: Housekeeping | None = None
    snapshots: SnapshotDesk | None = None
    uploads: WheelDoor | None = None
    channel: RenderedChannel | None = None
    packages: PackageDoor | None = None
    fallthrough: Fallthrough | None = None
    hook_secret: bytes = field(default=b"", repr=False)
