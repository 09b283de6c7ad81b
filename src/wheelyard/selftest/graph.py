"""The packages that are built while something goes wrong: sixty small ones that need each other."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from wheelyard.testing.sdists import SdistSpec, write_sdist

COUNT = 60
_LAYER = 12
SLOW_ONE = 7
"""A number that nothing needs, for a package that takes its time."""
LEAVES = tuple(range(50, COUNT))
"""Numbers that nothing needs and that need others, for packages that go wrong."""

SLOW = "import time\nfor number in range(40):\n    print('tick', number, flush=True)\n    time.sleep(0.1)\n"
"""What a package does that takes four seconds and says something all the while."""


def name_of(number: int) -> str:
    """Return the project with a number."""
    return f"fault-{number:02}"


def names() -> tuple[str, ...]:
    """Return all projects."""
    return tuple(map(name_of, range(COUNT)))


def needs_of(number: int) -> tuple[str, ...]:
    """Return what a project needs to be built: those of the first layer nothing, the others one or two of the layer before.

    Many need the same, as they do in a real tree, where most need one back end.
    """
    layer, place = divmod(number, _LAYER)
    if not layer:
        return ()
    before = (layer - 1) * _LAYER
    needed = (before + place % 2, before + 2) if place == _LAYER - 1 else (before + place % 2,)
    return tuple(map(name_of, needed))


def specs(hooks: Mapping[int, str] | None = None) -> Sequence[SdistSpec]:
    """Return all packages; ``hooks`` are what some of them do when they are built."""
    found = [
        SdistSpec(name=name_of(number), build_requires=needs_of(number)) for number in range(COUNT)
    ]
    for number, hook in (hooks or {}).items():
        found[number] = replace(found[number], during_build=hook)
    return found


def write(folder: Path, hooks: Mapping[int, str] | None = None) -> None:
    """Write all packages into a folder, which is then an index."""
    for spec in specs(hooks):
        write_sdist(spec, folder)
