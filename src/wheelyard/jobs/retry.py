"""What each outcome counts for, how often it is tried again, and after how long.

The machine reads these numbers and has none of its own.
"""

from dataclasses import dataclass
from datetime import timedelta

from wheelyard.model.job import Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class BackOff:
    """Seconds to wait before the n-th repetition: ``first``, then ``factor`` times more, up to ``longest``."""

    first: float
    factor: float = 2.0
    longest: float = 900.0

    def seconds(self, repetition: int) -> float:
        """Return how long to wait before a repetition; the first one is number 1."""
        # A power beyond this would overflow long after ``longest`` was reached.
        exponent = min(max(repetition, 1) - 1, 64)
        return min(self.longest, self.first * self.factor**exponent)


COUNTED = frozenset(
    {
        Outcome.FAILED,
        Outcome.TIMED_OUT,
        Outcome.OVER_LIMIT,
        Outcome.RESOURCES,
        Outcome.LOST,
    }
)
"""Outcomes that count against the package; the others are the farm's or a person's doing."""

LOST_CAP = 3
RESOURCES_CAP = 3
INFRASTRUCTURE_CAP = 5

INFRASTRUCTURE_BACK_OFF = BackOff(first=1, factor=4, longest=300)
RESOURCES_BACK_OFF = BackOff(first=5, factor=4, longest=300)
"""A pause too: on one machine what ran beside it may be what used the memory up."""
UPSTREAM_BACK_OFF = BackOff(first=60, factor=2, longest=900)

UPSTREAM_GRACE = timedelta(hours=1)
"""How long after an upload a missing source may still be on its way to every mirror."""
