"""What a farm of many machines needs from the world, beside what ``ports`` says.

Two engines stand behind each: SQLite and PostgreSQL. One contract suite each runs on both, and on the
memory ports of ``wheelyard.testing``. The bus is in ``bus_ports``.
"""

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from wheelyard.jobs.job import Job
from wheelyard.jobs.priority import Worth
from wheelyard.jobs.selection import EVERYTHING, Selection
from wheelyard.model.builder import Builder, Mode, Tier
from wheelyard.model.job import BuildKey, Offer
from wheelyard.model.request import Notice, Request, RequestId, RequestState
from wheelyard.ports import Blobs, JobStore, Lease

# --- the queue of jobs -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a submitted job is worth and who may run it.

    ``needs`` are the facts that its builder must have (``jobs.needs``), ``pool`` their canonical text.
    ``rank`` orders jobs of one owner in one pool, the smallest first (``jobs.priority``). ``request`` is
    who wants it; more may come. ``context`` is the caller's own, given back with the job. ``worth`` is what
    the rank was made of, for people; None where nobody said.
    """

    owner: str
    pool: str
    needs: Mapping[str, object]
    rank: int
    request: RequestId
    context: bytes = b""
    worth: Worth | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class QueuedJob:
    """A submitted job with all that was said when it was."""

    job: Job
    offer: Offer
    terms: Terms


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolDepth:
    """How many jobs of a pool wait and run, and whose the waiting ones are."""

    pool: str
    needs: Mapping[str, object]
    waiting: int
    running: int
    owners: tuple[str, ...]


class Queue(Protocol):
    """Jobs that wait for a builder. Each method is one transaction, and its cost does not grow with the queue."""

    async def submit(self, offer: Offer, terms: Terms) -> Job:
        """Put a job into the queue, or join it where it is there; return how it stands.

        Where it had ended without a result it is opened again; what is built stays built, and what is
        held waits for its person. One that waits takes the newest offer, pool, needs and context, the
        better of both ranks, and keeps its first owner and request; one that runs keeps all it has.
        """
        ...

    async def lease_next(
        self,
        pools: Mapping[str, Collection[str]],
        builder: str,
        *,
        owners: Sequence[str],
        count: int,
        seconds: float,
    ) -> Sequence[tuple[QueuedJob, Lease]]:
        """Choose the best jobs of some pools for a builder and take their leases for it.

        Owners come in their order, and of each the smallest rank first. Jobs that this builder refused,
        or that already went lost on it while another could take them, are passed over: each pool comes
        with the names of the other builders that could. Where none is left, this one may have them again.
        """
        ...

    async def open_pools(self) -> Sequence[PoolDepth]:
        """Return every pool in which something waits or runs."""
        ...

    async def waiting(self, pool: str, *, limit: int = 100) -> Sequence[QueuedJob]:
        """Return the jobs of a pool that wait, in the order in which they will be leased."""
        ...

    async def order(self, pool: str, *, limit: int = 100) -> Sequence[BuildKey]:
        """Return the keys of the same jobs, without reading what is known of them."""
        ...

    async def queued(self, key: BuildKey) -> QueuedJob | None:
        """Return a job with what was said when it was submitted."""
        ...

    async def wake(self) -> datetime | None:
        """Let jobs whose waiting is over be chosen; return when the next one will be."""
        ...

    async def rank_again(self, selection: Selection, *, by: int) -> int:
        """Move jobs that wait ahead (negative) or back; only their rows are touched. Return how many."""
        ...

    async def requests_of(self, key: BuildKey) -> Sequence[RequestId]:
        """Return who wants a job."""
        ...

    async def hand_back(self, key: BuildKey, fence: int, reason: str) -> bool:
        """Take a lease back that its builder gives up, without a count; False where it was lost."""
        ...

    async def leased(self) -> Sequence[tuple[QueuedJob, Lease]]:
        """Return every job that a builder runs now."""
        ...

    async def renew_all(
        self, leases: Sequence[tuple[BuildKey, int]], *, seconds: float
    ) -> Sequence[tuple[BuildKey, int]]:
        """Prolong many leases at once; return those that were lost."""
        ...

    async def expire_of(self, builder: str) -> Sequence[BuildKey]:
        """Take all leases of a builder that is not heard of any more, as LOST; return whose."""
        ...

    async def forget_refusals(self, builder: str) -> Sequence[BuildKey]:
        """Let a builder be offered again what it refused: it is another one now. Return which jobs."""
        ...


class JobKeeper(JobStore, Protocol):
    """Jobs, and what people do to them."""

    async def jobs(self, selection: Selection = EVERYTHING, *, limit: int = 1000) -> Sequence[Job]:
        """Return jobs, the last changed first."""
        ...

    async def cancel(self, key: BuildKey, reason: str = "") -> bool:
        """End a job that nobody wants any more; False where it had ended or there is none."""
        ...

    async def hold(self, key: BuildKey, reason: str) -> bool:
        """Let a job wait for a person; False where it had ended or there is none."""
        ...

    async def approve(self, key: BuildKey) -> bool:
        """Let a wheel count that was held; False where none waits."""
        ...


# --- requests, builders, tokens, events --------------------------------------------------------------


class RequestStore(Protocol):
    """Requests and their waiters."""

    async def add(self, request: Request, waiters: Sequence[str]) -> Request:
        """Keep a request with the addresses to be told; join the open one with the same digest where there is one."""
        ...

    async def get(self, request: RequestId) -> Request | None:
        """Return a request."""
        ...

    async def find(
        self, *, state: RequestState | None = None, owner: str = "", limit: int = 100
    ) -> Sequence[Request]:
        """Return requests, newest first."""
        ...

    async def end(
        self,
        request: RequestId,
        state: RequestState,
        reason: str,
        notices: Sequence[tuple[str, str, str]],
    ) -> bool:
        """End an open request and write down, in the same transaction, who is to be told (address, subject, body).

        False where it had ended before: then nobody is told again.
        """
        ...

    async def waiters(self, request: RequestId) -> Sequence[str]:
        """Return the addresses that are told when it ends."""
        ...

    async def due_notices(self, *, limit: int = 100) -> Sequence[Notice]:
        """Return notices that were not sent yet and may be tried now."""
        ...

    async def notice_sent(self, notice: int) -> None:
        """Never send it again."""
        ...

    async def notice_failed(self, notice: int, *, again_in: float, reason: str) -> None:
        """Try it again later."""
        ...


class BuilderStore(Protocol):
    """Builders as the farm knows them."""

    async def add(self, builder: Builder) -> None:
        """Keep a builder. Raises ConfigurationError where a living one has its name."""
        ...

    async def get(self, name: str) -> Builder | None:
        """Return a builder."""
        ...

    async def all(self) -> Sequence[Builder]:
        """Return all builders, by name."""
        ...

    async def hear(self, builder: Builder) -> None:
        """Keep what a builder announced: facts, health, session."""
        ...

    async def set_mode(self, name: str, mode: Mode, reason: str = "") -> bool:
        """Change a builder's mode; False where there is none. Twice is the same as once."""
        ...

    async def set_streak(self, name: str, streak: int) -> None:
        """Keep how many jobs a builder failed in a row."""
        ...


