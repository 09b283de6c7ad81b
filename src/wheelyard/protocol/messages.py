"""What coordinator and builder say to each other: all of it is on this page.

A message that cannot be read is refused by ``protocol.wire`` with a ProtocolError that names the place in it; unknown
fields are passed over, so that a newer side may say more than an older one knows. ``VERSION`` grows
when that is not enough.
"""

from dataclasses import dataclass

from wheelyard.model.builder import Facts, Health, Mode, Running
from wheelyard.model.job import BuildKey, Offer, Report

VERSION = 1
LARGEST_BYTES = 1 << 20
"""No word of a builder is larger: bytes of logs and artifacts go another way."""
LARGEST_ORDER_BYTES = 7 << 20
"""No order is larger: an offer carries its recipe's patches. NATS advises against more than 8 MB, headers included."""
ENCLOSABLE_BYTES = 32 << 10
"""What is smaller is brought sooner with a word than by an upload, which costs both sides more than a small job does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """To a builder: run this. The fence and the attempt are the offer's.

    ``token`` lets the upload of this job's results through, and only under its fence; it must never
    be seen inside of the sandbox. ``enclosable``: of what the job makes, so many bytes may come with its
    result instead of by an upload; 0: none.
    """

    offer: Offer
    token: str
    lease_seconds: float
    enclosable: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """To a builder: kill what runs under a fence; nobody waits for its result."""

    key: BuildKey
    fence: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """To a builder: a result was taken in (or came too late): what is kept for it may go."""

    key: BuildKey
    fence: int
    accepted: bool
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """To a builder: what a result enclosed is not what it names; upload all of it, and say the result again."""

    key: BuildKey
    fence: int
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SetMode:
    """To a builder: be active, paused, draining or gone."""

    mode: Mode
    reason: str = ""


Order = Assignment | Stop | Settled | Upload | SetMode


@dataclass(frozen=True, slots=True, kw_only=True)
class Presence:
    """From a builder, every few seconds: it lives, it has this, it runs that. The heartbeat of all its leases.

    ``free`` is how many more jobs it would take now; ``accepting`` is False where it would take none, and
    ``why`` says why (its owner works on it; it is leaving).
    """

    builder: str
    session: str
    facts: Facts
    health: Health
    running: tuple[Running, ...] = ()
    free: int = 0
    accepting: bool = True
    why: str = ""
    version: int = VERSION


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """From a builder: an attempt ended so. Said again until it is settled.

    ``enclosed`` are files that the report names by their digests, and that were not uploaded.
    """

    builder: str
    key: BuildKey
    fence: int
    report: Report
    enclosed: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Returned:
    """From a builder: it gives a job back unfinished, and nobody is to blame."""

    builder: str
    key: BuildKey
    fence: int
    reason: str


Word = Presence | Result | Returned
