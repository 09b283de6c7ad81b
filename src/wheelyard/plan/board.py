"""The units of a plan and the ways to find them."""

from collections.abc import Iterable

from wheelyard.model.release import ProjectName, Release
from wheelyard.model.resolution import Pin, Resolution
from wheelyard.plan.events import UnitId
from wheelyard.plan.gate import Gate
from wheelyard.plan.unit import EdgeKind, Reason, ReleaseState, Unit
from wheelyard.targets.target import Target


class Board:
    """Units by name and by release, who waits for whom, and what is known of each release.

    ``version`` grows when there are new units or edges.
    """

    def __init__(self) -> None:
        self.units: dict[UnitId, Unit] = {}
        self.releases: dict[Release, ReleaseState] = {}
        self.gates: dict[Release, Gate] = {}
        self.version = 0
        self._of_release: dict[Release, dict[Target, Unit]] = {}
        self._dependants: dict[UnitId, dict[UnitId, None]] = {}

    def admit_all(
        self, resolution: Resolution, target: Target, reason: Reason, sources: Iterable[bool]
    ) -> tuple[tuple[UnitId, ...], list[Unit]]:
        """Make the pins of a resolution units; return all their names, and those that are new.

        The first resolution that brings a unit says what it requires when it runs.
        """
        names: dict[ProjectName, UnitId] = {}
        fresh = []
        for pin, from_source in zip(resolution.pins, sources, strict=True):
            name = UnitId(pin.release, target)
            unit = self.units.get(name)
            if unit is None:
                unit = self._admit(name, pin, from_source=from_source)
                fresh.append(unit)
            if (
                reason.kind in {EdgeKind.BUILD, EdgeKind.HOST}
                or pin.release.project in resolution.roots
            ):
                unit.reasons[reason] = None
            # One object a unit: looking it up later is then a comparison of identities.
            names[pin.release.project] = unit.id
        if fresh:
            self._join(fresh, names, resolution)
        return tuple(names.values()), fresh

    def _admit(self, name: UnitId, pin: Pin, *, from_source: bool) -> Unit:
        unit = Unit(id=name, pin=pin, from_source=from_source)
        self.units[name] = unit
        self._of_release.setdefault(name.release, {})[name.target] = unit
        self.version += 1
        return unit

    def _join(
        self, fresh: list[Unit], names: dict[ProjectName, UnitId], resolution: Resolution
    ) -> None:
        """Say what new units require when they run, among what they were resolved with."""
        company = {pin.release.project: pin for pin in resolution.pins}
        for unit in fresh:
            unit.company = company
            # With extras, a release may require itself.
            unit.runs = tuple(
                names[project]
                for project in sorted(unit.pin.dependencies)
                if project in names and project != unit.id.release.project
            )
            for run in unit.runs:
                self.units[run].reasons[Reason(EdgeKind.RUN, unit.id)] = None

    def of_release(self, release: Release) -> list[Unit]:
        """Return the units of one release, lowest target first."""
        found = self._of_release.get(release, {})
        if len(found) == 1:
            return list(found.values())
        return [found[target] for target in sorted(found)]

    def at(self, release: Release, target: Target) -> Unit:
        """Return the unit of a release for a target."""
        return self._of_release[release][target]

    def wait(self, unit: UnitId, needed: Iterable[UnitId]) -> None:
        """Note that one unit waits for others."""
        for other in needed:
            self._dependants.setdefault(other, {})[unit] = None
        self.version += 1

    def dependants_of(self, unit: UnitId) -> tuple[UnitId, ...]:
        """Return the units that wait for one directly, in the order in which they came."""
        return tuple(self._dependants.get(unit, ()))

    def waiting_for(self, project: ProjectName) -> tuple[UnitId, ...]:
        """Return the units that wait directly for wheels of a project that are still to come."""
        found: dict[UnitId, None] = {}
        for unit in self.units.values():
            if unit.id.release.project == project and not unit.final:
                found |= dict.fromkeys(
                    name for name in self.dependants_of(unit.id) if not self.units[name].final
                )
        return tuple(found)

    def is_hopeless(self, unit: Unit) -> bool:
        """Whether a unit is lost and no other target of its release may give a wheel for it."""
        return unit.is_lost and not any(
            other.may_come for other in self._of_release[unit.id.release].values()
        )
