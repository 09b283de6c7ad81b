"""Which builders a wheel's job needs, and so which pool it waits in.

A pool is the set of builders that have what its jobs need; its name is the text of those needs.
"""

from collections.abc import Iterable, Mapping

from wheelyard.jobs.needs import Needs, meets
from wheelyard.model.builder import FactValue
from wheelyard.model.way import Way, WayKind
from wheelyard.targets.interpreter import ANY
from wheelyard.targets.platform import Platform
from wheelyard.targets.target import Target

_CLASSES_GB = (4, 8, 16, 32, 64, 128, 256, 512)


def needs_of_target(target: Target, more: Needs | None = None) -> Needs:
    """Return what it takes to build for a target, and what a recipe or a request asks for beside it.

    The C library's floor is no need: repair tells, of each wheel, how low it really reaches.
    """
    libc, arch = Platform.parse(target.platform).family
    values = {"arch": arch}
    if target.interpreter != ANY:
        # What is for no Python is no wheel either, and says itself if it is for one C library.
        values |= {"python": str(target.interpreter), "libc": libc}
    return Needs.of({**values, **dict(more.items if more is not None else ())})


def needs_of_way(target: Target, way: Way, more: Needs | None = None) -> Needs:
    """Return what it takes to build for a target on a way: of a builder that is no such machine, that it has the platform."""
    if way.kind is WayKind.NATIVE:
        return needs_of_target(target, more)
    if way.kind is WayKind.EMULATED:
        values: dict[str, object] = {"emulates": way.platform, "python": str(target.interpreter)}
        return Needs.of({**values, **dict(more.items if more is not None else ())})
    return needs_of_target(way.runs_on(target), more).with_(platform=way.platform)


def larger(
    needs: Needs, failed_on: Mapping[str, FactValue], others: Iterable[Mapping[str, FactValue]]
) -> Needs:
    """Return needs that only builders with more memory than one meet; the same where there are none."""
    had = failed_on.get("memory_gb", 0)
    most = had if isinstance(had, int | float) else 0
    bound = next((size for size in _CLASSES_GB if size > most), int(most) + 1)
    wanted = needs.with_(memory_gb=f">={bound}")
    return wanted if any(meets(facts, wanted) for facts in others) else needs
