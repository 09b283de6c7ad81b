"""A job as the machine sees it: one release for one target, and where it stands.

Only ``jobs.machine.step`` makes a job with another state out of one.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from wheelyard.jobs.retry import COUNTED
from wheelyard.model.job import BuildKey, Outcome
from wheelyard.model.release import Release
from wheelyard.targets.target import Target


class State(StrEnum):
    """Where a job stands; every state but ``LEASED`` is either an end or waits for something named."""

    READY = "ready"
    """Waits for a builder, and for ``not_before`` where that is set."""
    LEASED = "leased"
    """One builder runs it."""
    DONE = "done"
    """Ended; ``outcome`` says how."""
    HELD = "held"
    """Waits for a person; ``reason`` says why."""
    CANCELLED = "cancelled"
    """Nobody wants it any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One release for one target.

    ``fence`` grows with each lease and ``attempt`` with each try; neither ever falls. ``builder`` is the last one that
    had a lease. ``counts`` says how often each outcome was met since the job was new or retried.
    ``accepted`` is the fingerprint of the report that was accepted under the present fence, and
    ``artifact`` the digest of the wheel that it brought. ``uploaded`` is when upstream got the source.
    """

    key: BuildKey
    release: Release
    target: Target
    uploaded: datetime | None = None
    state: State = State.READY
    fence: int = 0
    attempt: int = 0
    builder: str = ""
    lease_expires: datetime | None = None
    not_before: datetime | None = None
    counts: tuple[tuple[Outcome, int], ...] = ()
    lost_by: tuple[str, ...] = ()
    refused_by: tuple[str, ...] = ()
    outcome: Outcome | None = None
    reason: str = ""
    accepted: str = ""
    artifact: str = ""
    changed: datetime | None = None

    @property
    def is_paused(self) -> bool:
        """Whether a person holds it back: no attempt ended in a way that asks for a look."""
        return self.state is State.HELD and self.outcome is None

    @property
    def holder(self) -> str:
        """The builder that runs it now, or an empty string."""
        return self.builder if self.state is State.LEASED else ""

    @property
    def counted(self) -> int:
        """How many tries count against the package."""
        return sum(number for outcome, number in self.counts if outcome in COUNTED)

    @property
    def size(self) -> int:
        """How many classes larger than usual its builder must be: it ran out of resources so often."""
        return self.count(Outcome.RESOURCES)

    def count(self, outcome: Outcome) -> int:
        """Say how often an outcome was met."""
        return dict(self.counts).get(outcome, 0)

    def lapsed(self, now: datetime) -> bool:
        """Say whether its lease is over without a word from its holder."""
        return (
            self.state is State.LEASED
            and self.lease_expires is not None
            and self.lease_expires <= now
        )