class Role(StrEnum):
    """What the bearer of a token may do; each includes those before it, but for ``BUILDER`` and ``JOB``."""

    READER = "reader"
    REQUESTER = "requester"
    OPERATOR = "operator"
    ADMINISTRATOR = "administrator"
    BUILDER = "builder"
    ENROLMENT = "enrolment"
    """May enrol one builder, once."""
    JOB = "job"
    """May upload the results of one job under one fence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A token as it is kept: never its secret, only the digest of that.

    ``subject`` is the user, the builder, or ``KEY.FENCE``; ``tier`` goes with enrolment.
    """

    id: str
    secret_digest: str
    role: Role
    subject: str
    created: datetime
    expires: datetime | None = None
    tier: Tier | None = None
    note: str = ""
    revoked: bool = False


class TokenStore(Protocol):
    """Tokens."""

    async def add(self, token: Token) -> None:
        """Keep a token."""
        ...

    async def get(self, token: str) -> Token | None:
        """Return a token by its id, revoked or not."""
        ...

    async def all(self) -> Sequence[Token]:
        """Return all tokens that are not of jobs, newest first."""
        ...

    async def spend(self, token: str) -> bool:
        """Use a token that counts once; False where it was used or revoked before."""
        ...

    async def revoke(self, token: str) -> bool:
        """Let a token count no more; False where there is none."""
        ...

    async def revoke_of(self, role: Role, subject: str) -> int:
        """Let all tokens of a subject count no more; return how many."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """One line of the farm's event log. ``action`` is from a documented list; ``subject`` is what it happened to."""

    id: int
    at: datetime
    action: str
    subject: str
    actor: str = ""
    detail: Mapping[str, str | int | float] = field(default_factory=dict)


class EventLog(Protocol):
    """What happened, in order."""

    async def write(
        self, action: str, subject: str, *, actor: str = "", **detail: str | float
    ) -> None:
        """Add a line."""
        ...

    async def read(
        self, *, after: int = 0, subject: str = "", limit: int = 1000
    ) -> Sequence[Happening]:
        """Return lines after a number, oldest first."""
        ...

    async def last(self) -> int:
        """Return the number of the newest line; 0 where there is none."""
        ...

    async def recent(
        self, *, before: int = 0, subject: str = "", actor: str = "", limit: int = 100
    ) -> Sequence[Happening]:
        """Return the lines before a number (0: all of them), newest first."""
        ...


class Leadership(Protocol):
    """Which of several coordinators on one database dispatches."""

    async def hold(self) -> bool:
        """Become, or stay, the leader; False where another one is."""
        ...

    async def let_go(self) -> None:
        """Stop being it."""
        ...


# --- people ------------------------------------------------------------------------------------------


class Notifier(Protocol):
    """Tells people who are not looking: by mail, web hook or chat."""

    async def send(self, address: str, subject: str, body: str) -> None:
        """Deliver one message. Raises NotifyError where that failed."""
        ...


# --- blobs that come from elsewhere ------------------------------------------------------------------


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
