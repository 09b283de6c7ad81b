"""The doors of the HTTP interface, in one value; ``wiring`` fills them in.

Whatever people decide goes through ``Desk``: this package decides nothing about requests, jobs or
builders itself.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Protocol

from wheelyard.bus_ports import BuilderBus, Bus
from wheelyard.farm_ports import BuilderStore, EventLog, Queue, RequestStore, TokenStore
from wheelyard.jobs.builder_life import BuilderEvent
from wheelyard.jobs.job import Job
from wheelyard.jobs.selection import Selection
from wheelyard.jobs.waiting import Standing
from wheelyard.model.builder import Builder
from wheelyard.model.job import Attempt, BuildKey
from wheelyard.model.request import Request, RequestId, Wish
from wheelyard.ports import ArtifactStore, Blobs, Clock
from wheelyard.web.stories import Stories


class Incoming(Protocol):
    """A blob on its way in. Nobody sees it before it is kept."""

    async def write(self, chunk: bytes) -> None:
        """Take the next bytes. Raises DigestMismatchError where there are more than were announced."""
        ...

    async def keep(self) -> None:
        """Check size and digest, and name the blob. Raises DigestMismatchError."""
        ...


class FarmBlobs(Blobs, Protocol):
    """Blobs that can also be received in pieces."""

    def receive(self, digest: str, *, size: int) -> AbstractAsyncContextManager[Incoming]:
        """Take a blob in. What is not kept when the block ends is gone. Raises OutOfSpaceError."""
        ...


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


BusOf = Callable[[str], Awaitable[Mapping[str, str | Sequence[str]]]]
"""Says where a builder finds the bus: ``kind`` and what goes with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WebPorts:
    """Everything that the HTTP interface needs.

    ``end_of`` gives a builder's end of the bus, where that is reached over HTTP; None where builders
    reach it by themselves. ``admit`` lets the bus know that builders' tokens have changed.
    """

    tokens: TokenStore
    builders: BuilderStore
    requests: RequestStore
    queue: Queue
    jobs: Jobs
    artifacts: ArtifactStore
    blobs: FarmBlobs
    events: EventLog
    bus: Bus
    bus_of: BusOf
    end_of: Callable[[str], BuilderBus] | None
    desk: Desk
    clock: Clock
    times: Times = Times()
    stories: Stories = field(default_factory=Stories)
    admit: Callable[[], Awaitable[None]] = _nothing
