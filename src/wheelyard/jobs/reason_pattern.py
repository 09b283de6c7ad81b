"""One pattern by which a log tells why a build failed.

A pattern is tried only on lines that hold one of its needles. Every repetition in it is bounded and
none nests, so that a hostile log costs no more than a long one.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum

from wheelyard.jobs.reason_names import Explanation
from wheelyard.model.job import Outcome


class Rank(IntEnum):
    """Which of several patterns says the cause; the lowest wins, and in one rank the earliest line."""

    MACHINE = 0
    """The machine gave out: whatever else is in the log follows from it or is beside the point."""
    CAUSE = 1
    SYMPTOM = 2
    """Something went wrong here, but perhaps because of what another line says."""
    LAST_WORDS = 3
    """How it ended; better than nothing. The latest line counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """How one cause shows in one line.

    ``phrase`` and ``hint`` are formatted with the groups of ``regex``; ``explain`` answers for the
    first group that matched in their place.
    """

    needles: tuple[str, ...]
    regex: str
    phrase: str = ""
    hint: str = ""
    rank: Rank = Rank.CAUSE
    outcome: Outcome = Outcome.FAILED
    explain: Callable[[str], Explanation] | None = None
