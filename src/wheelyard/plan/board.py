"""The units of a plan and the ways to find them."""

from collections.abc import Iterable

from wheelyard.model.release import Release
from wheelyard.model.resolution import Pin, Resolution
from wheelyard.plan.events import UnitId
from wheelyard.plan.gate import Gate
from wheelyard.plan.unit import EdgeKind, Reason, ReleaseState, Unit
from wheelyard.targets.target import Target


class Board:
    """Units by name and by release, who waits for whom, and what is known of each release."""

    def __init__(self) -> None:
        self.units: dict[UnitId, Unit] = {}
        self.releases: dict[Release, ReleaseState] = {}
        self.gates: dict[Release, Gate] = {}
        self._of_release: dict[Release, dict[Target, Unit]] = {}
        self._dependants: dict[UnitId, set[UnitId]] = {}

    def admit(self, pin: Pin, target: Target, *, from_source: bool) -> tuple[Unit, bool]:
        """Return the unit of a pin, and whether it is new."""
        key = UnitId(pin.release, target)
        unit = self.units.get(key)
        if unit is not None:
            return unit, False
        unit = Unit(id=key, pin=pin, from_source=from_source)
        self.units[key] = unit
        self._of_release.setdefault(pin.release, {})[target] = unit
        return unit, True

    def admit_all(
        self, resolution: Resolution, target: Target, reason: Reason, sources: Iterable[bool]
    ) -> list[Unit]:
        """Make the pins of a resolution units and return the new ones.

        The first resolution that brings a unit says what it requires when it runs.
        """
        names = {pin.release.project: UnitId(pin.release, target) for pin in resolution.pins}
        fresh = []
        for pin, from_source in zip(resolution.pins, sources, strict=True):
            unit, new = self.admit(pin, target, from_source=from_source)
            if new:
                unit.runs = tuple(sorted(names[name] for name in pin.dependencies if name in names))
                fresh.append(unit)
            if reason.kind is EdgeKind.BUILD or pin.release.project in resolution.roots:
                unit.reasons[reason] = None
        for unit in fresh:
            for run in unit.runs:
                self.units[run].reasons[Reason(EdgeKind.RUN, unit.id)] = None
        return fresh

    def of_release(self, release: Release) -> list[Unit]:
        """Return the units of one release, lowest target first."""
        found = self._of_release.get(release, {})
        return [found[target] for target in sorted(found)]

    def at(self, release: Release, target: Target) -> Unit:
        """Return the unit of a release for a target."""
        return self._of_release[release][target]

    def wait(self, unit: UnitId, needed: Iterable[UnitId]) -> None:
        """Note that one unit waits for others."""
        for other in needed:
            self._dependants.setdefault(other, set()).add(unit)

    def dependants_of(self, unit: UnitId) -> list[UnitId]:
        """Return the units that wait for one directly, sorted."""
        return sorted(self._dependants.get(unit, ()))
