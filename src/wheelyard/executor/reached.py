"""What the executor is told of a platform that this machine is not, and how it lays out the way there."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

from wheelyard.cross.description import Crossing, Exporting, Kind
from wheelyard.executor.webassembly import WasmModule
from wheelyard.model.recipe import Recipe
from wheelyard.model.way import Way
from wheelyard.targets.target import Target


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where the tools of one build lie: ``folder`` on this machine, ``seen`` as the build sees it.

    ``project`` is the folder of the source as the build sees it. ``python`` answers for the target to who asks it, and so does any
    with ``telling`` in its environment. ``launcher`` is put before compilers (``ccache``). ``moved`` maps folders of the build machine's Python
    and packages to those of the target, as the build sees both.
    """

    folder: Path
    seen: str
    project: str
    moved: Mapping[str, str]
    recipe: Recipe
    python: str = ""
    telling: Mapping[str, str] = field(default_factory=dict)
    launcher: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """What stands in for the compilers of the build machine: paths are as the build sees them.

    ``path`` comes first on PATH. ``meson`` is a cross file, ``cmake`` a toolchain file. ``binds`` are shown at another place:
    (path in the build, path that it stands in for).
    """

    path: str
    environment: Mapping[str, str]
    meson: str = ""
    cmake: str = ""
    binds: tuple[tuple[str, str], ...] = ()


_EXPORTS = {
    (): Exporting.PYINIT,
    ("pyinit",): Exporting.PYINIT,
    # What others ask of a module by name is linked to it; here that is asked of its start alone.
    ("requested",): Exporting.PYINIT,
    ("all",): Exporting.ALL,
}


def for_build(crossing: Crossing, place: Place) -> Crossing:
    """Return a crossing with what only one build knows: its folders, and what its recipe says."""
    recipe = place.recipe
    exports = _EXPORTS.get(recipe.exports, Exporting.LISTED)
    return replace(
        crossing,
        moved={**crossing.moved, **place.moved},
        own=(*crossing.own, place.project, place.seen),
        errors=tuple(one for one in crossing.errors if one not in recipe.allow_warnings),
        exports=exports,
        exported=recipe.exports if exports is Exporting.LISTED else crossing.exported,
        # ccache takes the second word of 'zig cc', and the script of a Python, for a source.
        launcher=place.launcher if crossing.kind is Kind.GNU else crossing.launcher,
    )


class ReadyPlatform(Protocol):
    """A platform whose tools are all there.

    ``host_platform`` is its name as sysconfig writes it (``linux-aarch64``), ``sysconfigdata`` the file with its data,
    ``suffix`` that of extension modules. ``python`` runs the target's Python here, with ``environment``; empty: nothing
    does. ``shown`` are folders that builds and tests must see, ``libraries`` those with the target's
    libraries. ``glibc`` is the version of its C library, ``main`` the module that loads others, in WebAssembly.
    ``headers`` is the folder with Python.h.
    """

    @property
    def host_platform(self) -> str:  # noqa: D102
        ...

    @property
    def sysconfigdata(self) -> Path:  # noqa: D102
        ...

    @property
    def suffix(self) -> str:  # noqa: D102
        ...

    @property
    def headers(self) -> Path:  # noqa: D102
        ...

    @property
    def python(self) -> tuple[str, ...]:  # noqa: D102
        ...

    @property
    def environment(self) -> Mapping[str, str]:  # noqa: D102
        ...

    @property
    def shown(self) -> tuple[Path, ...]:  # noqa: D102
        ...

    @property
    def libraries(self) -> tuple[Path, ...]:  # noqa: D102
        ...

    @property
    def glibc(self) -> tuple[int, int] | None:  # noqa: D102
        ...

    @property
    def main(self) -> WasmModule | None:  # noqa: D102
        ...

    def install(self, place: Place) -> Tools:
        """Write the tools of one build. Raises ToolError."""
        ...

    def calls(self, folder: Path) -> int:
        """Count the compiler commands that the tools in a folder were given for the project itself."""
        ...


class Platforms(Protocol):
    """The platforms that this machine can build for without being one."""

    async def ways(self, target: Target, build: Target) -> tuple[Way, ...]:
        """Return the ways to a target with a build machine's Python, the best first; none where there is none.

        Raises ToolError and ConfigurationError, which say what is missing.
        """
        ...

    async def ready(self, way: Way, target: Target, packages: tuple[str, ...]) -> ReadyPlatform:
        """Have all that a way to a target takes, with packages of libraries. Raises ToolError and ConfigurationError."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Across:
    """The way to a target that one attempt goes."""

    ready: ReadyPlatform
    tools: Tools | None = None
    asked: Mapping[str, object] = field(default_factory=dict)
