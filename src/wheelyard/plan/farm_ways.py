"""The ways of a farm to a target: which of its builders are such a machine, and which reach one without being it."""

from collections.abc import Iterable, Mapping, Sequence

from wheelyard.jobs.needs import meets
from wheelyard.jobs.pools import needs_of_target, needs_of_way
from wheelyard.jobs.waiting import Standing
from wheelyard.model.builder import Mode
from wheelyard.model.reach import Reach, order_for
from wheelyard.model.way import NATIVE, Way, WayKind
from wheelyard.targets.platform import Platform
from wheelyard.targets.target import Target

_Order = tuple[bool, bool, tuple[bool, str], tuple[bool, tuple[int, ...]]]


def ways_to(target: Target, builders: Sequence[Standing]) -> tuple[Way, ...]:
    """Return the ways to a target that some builder can go, the best first; none where nobody can.

    On a machine of its own kind comes first, then across, then emulated. What a builder that is there can do
    comes before what only one that is away could.
    """
    needs = needs_of_target(target)
    known = [one for one in builders if one.builder.mode is not Mode.REVOKED]
    able = [one for one in known if meets(dict(one.builder.facts.values), needs)]
    found: list[tuple[_Order, Reach]] = []
    for one in known:
        for reach in one.builder.facts.reaches:
            if reach.leads_to(target) and _can_cross(one, reach, target):
                height = Platform.parse(reach.build).height
                order = order_for(target, any_floor=reach.any_floor, name=reach.platform)
                # The lowest C library last, so that one key serves all builders.
                found.append(((not one.present, False, order, height), reach))
    reached = [reach for _, reach in sorted(found, key=lambda pair: pair[0])]
    across = _across(target, reached, native=bool(able))
    if not able:
        return across
    away = not any(one.present for one in able) and any(not order[0] for order, _ in found)
    return (*across, NATIVE) if away else (NATIVE, *across)


def ways_of(
    targets: Iterable[Target], builders: Sequence[Standing]
) -> Mapping[str, tuple[Way, ...]]:
    """Return the ways to targets as plans take them: of those that are reached natively, or not at all, nothing is said."""
    found = {str(target): ways_to(target, builders) for target in targets}
    return {name: ways for name, ways in found.items() if ways and ways[0] != NATIVE}


def is_gone(way: Way, ways: Sequence[Way]) -> bool:
    """Whether a way that was chosen is none any more, while there are others."""
    same = [one for one in ways if (one.kind, one.platform) == (way.kind, way.platform)]
    return bool(ways) and not same


def _can_cross(one: Standing, reach: Reach, target: Target) -> bool:
    way = Way(
        kind=WayKind.CROSS,
        build=Target(target.interpreter, reach.build),
        platform=reach.platform,
    )
    return meets(dict(one.builder.facts.values), needs_of_way(target, way))


def _across(target: Target, reached: Sequence[Reach], *, native: bool) -> tuple[Way, ...]:
    """Return the ways of the best platform: across, and emulated."""
    if not reached:
        return ()
    arch = Platform.parse(target.platform).arch or target.platform
    reason = "whose builder is away" if native else f"as no builder is {arch}"
    best = reached[0]
    crossed = Way(
        kind=WayKind.CROSS,
        build=Target(target.interpreter, best.build),
        platform=best.platform,
        toolchain=best.toolchain,
        why=f"{best.compilers}, {reason}",
    )
    emulating = next((one for one in reached if one.emulates), None)
    if emulating is None:
        return (crossed,)
    emulated = Way(
        kind=WayKind.EMULATED,
        platform=emulating.platform,
        toolchain=emulating.toolchain,
        why=f"its own Python under an emulator, {reason}",
    )
    return (crossed, emulated)
