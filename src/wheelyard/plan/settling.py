"""How a unit ends, and what its end means for others of its release and for what waits for it."""

from dataclasses import replace

from wheelyard.errors import InvalidArchiveError, WheelyardError
from wheelyard.model.artifact import Artifact
from wheelyard.model.release import Release
from wheelyard.plan.agenda import Agenda
from wheelyard.plan.offers import provider
from wheelyard.plan.unit import Provision, State, Unit
from wheelyard.targets.compatibility import serves

_NOT_TO_BE_COVERED = frozenset({State.DONE, State.RUNNING, State.SKIPPED, State.FETCHING})
"""What another target's wheel changes nothing about. What runs may well end as it should."""


def provide(agenda: Agenda, unit: Unit, artifact: Artifact, provision: Provision) -> None:
    """Give a unit its wheel."""
    unit.state, unit.artifact, unit.provision = State.DONE, artifact, provision
    unit.blocked, unit.error = False, None
    agenda.provided.append(unit)
    agenda.wake_dependants(unit.id)
    agenda.losses[unit.id.release] = None


def complete(agenda: Agenda, unit: Unit, artifact: Artifact, provision: Provision) -> None:
    """Take a wheel that was built, or was there under the unit's key, for all targets that it serves.

    Raises InvalidArchiveError, and changes nothing, where the wheel is not for the unit's target.
    """
    release = unit.id.release
    gate = agenda.board.gates[release]
    # It tells whoever it covers, too, with which tools it was made.
    artifact = replace(artifact, as_of=unit.day)
    gate.built(unit.id.target, artifact)
    agenda.gates[release] = None
    if serves(artifact.tags, artifact.requires_python, unit.id.target):
        provide(agenda, unit, artifact, provision)
    elif not cover(agenda, unit):
        exclude(agenda, unit, gate.excluded_by(unit.id.target))
    for other in agenda.board.of_release(release):
        if other.state not in _NOT_TO_BE_COVERED:
            cover(agenda, other)


def cover(agenda: Agenda, unit: Unit) -> bool:
    """Give a unit another target's wheel where there is one that serves it."""
    gate = agenda.board.gates.get(unit.id.release)
    artifact = gate.covering(unit.id.target) if gate is not None else None
    if artifact is None:
        return False
    provide(agenda, unit, artifact, Provision.COVERED)
    return True


def exclude(agenda: Agenda, unit: Unit, requires_python: str) -> None:
    """Leave out a target that a release turns out not to be meant for."""
    unit.state, unit.excluded_by = State.NOT_APPLICABLE, requires_python
    agenda.losses[unit.id.release] = None


def skip(agenda: Agenda, unit: Unit) -> None:
    """Leave out what a recipe says not to build."""
    unit.state = State.SKIPPED
    agenda.losses[unit.id.release] = None


def fail(agenda: Agenda, unit: Unit, error: WheelyardError | None = None) -> None:
    """End a unit without a wheel of its own; without an error its report says why."""
    unit.state, unit.error = State.FAILED, error
    _lose(agenda, unit)
    cover(agenda, unit)


def fail_without_wheel(agenda: Agenda, unit: Unit, error: InvalidArchiveError | None) -> None:
    """End a unit whose job ended well but left nothing that counts."""
    wrong = error or InvalidArchiveError(
        f"the job of {unit.id} ended well but gave no wheel",
        hint="Its build back end left nothing behind; look at its log.",
    )
    fail(agenda, unit, wrong)


def give_up(agenda: Agenda, unit: Unit) -> None:
    """Let the first failure stand: older build requirements did not help."""
    unit.as_of = None
    fail(agenda, unit)


def block(agenda: Agenda, unit: Unit) -> None:
    """Mark a unit that waits for what will not come; its release goes on with other targets."""
    unit.blocked = True
    _lose(agenda, unit)


def _lose(agenda: Agenda, unit: Unit) -> None:
    release = unit.id.release
    agenda.losses[release] = None
    gate = agenda.board.gates.get(release)
    if gate is not None:
        gate.failed(unit.id.target)
        agenda.gates[release] = None


def spread_loss(agenda: Agenda, release: Release) -> None:
    """Block what waits for a release, as far as no target of it can give a wheel any more.

    While one may, a wheel of it may serve what failed elsewhere, and nothing is decided.
    """
    units = agenda.board.of_release(release)
    may_come = any(unit.may_come for unit in units)
    for unit in units:
        if not unit.is_lost:
            continue
        for key in agenda.board.dependants_of(unit.id):
            if may_come:
                # It hopes for another target now, which may in turn wait for it.
                agenda.unsettled[key] = None
                continue
            dependant = agenda.board.units[key]
            if dependant.state is State.WAITING and not dependant.blocked:
                block_where_hopeless(agenda, dependant)


def block_where_hopeless(agenda: Agenda, unit: Unit) -> None:
    """Block a unit if something that it waits for will not come."""
    board = agenda.board
    for needed in unit.waits_for():
        if board.is_hopeless(board.units[needed]) and provider(board.units, needed, unit) is None:
            block(agenda, unit)
            return
