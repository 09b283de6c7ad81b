"""What blocks what in a plan that is carried out: what is not settled, by levels, with the longest way marked."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from wheelyard.graph.levels import levels
from wheelyard.plan.board import Board
from wheelyard.plan.events import UnitId
from wheelyard.plan.unit import State

_USUAL_SECONDS = 30.0
_SETTLED = frozenset({State.DONE, State.FAILED, State.SKIPPED, State.NOT_APPLICABLE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Blocking:
    """``levels`` hold units that need only what is in levels before; ``critical`` is the longest way through them.

    ``needs`` has what each waits for. Of a large plan only the critical path is in ``needs``, and ``counts`` says how
    many units each level has.
    """

    levels: Sequence[Sequence[UnitId]]
    counts: Sequence[int]
    needs: Mapping[UnitId, tuple[UnitId, ...]]
    critical: tuple[UnitId, ...]
    running: frozenset[UnitId]


def blocking(
    board: Board, seconds: Callable[[UnitId], float | None], *, most: int = 60
) -> Blocking:
    """Return what blocks what; above ``most`` units only the critical path of it."""
    open_ = [key for key, unit in board.units.items() if unit.state not in _SETTLED]
    open_.sort(key=lambda key: key.order)
    known = set(open_)
    needs = {
        key: tuple(
            sorted(
                one for one in {*board.units[key].builds, *board.units[key].runs} if one in known
            )
        )
        for key in open_
    }
    found = levels(needs)
    critical = _longest(found, needs, seconds)
    counts = [len(level) for level in found]
    running = frozenset(key for key in open_ if board.units[key].state is State.RUNNING)
    if len(open_) > most:
        kept = set(critical)
        found = [[key for key in level if key in kept] for level in found]
        needs = {key: tuple(one for one in needs[key] if one in kept) for key in critical}
    return Blocking(levels=found, counts=counts, needs=needs, critical=critical, running=running)


def _longest(
    found: Sequence[Sequence[UnitId]],
    needs: Mapping[UnitId, tuple[UnitId, ...]],
    seconds: Callable[[UnitId], float | None],
) -> tuple[UnitId, ...]:
    """Return the chain that takes longest, what comes first being first. Members of a cycle share a level."""
    level_of = {key: number for number, level in enumerate(found) for key in level}
    takes: dict[UnitId, float] = {}
    after: dict[UnitId, UnitId] = {}
    for level in found:
        for key in level:
            before = [one for one in needs[key] if level_of[one] < level_of[key]]
            own = seconds(key)
            takes[key] = _USUAL_SECONDS if own is None else own
            if before:
                after[key] = max(before, key=lambda one: (takes[one], str(one)))
                takes[key] += takes[after[key]]
    if not takes:
        return ()
    chain = [max(takes, key=lambda one: (takes[one], str(one)))]
    while chain[-1] in after:
        chain.append(after[chain[-1]])
    return tuple(reversed(chain))
