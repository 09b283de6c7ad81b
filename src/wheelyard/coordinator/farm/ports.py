"""The doors through which a farm's coordinator meets the world, in one value.

All its services share them; ``wiring`` fills them in.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from wheelyard.bus_ports import Bus
from wheelyard.farm_ports import (
    BuilderStore,
    EventLog,
    FarmBlobs,
    JobKeeper,
    Leadership,
    Notifier,
    Queue,
    RequestStore,
    TokenStore,
)
from wheelyard.model.artifact import Artifact
from wheelyard.model.job import BuildKey, Offer
from wheelyard.ports import ArtifactStore, Clock, Memory


class Inspector(Protocol):
    """Looks at what a builder says that it made, by the bytes that came."""

    async def inspect(self, artifact: Artifact, offer: Offer) -> Artifact:
        """Return the artifact as its bytes say it is, whatever the builder said.

        Raises InvalidArchiveError where it is not the job's, DigestMismatchError where the bytes are
        not there or not those that were announced.
        """
        ...


IssueToken = Callable[[BuildKey, int, str], Awaitable[str]]
"""Makes the token with which a builder uploads the results of a job under a fence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FarmPorts:
    """Everything that the services of a farm need.

    ``reachable`` says whether the bus is: nothing heard while it was not says nothing about builders.
    ``pass_by`` is told the names of places where a fault can be injected; ``ticks`` is a clock that only
    goes forward, in seconds.
    """

    bus: Bus
    queue: Queue
    jobs: JobKeeper
    requests: RequestStore
    builders: BuilderStore
    tokens: TokenStore
    events: EventLog
    leadership: Leadership
    artifacts: ArtifactStore
    blobs: FarmBlobs
    memory: Memory
    clock: Clock
    inspector: Inspector
    notifier: Notifier
    issue_token: IssueToken
    reachable: Callable[[], Awaitable[bool]]
    ticks: Callable[[], float]
    has_room: Callable[[], bool] = lambda: True
    pass_by: Callable[[str], None] = lambda _: None
