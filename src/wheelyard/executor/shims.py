"""The folder of tools that a build across finds first: each is caught, rewritten, run and written down."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from wheelyard.cross.description import Crossing


@dataclass(frozen=True, slots=True, kw_only=True)
class ShimFolder:
    """Where the shims of one build lie; all paths are as the build sees them, but for ``trace``.

    ``path`` comes first on PATH. ``environment`` names each tool by its path, and says to pkg-config, Cargo and
    configure scripts what the target is. ``meson`` is a cross file, ``cmake`` a toolchain file. ``binds`` are to be
    shown at another place, in this order: (path in the build, path that it stands in for). ``trace`` is where calls are
    written down, on this machine.
    """

    path: str
    environment: Mapping[str, str]
    meson: str
    cmake: str
    binds: tuple[tuple[str, str], ...]
    trace: Path


def install_shims(
    folder: Path, crossing: Crossing, *, seen: str, state: Path, python: str = ""
) -> ShimFolder:
    """Write the shims of one build into ``folder``, which the build sees as ``seen``.

    ``state`` is where the compiled shim is kept. ``python`` is the Python, as the build sees it, that thinks about
    the commands that need it (and about all of them where there is no C compiler); without: ``python3`` on PATH.
    Raises ToolError.
    """
    raise NotImplementedError((folder, crossing, seen, state, python))
