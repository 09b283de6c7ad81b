"""The folder of tools that a build across finds first: each is caught, rewritten, run and written down."""

import re
import shlex
import shutil
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from wheelyard.cross import toolchain_files
from wheelyard.cross.description import Crossing, Kind, Tool
from wheelyard.cross.lines import line, lines, tools_of
from wheelyard.cross.naming import TOOLS, tool_of
from wheelyard.executor import shim_program
from wheelyard.executor.surroundings import SYSTEM_PATH

TRACE = "calls.jsonl"
_COMPILERS = ("cc", "c++", "cpp", "fortran")
# What an absolute path must not reach: the others do the same for every machine.
_BOUND = (*_COMPILERS, "ar", "ranlib", "strip", "objcopy")
_EMSCRIPTEN = ("emcc", "em++", "emar", "emranlib", "emstrip", "emnm")


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """What the files for Meson and CMake say of Python: the target's, and how it is asked for."""

    python: str = ""
    environment: Mapping[str, str] | None = None


_NOTHING = Telling()


def install_shims(  # noqa: PLR0913 - each says where something lies
    folder: Path,
    crossing: Crossing,
    *,
    seen: str,
    state: Path,
    python: str = "",
    telling: Telling = _NOTHING,
) -> ShimFolder:
    """Write the shims of one build into ``folder``, which the build sees as ``seen``.

    ``state`` is where the compiled shim is kept. ``python`` is the Python, as the build sees it, that thinks about
    the commands that need it (and about all of them where there is no C compiler); without: ``python3`` on PATH.
    Raises ToolError and ConfigurationError.
    """
    shims = _Shims(folder, seen, state, python or "python3")
    meson, cmake = f"{seen}/cross-file.ini", f"{seen}/toolchain.cmake"
    environment = telling.environment
    bin_, native = f"{seen}/bin", f"{seen}/native/bin"
    _write(folder / "cross-file.ini", crossing, bin_, telling.python)
    text = toolchain_files.cmake_toolchain_file(crossing, bin_, environment=environment)
    (folder / "toolchain.cmake").write_text(text)
    crossed = _with_environment(crossing, bin_, native)
    shims.write("", lines(crossed, meson=meson, cmake=cmake), _names(crossing))
    found = machine_compilers()
    shims.write_native(found)
    (folder / TRACE).touch()
    return ShimFolder(
        path=bin_,
        environment={
            **toolchain_files.tool_variables(crossing, bin_),
            **toolchain_files.configure_variables(crossing),
            **toolchain_files.pkg_config_variables(crossing),
            **toolchain_files.cargo_variables(crossing, bin_, native),
            **toolchain_files.native_variables(native),
            "CMAKE_TOOLCHAIN_FILE": cmake,
        },
        meson=meson,
        cmake=cmake,
        binds=_binds(seen, found, crossing),
        trace=folder / TRACE,
    )


def _write(path: Path, crossing: Crossing, shims: str, python: str) -> None:
    path.write_text(toolchain_files.meson_cross_file(crossing, shims, python=python))


def _with_environment(crossing: Crossing, shims: str, native: str) -> Crossing:
    """Give each tool by itself what its variables say, for builds that start it in a bare environment."""
    given = {tool: dict(variables) for tool, variables in crossing.environment.items()}
    own = {
        Tool.PKG_CONFIG: toolchain_files.pkg_config_variables(crossing),
        Tool.CARGO: toolchain_files.cargo_variables(crossing, shims, native),
    }
    for tool, variables in own.items():
        given[tool] = {**variables, **given.get(tool, {})}
    return replace(crossing, environment=given)


def _names(crossing: Crossing) -> list[str]:
    """Return the names by which a build may call the tools that there are, or that are refused."""
    there = {*map(str, tools_of(crossing)), *map(str, crossing.refused)}
    if crossing.launcher or shutil.which("ccache", path=":".join(SYSTEM_PATH)):
        there.add("launcher")
    plain = [name for name, tool in TOOLS.items() if tool in there]
    if crossing.kind is not Kind.EMSCRIPTEN:
        plain = [name for name in plain if name not in _EMSCRIPTEN]
    prefixed = [
        f"{triple}-{name}"
        for triple in dict.fromkeys((crossing.build_triple, crossing.triple))
        for name in plain
        if TOOLS[name] not in {"launcher", "cmake", "meson", "cargo", "rustc"}
    ]
    on_path = (name for name in _on_path() if tool_of(name) in there and _is_native(name, crossing))
    return list(dict.fromkeys((*plain, *prefixed, *on_path)))


