"""How a plan stands: the end of each unit, and the root cause of what could not be."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from wheelyard.model.artifact import Artifact
from wheelyard.model.job import BuildKey, Outcome, Report
from wheelyard.plan.board import Board
from wheelyard.plan.events import UnitId
from wheelyard.plan.unit import Provision, State, Unit


class Ending(StrEnum):
    """What became of a unit."""

    BUILT = "built"
    REUSED = "reused"
    COVERED = "covered"
    UPSTREAM = "upstream"
    FAILED = "failed"
    BLOCKED = "blocked"
    SKIPPED = "skipped"
    NOT_APPLICABLE = "not applicable"
    PENDING = "pending"


GOOD = frozenset({Ending.BUILT, Ending.REUSED, Ending.COVERED, Ending.UPSTREAM})
_OF_PROVISION = {
    Provision.BUILT: Ending.BUILT,
    Provision.REUSED: Ending.REUSED,
    Provision.COVERED: Ending.COVERED,
    Provision.UPSTREAM: Ending.UPSTREAM,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One unit in the summary.

    ``cause`` is the unit that failed first on the way to a blocked one. ``as_of`` is the day that the build
    tools of its wheel are of, where newer ones broke the build; ``older`` says why a newer release of its
    project was not chosen. ``key`` is that of its job.
    """

    unit: UnitId
    ending: Ending
    requested: bool
    artifact: Artifact | None = None
    report: Report | None = None
    reason: str = ""
    hint: str = ""
    cause: UnitId | None = None
    outcome: Outcome | None = None
    as_of: str = ""
    older: str = ""
    yanked: str | None = None
    key: BuildKey | None = None


@dataclass(slots=True, kw_only=True)
class _Way:
    """Where a unit that stands still leads to: the first failure on its way, or a cycle."""

    cause: UnitId | None = None
    knot: str = ""


def _ways(board: Board) -> dict[UnitId, _Way]:
    """Say for each unit that waits for something lost what that is, the nearest first.

    One walk from all that is lost to what waits for it, so that it costs no more than the plan is large.
    """
    waiting: dict[UnitId, list[UnitId]] = {}
    for key, unit in board.units.items():
        if not unit.final:
            for needed in _waits_for(board, unit):
                waiting.setdefault(needed, []).append(key)
    ways: dict[UnitId, _Way] = {}
    queue: deque[UnitId] = deque()
    for key in sorted(board.units, key=lambda key: key.order):
        unit = board.units[key]
        if unit.final and unit.state is not State.DONE:
            ways[key] = _Way(cause=key)
            queue.append(key)
        elif unit.knot and not unit.final:
            ways[key] = _Way(knot=unit.knot)
            queue.append(key)
    while queue:
        current = queue.popleft()
        for key in sorted(waiting.get(current, ()), key=lambda key: key.order):
            if key not in ways:
                ways[key] = ways[current]
                queue.append(key)
    return ways


def _waits_for(board: Board, unit: Unit) -> Sequence[UnitId]:
    if unit.state is State.GATED:
        return [UnitId(unit.id.release, target) for target in board.gates[unit.id.release].probes()]
    return unit.waits_for()


def _unfinished(board: Board, way: _Way, *, over: bool) -> tuple[Ending, str, UnitId | None]:
    if way.cause is not None:
        verb = _verb(board.units[way.cause])
        return Ending.BLOCKED, f"waits for {way.cause}, which {verb}", way.cause
    if way.knot:
        return Ending.BLOCKED, f"waits for the cycle {way.knot}, which nothing breaks", None
    if over:
        return Ending.BLOCKED, "the run ended before its turn", None
    return Ending.PENDING, "", None


def _verb(unit: Unit) -> str:
    match unit.state:
        case State.SKIPPED:
            return "is skipped"
        case State.NOT_APPLICABLE:
            return "is not meant for that Python"
        case _:
            return "failed"


def _row(
    unit: Unit,
    requested: frozenset[UnitId],
    skips: dict[UnitId, str],
    unfinished: tuple[Ending, str, UnitId | None],
) -> Row:
    ending, reason, hint, cause = Ending.PENDING, "", "", None
    match unit.state:
        case State.DONE if unit.provision is not None:
            ending = _OF_PROVISION[unit.provision]
        case State.FAILED:
            ending = Ending.FAILED
            if unit.error is not None:
                reason, hint = unit.error.message, unit.error.hint
            elif unit.report is not None:
                reason, hint = unit.report.reason, unit.report.hint
        case State.SKIPPED:
            ending, reason = Ending.SKIPPED, skips.get(unit.id, "")
        case State.NOT_APPLICABLE:
            ending = Ending.NOT_APPLICABLE
            reason = f"Requires-Python {unit.excluded_by or unit.pin.requires_python}".rstrip()
        case _:
            ending, reason, cause = unfinished
    return Row(
        unit=unit.id,
        ending=ending,
        requested=unit.id in requested,
        artifact=unit.artifact,
        report=unit.report,
        reason=reason,
        hint=hint,
        cause=cause,
        outcome=unit.report.outcome if unit.report else None,
        as_of=unit.artifact.as_of if unit.artifact is not None else unit.day,
        older=unit.pin.older,
        yanked=unit.pin.yanked,
        key=unit.reported or unit.key,
    )


def summarise(
    board: Board, requested: Sequence[UnitId], skips: dict[UnitId, str], *, over: bool = True
) -> tuple[Row, ...]:
    """Return a row for each unit, by name. ``over``: nothing more will happen."""
    named = frozenset(requested)
    ways = _ways(board)
    nowhere = _Way()
    return tuple(
        _row(
            board.units[key],
            named,
            skips,
            _unfinished(board, ways.get(key, nowhere), over=over),
        )
        for key in sorted(board.units, key=lambda key: key.order)
    )
