"""The life of a unit from its key to its wheel.

What is there under the key already is taken. Only for the rest are build requirements planned; it
waits for them and for what its import needs, and becomes a job.
"""

from wheelyard.errors import InvalidArchiveError, WheelyardError
from wheelyard.model.artifact import Origin
from wheelyard.model.job import Outcome, Report, StepName
from wheelyard.model.resolution import Resolution
from wheelyard.plan import offers, preparing, settling
from wheelyard.plan.agenda import Agenda
from wheelyard.plan.events import Finished, Recalled, ResolveTest, Start, UnitId
from wheelyard.plan.queries import test_query
from wheelyard.plan.unit import EdgeKind, Provision, Reason, State, Unit
from wheelyard.targets.target import Target

_STEPS_OF_TOOLS = frozenset(
    {
        *(StepName.FETCH, StepName.UNPACK, StepName.ENVIRONMENT),
        *(StepName.REQUIREMENTS, StepName.BUILD),
    }
)


def admit(
    agenda: Agenda, resolution: Resolution, target: Target, reason: Reason
) -> tuple[UnitId, ...]:
    """Make the pins of a resolution units, begin the life of the new ones, and return all their names."""
    sources = [agenda.options.wants_source(pin) for pin in resolution.pins]
    names, fresh = agenda.board.admit_all(resolution, target, reason, sources)
    preparing.begin_all(agenda, fresh)
    return names


def recalled(agenda: Agenda, event: Recalled) -> None:
    """Take what a key is known to give."""
    unit = agenda.board.units[event.unit]
    if unit.state is not State.RECALLING:
        return
    if event.artifact is not None and not agenda.options.rebuild:
        try:
            settling.complete(agenda, unit, event.artifact, Provision.REUSED)
        except InvalidArchiveError:
            # It was kept when other tags counted as the target's; built again, it is judged anew.
            _expand(agenda, unit)
    elif event.needs is not None:
        preparing.need(agenda, unit, event.needs)
    else:
        _expand(agenda, unit)


def _expand(agenda: Agenda, unit: Unit) -> None:
    """Plan what a unit that has to be built requires for that, and for the test of its recipe."""
    recipe = agenda.recipe(unit.id)
    if unit.tests is None and recipe.test and recipe.test_requires:
        unit.state = State.RESOLVING
        query = test_query(agenda.options, unit, recipe)
        agenda.commands.append(ResolveTest(unit=unit.id, query=query))
        return
    reason = Reason(EdgeKind.BUILD, unit.id)
    unit.state = State.WAITING
    running = unit.way.runs_on(unit.id.target)
    unit.builds = admit(agenda, unit.resolution, running, reason)
    unit.hosts = _admit_hosts(agenda, unit)
    needed = (*unit.builds, *unit.hosts, *unit.runs, *(unit.tests or ()))
    agenda.board.wait(unit.id, needed)
    agenda.unsettled[unit.id] = None
    agenda.awake[unit.id] = None


def _admit_hosts(agenda: Agenda, unit: Unit) -> tuple[UnitId, ...]:
    """Plan what a unit is compiled against: what that needs to run it waits for itself."""
    resolution = unit.host_resolution
    names = admit(agenda, resolution, unit.id.target, Reason(EdgeKind.HOST, unit.id))
    own = unit.id.release.project
    return tuple(
        name
        for name in names
        if name.release.project in resolution.roots and name.release.project != own
    )


def test_resolved(agenda: Agenda, unit: Unit, resolution: Resolution) -> None:
    """Take what the test of a unit's recipe requires."""
    if unit.state is not State.RESOLVING:
        return
    # Known before anything is admitted: what is new may come to wait for this unit at once.
    unit.tests = ()
    names = admit(agenda, resolution, unit.id.target, Reason(EdgeKind.TEST, unit.id))
    unit.tests = tuple(name for name in names if name.release.project != unit.id.release.project)
    _expand(agenda, unit)


def try_start(agenda: Agenda, unit: Unit) -> None:
    """Make a job of a unit that has all it needs."""
    if unit.state is not State.WAITING:
        return
    around = offers.surroundings(unit, agenda.board.units)
    if not around.complete:
        _await_further(agenda, unit, around.missing)
        if not unit.blocked:
            settling.block_where_hopeless(agenda, unit)
        return
    if around.seeds and unit.bootstrap is not None:
        return
    known = agenda.board.releases[unit.id.release]
    recipe = agenda.recipe(unit.id)
    offer = offers.make_offer(unit, around, known, recipe, agenda.options)
    unit.state, unit.blocked = State.RUNNING, False
    agenda.commands.append(
        Start(
            unit=unit.id,
            offer=offer,
            bootstrap=bool(around.seeds),
            portable_key=unit.portable_key or offer.key,
            ordinary_key=unit.ordinary_key or offer.key,
        )
    )


