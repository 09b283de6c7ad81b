"""A platform whose tools are all there: what the executor lays out builds and proofs with."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from wheelyard.cross.description import Crossing, Tool
from wheelyard.errors import ToolError
from wheelyard.executor.calls import calls_in
from wheelyard.executor.platforms.crossings import Sources
from wheelyard.executor.platforms.zig import copy_cache
from wheelyard.executor.reached import Place, Tools, for_build
from wheelyard.executor.shims import TRACE, Telling, install_shims
from wheelyard.executor.sysconfigdata import text_in
from wheelyard.executor.webassembly import WasmModule

_SHIMS, _CACHE = "shims", "zig-cache"


@dataclass(frozen=True, slots=True, kw_only=True)
class LinuxPlatform:
    """A Linux on another processor, or with another C library (``reached.ReadyPlatform``)."""

    host_platform: str
    sysconfigdata: Path
    suffix: str
    headers: Path
    python: tuple[str, ...]
    environment: Mapping[str, str]
    shown: tuple[Path, ...]
    libraries: tuple[Path, ...]
    glibc: tuple[int, int] | None
    crossing: Crossing
    state: Path
    cache: Path | None = None
    main: WasmModule | None = field(default=None)

    def install(self, place: Place) -> Tools:
        """Write the tools of one build. Raises ToolError."""
        crossing = for_build(self.crossing, place)
        # What headers say of where they lie (__FILE__ in an assertion) is this machine's.
        unnamed = f"-ffile-prefix-map={self.state}=/platforms"
        added = replace(crossing.added, compile=(*crossing.added.compile, unnamed))
        crossing = replace(crossing, added=added, environment=self._caching(place))
        folder = place.folder / _SHIMS
        folder.mkdir()
        shims = install_shims(
            folder,
            crossing,
            seen=f"{place.seen}/{_SHIMS}",
            state=self.state,
            telling=Telling(python=place.python, environment=place.telling),
        )
        return Tools(
            path=shims.path,
            environment=shims.environment,
            meson=shims.meson,
            cmake=shims.cmake,
            binds=shims.binds,
        )

    def calls(self, folder: Path) -> int:
        """Count the compiler commands that the tools in a folder were given for the project itself.

        Those that failed, too: an extension that is optional is left out just then.
        """
        calls = calls_in(folder / _SHIMS / TRACE)
        return sum(call.compiles and not call.is_probe for call in calls)

    def _caching(self, place: Place) -> Mapping[Tool, Mapping[str, str]]:
        if self.cache is None:
            return self.crossing.environment
        copy_cache(self.cache, place.folder / _CACHE)
        seen = f"{place.seen}/{_CACHE}"
        variables = {"ZIG_GLOBAL_CACHE_DIR": seen, "ZIG_LOCAL_CACHE_DIR": seen}
        return dict.fromkeys((Tool.CC, Tool.CXX, Tool.AR, Tool.RANLIB), variables)


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetPython:
    """What a sysroot says of its Python. ``suffix`` is that of extension modules."""

    sysconfigdata: Path
    suffix: str
    headers: Path
    executable: Path


def python_in(sources: Sources) -> TargetPython:
    """Find the Python in a sysroot. Raises ToolError."""
    root, version = sources.base.root, sources.python
    library = root / "usr" / "lib" / f"python{version}"
    found = [one for one in sorted(library.glob("_sysconfigdata*.py")) if "__d_" not in one.name]
    headers = root / "usr" / "include" / f"python{version}"
    if not found or not (headers / "Python.h").is_file():
        raise ToolError(
            f"{root} has no headers and sysconfig data of Python {version}",
            hint="Look at what the platform's description says of it; 'wheelyard platform check' tells more.",
        )
    plain = [one for one in found if "_linux_" not in one.name] or found
    return TargetPython(
        sysconfigdata=plain[0],
        suffix=text_in(plain[0], "EXT_SUFFIX") or ".so",
        headers=headers,
        executable=root / "usr" / "bin" / f"python{version}",
    )
