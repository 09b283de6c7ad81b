"""What can happen to a job; a closed set that ``jobs.machine.step`` answers to the last member."""

from dataclasses import dataclass

from wheelyard.model.job import Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Leased:
    """A builder asks for the right to run the job."""

    builder: str
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Renewed:
    """The holder of a fence asks for more time."""

    fence: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """The holder of a fence tells how its attempt ended.

    ``fingerprint`` tells a repeated report from another one. ``artifact`` is the digest of the wheel;
    ``hold`` is why a green build must not count before a person looked at it. ``limited``: it met a
    limit of its offer, not the end of what its builder has.
    """

    fence: int
    outcome: Outcome
    fingerprint: str
    reason: str = ""
    artifact: str = ""
    hold: str = ""
    limited: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseExpired:
    """Time passed; nothing happens to a lease that still has some left."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnerGone:
    """Who held the lease gave it up, or is known to have ended: nobody's fault, least of all the package's."""

    builder: str
    reason: str = "its process ended before the build did"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancelled:
    """Nobody wants the job any more."""

    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """Somebody wants the job to wait for a person."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Approved:
    """A person looked at a wheel that was held and lets it count."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retried:
    """A person, or a new request, wants the job tried again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArtifactLost:
    """The bytes of the wheel are no longer there."""

    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusalForgotten:
    """A builder that refused the job is another one now: it may be asked again."""

    builder: str


Event = (
    Leased
    | Renewed
    | Finished
    | LeaseExpired
    | OwnerGone
    | Cancelled
    | Held
    | Approved
    | Retried
    | ArtifactLost
    | RefusalForgotten
)
