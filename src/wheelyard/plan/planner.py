"""The plan of a request, growing while it is carried out.

The planner is told what happened and answers with what to do next (``events``); it does none of it.
A unit is one release for one target. It is inspected, passes the gate of its release's probe, has its
build environment resolved, which names its build key, and is looked up under that key. Only what is
not there already has its own build requirements planned, so that a plan that finds everything built
asks for nothing.
"""

from collections.abc import Callable
from typing import assert_never

from wheelyard.errors import NoSolutionError, WheelyardError
from wheelyard.model.artifact import Artifact, Origin
from wheelyard.model.job import Outcome, Report
from wheelyard.model.recipe import Recipe
from wheelyard.model.release import Release
from wheelyard.model.resolution import Resolution
from wheelyard.plan import bootstrap, offers
from wheelyard.plan.board import Board
from wheelyard.plan.events import (
    BuildResolved,
    Command,
    Event,
    Exclusion,
    FetchWheel,
    Finished,
    Inspect,
    Inspected,
    InspectFailed,
    Recall,
    Recalled,
    RequestResolved,
    ResolveBuild,
    ResolveRequest,
    Start,
    UnitFailed,
    UnitId,
    WheelFetched,
)
from wheelyard.plan.gate import Gate
from wheelyard.plan.queries import build_query, request_query
from wheelyard.plan.unit import (
    EMPTY,
    EdgeKind,
    PlanOptions,
    Provision,
    Reason,
    ReleaseState,
    State,
    Unit,
)
from wheelyard.targets.target import Target

_MAXIMUM_ROUNDS = 5
"""How often a back end may ask for further requirements before its answers count as not settling."""


