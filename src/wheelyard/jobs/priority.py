"""What a job that waits is worth, as one number that never has to be computed again.

The number is the moment at which the job was submitted, put back in time by what speaks for it. So a
queue sorted by it needs no clock: whoever waits long enough comes before everything younger, and
nothing starves, however much is asked for later.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

_LEVEL_SECONDS = 24 * 3600.0
_LONGEST_LEVEL = 100
_DEPENDANTS_SECONDS = 300.0
_PATH_WEIGHT = 4.0
_LONGEST_PATH = 24 * 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Worth:
    """What speaks for a job.

    ``priority``: one level is worth a day of waiting. ``path_seconds``: how long the longest chain of
    jobs is that waits for it, itself included. ``dependants``: how many jobs wait for it in all.
    """

    submitted: datetime
    priority: int = 0
    path_seconds: float = 0.0
    dependants: int = 0


@dataclass(frozen=True, slots=True)
class Term:
    """One reason and how many seconds of waiting it is worth."""

    name: str
    seconds: float


def terms(worth: Worth) -> tuple[Term, ...]:
    """Say what speaks for a job, for people."""
    level = max(-_LONGEST_LEVEL, min(_LONGEST_LEVEL, worth.priority))
    return (
        Term("priority", level * _LEVEL_SECONDS),
        Term("critical path", _PATH_WEIGHT * min(max(worth.path_seconds, 0.0), _LONGEST_PATH)),
        Term("dependants", _DEPENDANTS_SECONDS * math.log2(1 + max(worth.dependants, 0))),
    )


def rank(worth: Worth) -> int:
    """Return a job's place, in milliseconds; the smallest is first."""
    ahead = sum(term.seconds for term in terms(worth))
    return round((worth.submitted.timestamp() - ahead) * 1000)


def levels(by: int) -> int:
    """Return by how much a rank changes when a priority rises ``by`` levels."""
    return -round(by * _LEVEL_SECONDS * 1000)


def in_fair_order(
    owners: Sequence[str], running: Mapping[str, int], shares: Mapping[str, float] | None = None
) -> tuple[str, ...]:
    """Order owners so that who has least of their share comes first; equal ones stay in their order."""
    weights = shares or {}

    def use(owner: str) -> float:
        return running.get(owner, 0) / max(weights.get(owner, 1.0), 1e-9)

    return tuple(sorted(owners, key=use))
