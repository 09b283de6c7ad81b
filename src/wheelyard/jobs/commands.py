"""What follows from an event; others carry it out, in the transaction that saves the job or after it."""

from dataclasses import dataclass
from datetime import datetime

from wheelyard.model.job import Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """Open an attempt and tell the builder that it holds the lease."""

    fence: int
    attempt: int
    expires: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Prolong:
    """Tell the builder that its lease lasts longer."""

    expires: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Refuse:
    """Tell who asked that nothing changed, and why."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """Close the open attempt."""

    attempt: int
    outcome: Outcome
    counted: bool
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Publish:
    """Let the wheel with this digest count as what the job built."""

    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdraw:
    """Let the wheel with this digest count no more."""

    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Requeue:
    """Offer the job again after some seconds, on a builder ``size`` classes larger than usual."""

    after_seconds: float
    size: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """Tell people that the job waits for one of them."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """Tell a builder to kill what it runs under a fence."""

    builder: str
    fence: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledge:
    """Tell the builder once more that its report was accepted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Discard:
    """Tell the builder that its report came too late; nothing changed."""

    reason: str


Command = (
    Grant
    | Prolong
    | Refuse
    | Record
    | Publish
    | Withdraw
    | Requeue
    | Hold
    | Stop
    | Acknowledge
    | Discard
)
