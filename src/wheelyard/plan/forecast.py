"""How long what is left will take: the critical path and the work that there is for the slots."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from wheelyard.plan.board import Board
from wheelyard.plan.events import UnitId
from wheelyard.plan.unit import State

DEFAULT_SECONDS = 10.0
"""What a build takes where nothing is known of the project: a guess between pure and compiled."""

# Much longer than others, and known to everybody: what waits for these should not wait for their turn, too.
_LONG: Mapping[str, float] = MappingProxyType(
    {
        **dict.fromkeys(("cython", "cryptography", "lxml", "maturin", "pillow"), 100.0),
        **dict.fromkeys(("cmake", "h5py", "llvmlite", "matplotlib", "numpy", "pandas"), 400.0),
        **dict.fromkeys(("grpcio", "opencv-python", "pyarrow", "scikit-learn", "scipy"), 1200.0),
    }
)


def usual_seconds(project: str) -> float:
    """Return what a build of a project takes that was never built here."""
    return _LONG.get(project, DEFAULT_SECONDS)


class Urgency:
    """How long the longest chain of builds is that waits for a unit, itself included, in seconds.

    What was measured is kept until the board has new units or edges, or ``forget`` is called.
    """

    def __init__(self, board: Board, seconds: Callable[[UnitId], float]) -> None:
        self._board = board
        self._seconds = seconds
        self._known: dict[UnitId, float] = {}
        self._version = 0

    def forget(self) -> None:
        """Measure anew: the seconds of some unit are others now."""
        self._known.clear()

    def of(self, unit: UnitId) -> float:
        """Return the length of the chain above a unit."""
        if self._board.version != self._version:
            self._known.clear()
            self._version = self._board.version
        known = self._known.get(unit)
        return known if known is not None else self._measure(unit)

    def _measure(self, unit: UnitId) -> float:
        """Walk without recursion; in a cycle, whoever comes first counts as the top."""
        known, units = self._known, self._board.units
        stack = [unit]
        open_units: set[UnitId] = set()
        while stack:
            current = stack[-1]
            if current in known:
                stack.pop()
                continue
            above = [key for key in self._board.dependants_of(current) if not units[key].final]
            if current not in open_units:
                open_units.add(current)
                unknown = [key for key in above if key not in known and key not in open_units]
                if unknown:
                    stack += unknown
                    continue
            longest = max((known.get(key, 0.0) for key in above), default=0.0)
            known[current] = self._seconds(current) + longest
            stack.pop()
        return known[unit]


def dependants(board: Board, unit: UnitId, *, most: int = 1000) -> int:
    """Return how many units wait for one, directly or not; beyond ``most`` it does not matter."""
    seen: set[UnitId] = {unit}
    queue = [unit]
    while queue and len(seen) <= most:
        fresh = [key for key in board.dependants_of(queue.pop()) if key not in seen]
        seen.update(fresh)
        queue += fresh
    return min(len(seen) - 1, most)


class Forecast:
    """Estimates how long a plan will take; cheap enough to be asked at each refresh of a display."""

    def __init__(self, board: Board, seconds: Callable[[UnitId], float]) -> None:
        self._board = board
        self._seconds = seconds
        self._urgency = Urgency(board, seconds)

    def forget(self) -> None:
        """Measure anew: the seconds of some unit are others now."""
        self._urgency.forget()

    def seconds_left(self, slots: int, running: Mapping[UnitId, float]) -> float:
        """Estimate the wall seconds until every unit that is known now is settled.

        ``running`` maps units to the seconds that they have been running. The larger of two bounds:
        the longest chain, and all work shared by the slots.
        """
        work, longest = 0.0, 0.0
        for key, unit in self._board.units.items():
            if not unit.may_come or unit.state is State.GATED:
                continue
            seconds = self._seconds(key)
            done = min(running[key], seconds) if key in running else 0.0
            work += seconds - done
            longest = max(longest, self._urgency.of(key) - done)
        return max(longest, work / max(slots, 1))
