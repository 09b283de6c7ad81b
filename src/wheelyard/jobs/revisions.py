"""Whether what was built at one revision serves a request for another.

Revisions of one branch are numbered along its first parents. A request that tolerates ``k`` is served
by a build whose number is at most ``k`` away, if all else is equal.
"""

from collections.abc import Iterable


def nearest_within(wanted: int, tolerance: int, built: Iterable[int]) -> int | None:
    """Return the built revision that serves a request best: the nearest, the newer of two; None: there is none."""
    near = [number for number in built if abs(number - wanted) <= tolerance]
    return min(near, key=lambda number: (abs(number - wanted), -number), default=None)
