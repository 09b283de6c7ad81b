"""The life of a unit up to its key.

Its source is inspected, it passes the gate of its release's probe, and its build environment is
resolved. That names its key, under which it is looked up.
"""

from wheelyard.errors import NoSolutionError
from wheelyard.model.artifact import Origin
from wheelyard.model.release import Release
from wheelyard.model.resolution import Resolution
from wheelyard.plan import offers, settling
from wheelyard.plan.agenda import Agenda
from wheelyard.plan.events import (
    FetchWheel,
    Inspect,
    Inspected,
    InspectFailed,
    Recall,
    ResolveBuild,
    ResolveHost,
)
from wheelyard.plan.gate import Gate
from wheelyard.plan.queries import build_query, host_query
from wheelyard.plan.unit import EMPTY, Provision, ReleaseState, State, Unit

_MAXIMUM_ROUNDS = 5
"""How often a back end may ask for further requirements before its answers count as not settling."""


def begin_all(agenda: Agenda, units: list[Unit]) -> None:
    """Start the life of new units: all known to their gates before the first gate opens."""
    for unit in units:
        if _is_inspected(agenda, unit):
            _enter_gate(agenda, unit)


def _is_inspected(agenda: Agenda, unit: Unit) -> bool:
    """Ask for what is not known of a unit's release yet; True where nothing is missing."""
    release, pin = unit.id.release, unit.pin
    if not unit.from_source and pin.wheel is not None:
        unit.state = State.FETCHING
        agenda.commands.append(FetchWheel(unit=unit.id, entry=pin.wheel, origin=Origin.UPSTREAM))
        return False
    if agenda.recipe(unit.id).skip is not None:
        settling.skip(agenda, unit)
        return False
    if pin.source is None:
        error = NoSolutionError(
            f"{release} has no source, only wheels",
            hint="Take upstream's wheel: --from-source=none, or --from-source=requested with only "
            "what requires it named.",
        )
        settling.fail(agenda, unit, error)
        return False
    known = agenda.board.releases.get(release)
    if known is None:
        known = ReleaseState(release=release, source=pin.source)
        agenda.board.releases[release] = known
        agenda.commands.append(Inspect(release=release, source=known.source))
    if known.error is not None:
        settling.fail(agenda, unit, known.error)
    return known.facts is not None


def inspected(agenda: Agenda, event: Inspected) -> None:
    """Take what a source says of itself."""
    known = agenda.board.releases[event.release]
    known.source, known.facts = event.source, event.facts
    known.artifacts += event.published
    for unit in agenda.board.of_release(event.release):
        if unit.state is State.INSPECTING:
            _enter_gate(agenda, unit)


def inspect_failed(agenda: Agenda, event: InspectFailed) -> None:
    """Take that a source could not be had or read."""
    agenda.board.releases[event.release].error = event.error
    for unit in agenda.board.of_release(event.release):
        if unit.state is State.INSPECTING:
            settling.fail(agenda, unit, event.error)


def _enter_gate(agenda: Agenda, unit: Unit) -> None:
    release = unit.id.release
    known = agenda.board.releases[release]
    recipe = agenda.recipe(unit.id)
    served = None if agenda.options.rebuild else offers.covering(unit, known, recipe)
    if served is not None:
        settling.provide(agenda, unit, served, Provision.COVERED)
        return
    requires_python = unit.pin.requires_python
    if not requires_python and known.facts is not None:
        requires_python = known.facts.requires_python
    gate = agenda.board.gates.setdefault(release, Gate())
    gate.add(unit.id.target, requires_python)
    unit.state = State.GATED
    if not settling.cover(agenda, unit):
        agenda.gates[release] = None


def open_gate(agenda: Agenda, release: Release) -> None:
    """Let go on what need not wait any more for a probe of its release."""
    gate = agenda.board.gates[release]
    for unit in agenda.board.of_release(release):
        if unit.state is State.GATED and not gate.applicable(unit.id.target):
            settling.exclude(agenda, unit, gate.excluded_by(unit.id.target))
    for target in gate.take_offers():
        resolve_build(agenda, agenda.board.at(release, target))


def resolve_build(agenda: Agenda, unit: Unit) -> None:
    """Ask for the build environment of a unit."""
    facts = agenda.board.releases[unit.id.release].facts
    if facts is None:
        raise AssertionError(unit.id)
    ways = agenda.options.ways_to(unit.id.target, agenda.recipe(unit.id))
    unit.way = ways[min(unit.detours, len(ways) - 1)]
    query = build_query(agenda.options, unit, facts, agenda.recipe(unit.id))
    unit.state, unit.blocked = State.RESOLVING, False
    if query.requirements:
        agenda.commands.append(ResolveBuild(unit=unit.id, query=query))
    else:
        build_resolved(agenda, unit, EMPTY)


def build_resolved(agenda: Agenda, unit: Unit, resolution: Resolution) -> None:
    """Take the build environment of a unit, and ask for what it is compiled against."""
    if unit.state is not State.RESOLVING:
        return
    unit.resolution = resolution
    query = host_query(agenda.options, unit, agenda.recipe(unit.id))
    if query is None:
        host_resolved(agenda, unit, EMPTY)
    else:
        agenda.commands.append(ResolveHost(unit=unit.id, query=query))


def host_resolved(agenda: Agenda, unit: Unit, resolution: Resolution) -> None:
    """Take what a unit is compiled against; with its build environment that names its key."""
    if unit.state is not State.RESOLVING:
        return
    unit.host_resolution = resolution
    known = agenda.board.releases[unit.id.release]
    recipe = agenda.recipe(unit.id)
    keys = offers.keys_of(unit, known, recipe, agenda.options)
    unit.key, unit.ordinary_key, unit.portable_key = keys.exact, keys.ordinary, keys.portable
    if unit.key in unit.failed_keys:
        settling.give_up(agenda, unit)
        return
    unit.state = State.RECALLING
    agenda.commands.append(Recall(unit=unit.id, key=keys.exact, portable_key=keys.portable))


def need(agenda: Agenda, unit: Unit, needs: tuple[str, ...]) -> None:
    """Resolve again with what a back end asks for beyond what it has."""
    unit.rounds += 1
    if unit.rounds <= _MAXIMUM_ROUNDS and not set(needs) <= set(unit.needs):
        unit.needs = tuple(dict.fromkeys((*unit.needs, *needs)))
        resolve_build(agenda, unit)
        return
    if unit.as_of is not None:
        settling.give_up(agenda, unit)
        return
    error = NoSolutionError(
        f"the build requirements of {unit.id} do not settle: it asks for {', '.join(needs)}",
        hint="Name what it needs in build-requires of a recipe.",
    )
    settling.fail(agenda, unit, error)
