"""How long what is left will take: the critical path and the work that there is for the slots."""

from collections.abc import Callable, Mapping

from wheelyard.plan.board import Board
from wheelyard.plan.events import UnitId
from wheelyard.plan.unit import State

DEFAULT_SECONDS = 10.0
"""What a build takes where nothing is known of the project: a guess between pure and compiled."""


class Urgency:
    """How long the longest chain of builds is that waits for a unit, itself included, in seconds."""

    def __init__(self, board: Board, seconds: Callable[[UnitId], float]) -> None:
        self._board = board
        self._seconds = seconds
        self._known: dict[UnitId, float] = {}
        self._size = 0

    def of(self, unit: UnitId) -> float:
        """Return the length of the chain above a unit."""
        if len(self._board.units) != self._size:
            self._known.clear()
            self._size = len(self._board.units)
        return self._measure(unit)

    def _measure(self, unit: UnitId) -> float:
        stack = [unit]
        open_units: set[UnitId] = set()
        while stack:
            current = stack[-1]
            if current in self._known:
                stack.pop()
                continue
            above = [
                key
                for key in self._board.dependants_of(current)
                if not self._board.units[key].final and key not in open_units
            ]
            unknown = [key for key in above if key not in self._known]
            if unknown and current not in open_units:
                open_units.add(current)
                stack += unknown
                continue
            longest = max((self._known.get(key, 0.0) for key in above), default=0.0)
            self._known[current] = self._seconds(current) + longest
            open_units.discard(current)
            stack.pop()
        return self._known[unit]


def seconds_left(
    board: Board, seconds: Callable[[UnitId], float], slots: int, running: Mapping[UnitId, float]
) -> float:
    """Estimate the wall seconds until every unit that is known now is settled.

    ``running`` maps units to the seconds that they have been running. The larger of two bounds: the
    longest chain, and all work shared by the slots.
    """
    urgency = Urgency(board, seconds)
    work, longest = 0.0, 0.0
    for key, unit in board.units.items():
        if unit.final or unit.state is State.GATED:
            continue
        done = min(running.get(key, 0.0), seconds(key))
        work += seconds(key) - done
        longest = max(longest, urgency.of(key) - done)
    return max(longest, work / max(slots, 1))
