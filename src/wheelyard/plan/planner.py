"""The plan of a request, growing while it is carried out.

The planner is told what happened and answers with what to do next (``events``); it does none of it.
A unit is one release for one target. ``preparing`` takes it to its build key, ``building`` from there to its wheel,
``settling`` says what its end means for others; what they leave to do lies on the ``agenda``. Only what is
not there already has its own build requirements planned, so that a plan that finds everything built
asks for nothing.
"""

from collections import OrderedDict
from collections.abc import Callable
from typing import TypeVar, assert_never

from wheelyard.model.artifact import Origin
from wheelyard.model.recipe import Recipe
from wheelyard.model.release import Release
from wheelyard.model.resolution import Resolution
from wheelyard.model.way import Way
from wheelyard.plan import bootstrap, building, preparing, settling
from wheelyard.plan.agenda import Agenda
from wheelyard.plan.events import (
    BuildResolved,
    Command,
    Event,
    Exclusion,
    FetchFailed,
    FetchWheel,
    Finished,
    HostResolved,
    Inspected,
    InspectFailed,
    Recalled,
    RequestResolved,
    ResolveRequest,
    Start,
    TestResolved,
    UnitFailed,
    UnitId,
    WheelFetched,
)
from wheelyard.plan.queries import request_query
from wheelyard.plan.unit import EdgeKind, PlanOptions, Provision, Reason, State, Unit
from wheelyard.targets.target import Target

_Note = TypeVar("_Note")