class Planner:
    """Turns a request into commands, and events into further commands."""

    def __init__(self, options: PlanOptions, recipe_of: Callable[[Release], Recipe]) -> None:
        self.options = options
        self.recipe_of = recipe_of
        self.board = Board()
        self.exclusions: list[Exclusion] = []
        self.cycles: list[bootstrap.BrokenCycle] = []
        self.roots: list[UnitId] = []
        self.resolved: dict[Target, Resolution] = {}
        self._outstanding = 0
        self._unsettled = False
        self._provided: list[Unit] = []
        self._older: list[tuple[UnitId, str]] = []

    def take_provided(self) -> list[Unit]:
        """Return the units that were provided since this was last asked."""
        taken, self._provided = self._provided, []
        return taken

    def take_older(self) -> list[tuple[UnitId, str]]:
        """Return the units that are tried with older build requirements, and as of which day, likewise."""
        taken, self._older = self._older, []
        return taken

    def begin(self) -> list[Command]:
        """Return the first commands."""
        return self._count(
            [
                ResolveRequest(query=request_query(self.options, target))
                for target in sorted(set(self.options.targets))
            ]
        )

    def handle(self, event: Event) -> list[Command]:
        """Take what happened and return what to do now."""
        if not isinstance(event, Finished):
            self._outstanding -= 1
        commands = self._count(self._answer(event))
        if self._outstanding == 0 and self._unsettled:
            # Only now is every requirement known that can be known without building.
            self._unsettled = False
            commands += self._count(self._break_cycles())
        return commands

    def _count(self, commands: list[Command]) -> list[Command]:
        self._outstanding += sum(1 for command in commands if not isinstance(command, Start))
        return commands

    def _answer(self, event: Event) -> list[Command]:
        match event:
            case RequestResolved():
                return self._request_resolved(event)
            case Inspected():
                return self._inspected(event)
            case InspectFailed():
                return self._inspect_failed(event)
            case BuildResolved():
                return self._build_resolved(self.board.units[event.unit], event.resolution)
            case Recalled():
                return self._recalled(event)
            case WheelFetched():
                return self._wheel_fetched(event)
            case UnitFailed():
                return self._unit_failed(event)
            case Finished():
                return self._finished(event)
            case _:
                assert_never(event)

    # What was asked for

    def _request_resolved(self, event: RequestResolved) -> list[Command]:
        self.exclusions += event.exclusions
        self.resolved[event.target] = event.resolution
        if len(self.resolved) < len(set(self.options.targets)):
            return []
        # A probe is chosen among all targets of a release, so all must be known before the first.
        fresh: list[Unit] = []
        for target, resolution in sorted(self.resolved.items(), key=lambda item: item[0]):
            fresh += self._admit(resolution, target, Reason(EdgeKind.REQUEST, None))
            named = set(resolution.roots)
            self.roots += [
                UnitId(pin.release, target)
                for pin in resolution.pins
                if pin.release.project in named
            ]
        return self._begin_all(fresh)

    def _admit(self, resolution: Resolution, target: Target, reason: Reason) -> list[Unit]:
        sources = [self.options.wants_source(pin) for pin in resolution.pins]
        return self.board.admit_all(resolution, target, reason, sources)

    def _begin_all(self, units: list[Unit]) -> list[Command]:
        """Start the life of new units: all known to their gates before the first gate opens."""
        commands: list[Command] = []
        ready = [unit for unit in units if self._is_inspected(unit, commands)]
        for unit in ready:
            commands += self._enter_gate(unit)
        for release in dict.fromkeys(unit.id.release for unit in ready):
            commands += self._open_gate(release)
        return commands

    # The life of a unit, up to its key

    def _is_inspected(self, unit: Unit, commands: list[Command]) -> bool:
        """Ask for what is not known of a unit's release yet; True where nothing is missing."""
        if not unit.from_source and unit.pin.wheel is not None:
            unit.state = State.FETCHING
            commands.append(FetchWheel(unit=unit.id, entry=unit.pin.wheel, origin=Origin.UPSTREAM))
            return False
        release = unit.id.release
        if unit.pin.source is None:
            error = NoSolutionError(
                f"{release} has no source, only wheels",
                hint="Use --from-source=requested or none to take upstream's wheel.",
            )
            commands += self._fail(unit, error)
            return False
        known = self.board.releases.get(release)
        if known is None:
            known = ReleaseState(release=release, source=unit.pin.source)
            self.board.releases[release] = known
            commands.append(Inspect(release=release, source=known.source))
        if known.error is not None:
            commands += self._fail(unit, known.error)
        return known.facts is not None

    def _inspected(self, event: Inspected) -> list[Command]:
        known = self.board.releases[event.release]
        known.source, known.facts = event.source, event.facts
        known.artifacts += event.published
        waiting = [
            unit for unit in self.board.of_release(event.release) if unit.state is State.INSPECTING
        ]
        commands: list[Command] = []
        for unit in waiting:
            commands += self._enter_gate(unit)
        return commands + self._open_gate(event.release)

    def _inspect_failed(self, event: InspectFailed) -> list[Command]:
        self.board.releases[event.release].error = event.error
        commands: list[Command] = []
        for unit in self.board.of_release(event.release):
            if unit.state is State.INSPECTING:
                commands += self._fail(unit, event.error)
        return commands

    def _enter_gate(self, unit: Unit) -> list[Command]:
        known = self.board.releases[unit.id.release]
        recipe = self.recipe_of(unit.id.release)
        if recipe.skip is not None:
            unit.state = State.SKIPPED
            return []
        served = None if self.options.rebuild else offers.covering(unit, known, recipe)
        if served is not None:
            return self._provide(unit, served, Provision.COVERED)
        requires_python = unit.pin.requires_python
        if not requires_python and known.facts is not None:
            requires_python = known.facts.requires_python
        gate = self.board.gates.setdefault(unit.id.release, Gate())
        gate.add(unit.id.target, requires_python)
        unit.state = State.GATED
        return []

    def _open_gate(self, release: Release) -> list[Command]:
        gate = self.board.gates.get(release)
        if gate is None:
            return []
        commands: list[Command] = []
        for unit in self.board.of_release(release):
            if unit.state is State.GATED and not gate.applicable(unit.id.target):
                unit.state = State.NOT_APPLICABLE
        for target in gate.take_offers():
            commands += self._resolve_build(self.board.at(release, target))
        return commands

    def _resolve_build(self, unit: Unit) -> list[Command]:
        facts = self.board.releases[unit.id.release].facts
        if facts is None:
            raise AssertionError(unit.id)
        query = build_query(self.options, unit, facts, self.recipe_of(unit.id.release))
        unit.state = State.RESOLVING
        if not query.requirements:
            return self._build_resolved(unit, EMPTY)
        return [ResolveBuild(unit=unit.id, query=query)]

    def _build_resolved(self, unit: Unit, resolution: Resolution) -> list[Command]:
        if unit.final:
            return []
        unit.resolution = resolution
        known = self.board.releases[unit.id.release]
        recipe = self.recipe_of(unit.id.release)
        unit.key = offers.key_of(unit, known, recipe, self.options)
        if unit.key in unit.failed_keys:
            return self._give_up(unit)
        unit.state = State.RECALLING
        return [Recall(unit=unit.id, key=unit.key)]

    def _recalled(self, event: Recalled) -> list[Command]:
        unit = self.board.units[event.unit]
        if unit.final:
            return []
        if event.artifact is not None and not self.options.rebuild:
            return self._complete(unit, event.artifact, Provision.REUSED)
        if event.needs is not None:
            return self._need(unit, event.needs)
        return self._expand(unit)

    def _need(self, unit: Unit, needs: tuple[str, ...]) -> list[Command]:
        unit.rounds += 1
        if unit.rounds > _MAXIMUM_ROUNDS or set(needs) <= set(unit.needs):
            error = NoSolutionError(
                f"the build requirements of {unit.id} do not settle: "
                f"it asks for {', '.join(needs)}",
                hint="Name what it needs in build-requires of a recipe.",
            )
            return self._fail(unit, error)
        unit.needs = tuple(dict.fromkeys((*unit.needs, *needs)))
        return self._resolve_build(unit)

    # From key to job

    def _expand(self, unit: Unit) -> list[Command]:
        """Plan the build requirements of a unit that has to be built."""
        target = unit.id.target
        fresh = self._admit(unit.resolution, target, Reason(EdgeKind.BUILD, unit.id))
        unit.builds = tuple(UnitId(pin.release, target) for pin in unit.resolution.pins)
        unit.state = State.WAITING
        self._unsettled = True
        self.board.wait(unit.id, (*unit.builds, *unit.runs))
        return self._begin_all(fresh) + self._try_start(unit)

    def _try_start(self, unit: Unit) -> list[Command]:
        if unit.state is not State.WAITING:
            return []
        known = self.board.releases[unit.id.release]
        recipe = self.recipe_of(unit.id.release)
        made = offers.make_offer(unit, self.board.units, known, recipe, self.options)
        if made is None:
            return []
        offer, with_seed = made
        if with_seed and unit.bootstrap is not None:
            return []
        unit.state = State.RUNNING
        return [Start(unit=unit.id, offer=offer, bootstrap=with_seed)]

    def _finished(self, event: Finished) -> list[Command]:
        unit = self.board.units[event.unit]
        if unit.final:
            return []
        report = event.report
        if report.outcome is Outcome.NEEDS:
            return self._need(unit, report.needs)
        if report.outcome is not Outcome.BUILT or event.artifact is None:
            return self._build_failed(unit, event)
        unit.report = report
        if event.artifact.origin is Origin.BOOTSTRAP:
            unit.bootstrap = event.artifact
            unit.state = State.WAITING
            self._unsettled = True
            return self._wake(unit.id) + self._try_start(unit)
        return self._complete(unit, event.artifact, Provision.BUILT)

    def _build_failed(self, unit: Unit, event: Finished) -> list[Command]:
        """Try once more with build requirements of the release's own time, where that is known."""
        unit.failed_keys.add(event.key)
        if unit.as_of is not None:
            return self._give_up(unit)
        unit.report = event.report
        uploaded = self.board.releases[unit.id.release].source.uploaded
        older = self.options.retry_as_of and unit.resolution.pins
        if not older or uploaded is None or not _may_be_newer_tools(event.report):
            return self._fail(unit)
        unit.as_of, unit.rounds, unit.needs = uploaded, 0, ()
        self._older.append((unit.id, uploaded.date().isoformat()))
        return self._resolve_build(unit)

    def _give_up(self, unit: Unit) -> list[Command]:
        """Let the first failure stand: older build requirements did not help."""
        unit.as_of = None
        return self._fail(unit)

    # Ends, and what they set free

    def _complete(self, unit: Unit, artifact: Artifact, provision: Provision) -> list[Command]:
        commands = self._provide(unit, artifact, provision)
        release = unit.id.release
        gate = self.board.gates.get(release)
        if gate is None:
            return commands
        self.board.releases[release].artifacts.append(artifact)
        gate.built(unit.id.target, artifact)
        for other in self.board.of_release(release):
            open_to_it = other.state not in {State.DONE, State.RUNNING, State.SKIPPED}
            if open_to_it and gate.covered(other.id.target):
                commands += self._provide(other, artifact, Provision.COVERED)
        return commands + self._open_gate(release)

    def _provide(self, unit: Unit, artifact: Artifact, provision: Provision) -> list[Command]:
        unit.state, unit.artifact, unit.provision = State.DONE, artifact, provision
        self._provided.append(unit)
        return self._wake(unit.id)

    def _fail(self, unit: Unit, error: WheelyardError | None = None) -> list[Command]:
        unit.state = State.FAILED
        unit.error = error
        gate = self.board.gates.get(unit.id.release)
        if gate is None:
            return []
        gate.failed(unit.id.target)
        return self._open_gate(unit.id.release)

    def _unit_failed(self, event: UnitFailed) -> list[Command]:
        unit = self.board.units[event.unit]
        if unit.final:
            return []
        if unit.as_of is not None and unit.report is not None:
            return self._give_up(unit)
        return self._fail(unit, event.error)

    def _wake(self, done: UnitId) -> list[Command]:
        commands: list[Command] = []
        for dependant in self.board.dependants_of(done):
            commands += self._try_start(self.board.units[dependant])
        return commands

    # Upstream's wheels

    def _wheel_fetched(self, event: WheelFetched) -> list[Command]:
        unit = self.board.units[event.unit]
        if event.artifact.origin is not Origin.SEED:
            return self._complete(unit, event.artifact, Provision.UPSTREAM)
        if unit.group is not None:
            unit.group.seeds[unit.id] = event.artifact
        return self._wake(unit.id)

    def _break_cycles(self) -> list[Command]:
        commands: list[Command] = []
        for broken in bootstrap.find_cycles(self.board.units):
            self.cycles.append(broken)
            bootstrap.apply(self.board.units, broken)
            for seed in broken.seeds:
                wheel = self.board.units[seed].pin.wheel
                if wheel is not None:
                    commands.append(FetchWheel(unit=seed, entry=wheel, origin=Origin.SEED))
            for unit, _ in broken.cut:
                commands += self._try_start(self.board.units[unit])
        return commands


def _may_be_newer_tools(report: Report) -> bool:
    """Whether a failure could come from build tools newer than the release."""
    return report.outcome is Outcome.FAILED and not report.needs_system