def _on_path() -> Iterable[str]:
    for folder in SYSTEM_PATH:
        if Path(folder).is_dir():
            yield from (entry.name for entry in Path(folder).iterdir() if tool_of(entry.name))


def _is_native(name: str, crossing: Crossing) -> bool:
    """Whether a name is one by which a build would mean the machine that it runs on."""
    return name.partition("-")[0] in {*TOOLS, *(known.partition("-")[0] for known in TOOLS)} or (
        name.startswith(crossing.build_triple.partition("-")[0])
    )


def machine_compilers(folders: Sequence[str] = SYSTEM_PATH) -> dict[str, list[Path]]:
    """Return the build machine's own programs that absolute paths reach, by tool and without links."""
    found: dict[str, list[Path]] = {}
    for folder in folders:
        for name, tool in TOOLS.items():
            path = Path(folder) / name
            if tool not in _BOUND or not path.is_file() or name.startswith(("clang", "llvm-")):
                continue
            real = path.resolve()
            if tool_of(real.name) == tool and real not in found.setdefault(tool, []):
                found[tool].append(real)
    return found


@lru_cache
def _parts_of(compiler: Path) -> str:
    """Return where a GNU compiler has its parts (``/usr/lib/gcc/``); nothing where it does not say so."""
    command = (str(compiler), "-print-search-dirs")
    try:
        said = subprocess.run(command, capture_output=True, text=True, check=False, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    found = re.match(r"install: (/.*/gcc/)[^/]+/[^/]+/?$", said.stdout, re.MULTILINE)
    return found[1] if found else ""


def _binds(
    seen: str, found: Mapping[str, Sequence[Path]], crossing: Crossing
) -> tuple[tuple[str, str], ...]:
    """Show the real compilers at another place, then the shim in theirs."""
    used = {Path(words[0]).resolve() for words in crossing.tools.values()}
    real = [path for tool in _COMPILERS for path in found.get(tool, ())]
    bound = [path for paths in found.values() for path in paths if path not in used]
    return (
        *((str(path), f"{seen}/native/real/{path.name}") for path in real),
        *((f"{seen}/shim", str(path)) for path in bound),
    )


class _Shims:
    """Writes the files that make up the shims of one build."""

    def __init__(self, folder: Path, seen: str, state: Path, python: str) -> None:
        self._folder, self._seen, self._python = folder, seen, python
        self._program = shim_program.compiled(state)
        folder.mkdir(parents=True, exist_ok=True)
        shim_program.write_modules(folder / "modules")

    def write(self, below: str, rules: str, names: list[str]) -> None:
        """Write rules, the program that reads them, and its names."""
        folder = self._folder / below if below else self._folder
        seen = f"{self._seen}/{below}" if below else self._seen
        modules, thinking = f"{self._seen}/modules", f"{seen}/think"
        place = {"modules": modules, "rules": f"{seen}/rules", "python": self._python}
        # The shim in Python finds its own by the same lines.
        last = (
            line("place", f"{self._seen}/bin"),
            line("trace", f"{self._seen}/{TRACE}"),
            line("python", thinking),
        )
        (folder / "rules").write_text(rules + "".join(last))
        shim_program.write_script(folder / "think", thinking=True, **place)
        if self._program is None:
            shim_program.write_script(folder / "shim", thinking=False, **place)
        else:
            shim_program.write_program(folder / "shim", self._program, f"{seen}/rules")
        shim_program.link(folder / "bin", names)

    def write_native(self, found: Mapping[str, Sequence[Path]]) -> None:
        """Write the build machine's own compilers, for what a build runs itself."""
        folder, seen = self._folder / "native" / "real", f"{self._seen}/native/real"
        folder.mkdir(parents=True)
        rules = ""
        for tool in _COMPILERS:
            for path in found.get(tool, ()):
                # The real one is shown in its place where there is a namespace for it.
                stand_in = folder / path.name
                stand_in.write_text(f'#!/bin/sh\nexec {shlex.quote(str(path))} "$@"\n')
                stand_in.chmod(0o755)
            if found.get(tool):
                rules += line("tool", f"native-{tool}", f"{seen}/{found[tool][0].name}")
                rules += line("family", f"native-{tool}", "native")
                if parts := _parts_of(found[tool][0]):
                    # Shown at another place, it would look for its parts beside that.
                    rules += line("environment", f"native-{tool}", f"GCC_EXEC_PREFIX={parts}")
        names = [name for name, tool in TOOLS.items() if found.get(tool) and tool in _COMPILERS]
        rules = "".join(line("name", name, f"native-{TOOLS[name]}") for name in names) + rules
        self.write("native", rules, names)
