"""Which other machines this one builds for, and on which ways."""

from collections.abc import Sequence
from pathlib import Path

from wheelyard.executor.interpreters import MachineInterpreters, native_platform
from wheelyard.executor.platforms.reaching import KnownPlatforms
from wheelyard.executor.reached import Platforms
from wheelyard.model.reach import Reach
from wheelyard.model.way import Way
from wheelyard.targets.target import Target

_FOLDER = "platforms"


def known_platforms(state: Path, mirror: str = "") -> KnownPlatforms:
    """Return the platforms that a state folder knows, to be listed, added and checked with a mirror of Debian."""
    return KnownPlatforms(state / _FOLDER, mirror)


def platforms_of(state: Path) -> Platforms | None:
    """Return the platforms that a state folder knows."""
    return KnownPlatforms(state / _FOLDER)


def reaches_of(state: Path) -> tuple[Reach, ...]:
    """Return where the platforms of a state folder lead, those for which nothing is missing. This blocks."""
    return KnownPlatforms(state / _FOLDER).reaches(native_platform())


def shown_of(state: Path) -> tuple[Path, ...]:
    """Return the folders with tools and sysroots, which builds must see whenever they are filled."""
    folder = state / _FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    return (folder,)


async def ways_to(
    targets: Sequence[Target], found: MachineInterpreters, platforms: Platforms | None
) -> dict[str, tuple[Way, ...]]:
    """Return the ways to targets that this machine is none of; those without one are left out."""
    ways: dict[str, tuple[Way, ...]] = {}
    for target in targets if platforms is not None else ():
        build = Target(target.interpreter, native_platform())
        if found.executable(build) is None:
            continue
        if reached := await platforms.ways(target, build):  # type: ignore[union-attr]
            ways[str(target)] = reached
    return ways
