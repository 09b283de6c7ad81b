"""The packages that are built while something goes wrong: sixty small ones that need each other."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from wheelyard.testing.sdists import SdistSpec, write_sdist

COUNT = 60
_ROOTS = 24
_BACK = (24, 17)

SLOW = (
    "import time\nfor number in range(40):\n    print('tick', number, flush=True)\n    time.sleep(0.1)\n"
)
"""What a package does that takes four seconds and says something all the while."""


def name_of(number: int) -> str:
    """Return the project with a number."""
    return f"fault-{number:02}"


def names() -> tuple[str, ...]:
    """Return all projects."""
    return tuple(map(name_of, range(COUNT)))


def needs_of(number: int) -> tuple[str, ...]:
    """Return what a project needs to be built: none of the first ones anything, the others one or two before."""
    if number < _ROOTS:
        return ()
    first = number - _BACK[0]
    return (name_of(first), name_of(number - _BACK[1])) if number % 3 == 0 else (name_of(first),)


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
