"""How a plan stands: the end of each unit, and the root cause of what could not be."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from wheelyard.model.artifact import Artifact
from wheelyard.model.job import Outcome, Report
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
    """One unit in the summary. ``cause`` is the unit that failed first on the way to a blocked one."""

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


def root_cause(board: Board, unit: Unit) -> UnitId | None:
    """Return the failed or skipped unit that one waits for, nearest first; None where there is none."""
    seen = {unit.id}
    queue = [unit]
    while queue:
        current = queue.pop(0)
        for needed in _waits_for(board, current):
            if needed in seen or needed not in board.units:
                continue
            seen.add(needed)
            other = board.units[needed]
            if other.state in {State.FAILED, State.SKIPPED, State.NOT_APPLICABLE}:
                return needed
            if not other.final:
                queue.append(other)
    return None


def _waits_for(board: Board, unit: Unit) -> Sequence[UnitId]:
    if unit.state is State.GATED:
        gate = board.gates.get(unit.id.release)
        probes = gate.probes() if gate is not None else ()
        return [UnitId(unit.id.release, target) for target in probes]
    return unit.waits_for()


def _unfinished(board: Board, unit: Unit, *, over: bool) -> tuple[Ending, str, UnitId | None]:
    cause = root_cause(board, unit)
    if cause is not None:
        return Ending.BLOCKED, f"waits for {cause}, which {_verb(board.units[cause])}", cause
    if over:
        return Ending.BLOCKED, "waits for a cycle that could not be broken", None
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
    board: Board, unit: Unit, requested: frozenset[UnitId], skips: dict[UnitId, str], *, over: bool
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
            reason = f"Requires-Python {unit.pin.requires_python}".rstrip()
        case _:
            ending, reason, cause = _unfinished(board, unit, over=over)
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
        as_of=unit.as_of.date().isoformat() if unit.as_of else "",
    )


def summarise(
    board: Board, requested: Sequence[UnitId], skips: dict[UnitId, str], *, over: bool = True
) -> tuple[Row, ...]:
    """Return a row for each unit, by name. ``over``: nothing more will happen."""
    named = frozenset(requested)
    return tuple(
        _row(board, board.units[key], named, skips, over=over) for key in sorted(board.units)
    )
