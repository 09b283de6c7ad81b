"""Whether what was built at one revision serves a request for another.

Revisions of one branch are numbered along its first parents. A request that tolerates ``k`` is served
by a build whose number is at most ``k`` away, if all else is equal.
"""

from collections.abc import Iterable


def nearest_first(wanted: int, tolerance: int, numbers: Iterable[int]) -> list[int]:
    """Return the revisions that serve a request, the best first: the nearest, the newer of two."""
    near = (number for number in numbers if abs(number - wanted) <= tolerance)
    return sorted(near, key=lambda number: (abs(number - wanted), -number))


def nearest_within(wanted: int, tolerance: int, built: Iterable[int]) -> int | None:
    """Return the built revision that serves a request best; None: there is none."""
    return next(iter(nearest_first(wanted, tolerance, built)), None)