def _await_further(agenda: Agenda, unit: Unit, missing: frozenset[UnitId]) -> None:
    """Wait for what is needed at run time by something that was there before what it needs."""
    new = missing - unit.awaited
    if new:
        unit.awaited |= new
        agenda.board.wait(unit.id, sorted(new))
        agenda.unsettled[unit.id] = None


def finished(agenda: Agenda, event: Finished) -> None:
    """Take how a job ended."""
    unit = agenda.board.units[event.unit]
    if unit.state is not State.RUNNING:
        return
    report = event.report
    if report.outcome is Outcome.NEEDS:
        preparing.need(agenda, unit, report.needs)
        return
    if report.outcome is not Outcome.BUILT:
        _build_failed(agenda, unit, event)
        return
    unit.report, unit.reported = report, event.key
    if event.artifact is None:
        settling.fail_without_wheel(agenda, unit, None)
        return
    if event.artifact.origin is Origin.BOOTSTRAP:
        unit.bootstrap = event.artifact
        unit.state = State.WAITING
        agenda.unsettled[unit.id] = None
        agenda.awake[unit.id] = None
        agenda.wake_dependants(unit.id)
        return
    try:
        settling.complete(agenda, unit, event.artifact, Provision.BUILT)
    except InvalidArchiveError as error:
        settling.fail_without_wheel(agenda, unit, error)


def _build_failed(agenda: Agenda, unit: Unit, event: Finished) -> None:
    """Try once more with build requirements of the release's own time, where that is known.

    Not of a time before its Python: tools of then would fail on what the Python has dropped since.
    """
    unit.failed_keys |= {event.key, *((unit.key,) if unit.key is not None else ())}
    if _may_go_another_way(agenda, unit, event.report):
        unit.detours += 1
        unit.report, unit.reported = event.report, event.key
        unit.as_of, unit.rounds, unit.needs = None, 0, ()
        preparing.resolve_build(agenda, unit)
        agenda.detours.append((unit.id, unit.way))
        return
    if unit.as_of is not None:
        settling.give_up(agenda, unit)
        return
    unit.report, unit.reported = event.report, event.key
    uploaded = agenda.board.releases[unit.id.release].source.uploaded
    older = agenda.options.retry_as_of and bool(unit.resolution.pins)
    if not older or uploaded is None or not _may_be_newer_tools(event.report):
        settling.fail(agenda, unit)
        return
    unit.as_of = max(uploaded, unit.id.target.interpreter.established)
    unit.rounds, unit.needs = 0, ()
    agenda.older.append((unit.id, unit.day))
    preparing.resolve_build(agenda, unit)


def _may_go_another_way(agenda: Agenda, unit: Unit, report: Report) -> bool:
    """Whether the policy has a further way to a target for what failed on the one that was gone."""
    ways = agenda.options.ways_to(unit.id.target, agenda.recipe(unit.id))
    further = unit.detours + 1 < len(ways)
    return further and report.outcome in {Outcome.FAILED, Outcome.TIMED_OUT, Outcome.OVER_LIMIT}


def _may_be_newer_tools(report: Report) -> bool:
    """Whether a failure could come from build tools newer than the release.

    Once they made a wheel they did their part: what is missing from it, or from what it imports, is
    not brought back by older ones. A source that could not even be unpacked and patched met none.
    """
    made = any(step.name not in _STEPS_OF_TOOLS for step in report.steps)
    if report.steps and report.steps[-1].name in {StepName.FETCH, StepName.UNPACK}:
        return False
    return report.outcome is Outcome.FAILED and not report.needs_system and not made


def unsolved(agenda: Agenda, unit: Unit, error: WheelyardError) -> None:
    """Take that what a unit requires to be built or tested has no solution."""
    if unit.state is not State.RESOLVING:
        return
    if unit.as_of is not None and unit.report is not None:
        settling.give_up(agenda, unit)
    else:
        settling.fail(agenda, unit, error)