class Planner:
    """Turns a request into commands, and events into further commands."""

    def __init__(self, options: PlanOptions, recipe_of: Callable[[Release], Recipe]) -> None:
        self.options = options
        self.recipe_of = recipe_of
        self.exclusions: list[Exclusion] = []
        self.cycles: list[bootstrap.BrokenCycle] = []
        self.roots: list[UnitId] = []
        self.resolved: dict[Target, Resolution] = {}
        self._agenda = Agenda(options, recipe_of)
        self.board = self._agenda.board
        self._outstanding = 0

    def take_provided(self) -> list[Unit]:
        """Return the units that were provided since this was last asked."""
        taken, self._agenda.provided = self._agenda.provided, []
        return taken

    def take_older(self) -> list[tuple[UnitId, str]]:
        """Return the units that are tried with older build requirements, and as of which day, likewise."""
        taken, self._agenda.older = self._agenda.older, []
        return taken

    def take_detours(self) -> list[tuple[UnitId, Way]]:
        """Return the units that go another way to their target, likewise."""
        taken, self._agenda.detours = self._agenda.detours, []
        return taken

    def begin(self) -> list[Command]:
        """Return the first commands."""
        for target in sorted(set(self.options.targets)):
            self._agenda.commands.append(ResolveRequest(query=request_query(self.options, target)))
        return self._take_commands()

    def handle(self, event: Event) -> list[Command]:
        """Take what happened and return what to do now."""
        if not isinstance(event, Finished):
            self._outstanding -= 1
        self._answer(event)
        self._work_off()
        commands = self._take_commands()
        while self._outstanding == 0 and self._agenda.unsettled:
            # Only now is every requirement known that can be known without building.
            self._break_cycles()
            self._work_off()
            commands += self._take_commands()
        return commands

    def _take_commands(self) -> list[Command]:
        taken, self._agenda.commands = self._agenda.commands, []
        self._outstanding += sum(1 for command in taken if not isinstance(command, Start))
        return taken

    def _work_off(self) -> None:
        """Do what is noted on the agenda, which may note more, until nothing is left.

        Gates come first, so that a target that may still give a wheel is known to be on its way before
        anything is held to be lost.
        """
        agenda = self._agenda
        while True:
            if agenda.gates:
                preparing.open_gate(agenda, _first(agenda.gates))
            elif agenda.awake:
                building.try_start(agenda, self.board.units[_first(agenda.awake)])
            elif agenda.losses:
                settling.spread_loss(agenda, _first(agenda.losses))
            else:
                return

    def _answer(self, event: Event) -> None:
        agenda, units = self._agenda, self.board.units
        match event:
            case RequestResolved():
                self._request_resolved(event)
            case Inspected():
                preparing.inspected(agenda, event)
            case InspectFailed():
                preparing.inspect_failed(agenda, event)
            case BuildResolved() | HostResolved() | TestResolved():
                self._resolved(event)
            case Recalled():
                building.recalled(agenda, event)
            case WheelFetched():
                self._wheel_fetched(event)
            case FetchFailed():
                self._fetch_failed(event)
            case UnitFailed():
                building.unsolved(agenda, units[event.unit], event.error)
            case Finished():
                building.finished(agenda, event)
            case _:
                assert_never(event)

    def _request_resolved(self, event: RequestResolved) -> None:
        self.exclusions += event.exclusions
        self.resolved[event.target] = event.resolution
        if len(self.resolved) < len(set(self.options.targets)):
            return
        # A probe is chosen among all targets of a release, so all must be known before the first.
        for target in sorted(self.resolved):
            resolution = self.resolved[target]
            names = building.admit(self._agenda, resolution, target, Reason(EdgeKind.REQUEST, None))
            roots = set(resolution.roots)
            self.roots += [name for name in names if name.release.project in roots]

    def _resolved(self, event: BuildResolved | HostResolved | TestResolved) -> None:
        unit = self.board.units[event.unit]
        if isinstance(event, BuildResolved):
            preparing.build_resolved(self._agenda, unit, event.resolution)
        elif isinstance(event, HostResolved):
            preparing.host_resolved(self._agenda, unit, event.resolution)
        else:
            building.test_resolved(self._agenda, unit, event.resolution)

    def _wheel_fetched(self, event: WheelFetched) -> None:
        unit = self.board.units[event.unit]
        if event.artifact.origin is not Origin.SEED:
            if unit.state is State.FETCHING:
                settling.provide(self._agenda, unit, event.artifact, Provision.UPSTREAM)
        elif unit.group is not None:
            unit.group.seeds[unit.id] = event.artifact
            self._agenda.wake_dependants(unit.id)

    def _fetch_failed(self, event: FetchFailed) -> None:
        """Without a seed its cycle may be broken elsewhere; without upstream's wheel a unit fails."""
        unit = self.board.units[event.unit]
        if event.origin is not Origin.SEED:
            settling.fail(self._agenda, unit, event.error)
            return
        unit.seedless = True
        if unit.group is not None:
            unit.group.seeds.pop(unit.id, None)
            self._agenda.unsettled |= dict.fromkeys(sorted(unit.group.members))

    def _break_cycles(self) -> None:
        agenda, units = self._agenda, self.board.units
        changed, agenda.unsettled = agenda.unsettled, {}
        found = bootstrap.find_cycles(self.board, changed)
        for key in found.gated:
            # It waits for a probe that waits for it: let it go on without.
            self.board.gates[key.release].take(key.target)
            preparing.resolve_build(agenda, units[key])
        for key in found.hoping:
            settling.block(agenda, units[key])
        agenda.unsettled |= dict.fromkeys(found.unsettled)
        for broken in found.broken:
            self.cycles.append(broken)
            bootstrap.apply(units, broken)
            for seed in broken.seeds:
                wheel = units[seed].pin.wheel
                if wheel is not None:
                    agenda.commands.append(FetchWheel(unit=seed, entry=wheel, origin=Origin.SEED))
            for key in sorted(broken.members):
                group = units[key].group
                agenda.awake |= dict.fromkeys(sorted(group.members) if group else (key,))
                if units[key].knot:
                    settling.block(agenda, units[key])


def _first(noted: OrderedDict[_Note, None]) -> _Note:
    """Take the oldest note."""
    return noted.popitem(last=False)[0]
