"""Writes a crossing as the flat lines that shims read."""

from collections.abc import Iterator

from wheelyard.cross import flags
from wheelyard.cross.description import Crossing, Exporting, Kind, Tool
from wheelyard.cross.linking import DROP, KEEP, MOVE
from wheelyard.cross.naming import TOOLS
from wheelyard.cross.rules import VERSION
from wheelyard.cross.words import normal
from wheelyard.errors import ConfigurationError

_COMPILERS = (Tool.CC, Tool.CXX, Tool.CPP, Tool.FORTRAN)
_CONFIGURING = (Tool.CMAKE, Tool.MESON)


def lines(crossing: Crossing, *, meson: str = "", cmake: str = "") -> str:
    """Return the rules of a crossing; ``meson`` and ``cmake`` are the files that tell these of it.

    Raises ConfigurationError for a word that no line can hold.
    """
    rows = [("rules", VERSION), *_tools(crossing), *_folders(crossing), *_flags(crossing)]
    rows += [*_added(crossing), *_exports(crossing)]
    if meson:
        rows.append(("after", Tool.MESON, "--cross-file", meson))
    if cmake:
        rows.append(("after", Tool.CMAKE, f"-DCMAKE_TOOLCHAIN_FILE={cmake}"))
    return "".join(line(*row) for row in rows)


def line(*words: str) -> str:
    """Return one line. Raises ConfigurationError."""
    for word in words:
        if "\t" in word or "\n" in word:
            raise ConfigurationError(
                f"{word!r} cannot be handed to compilers",
                hint="Use paths and flags without tabs and line ends.",
            )
    return "\t".join(words) + "\n"


def _family(tool: Tool) -> str:
    if tool in _COMPILERS:
        return "compiler"
    if tool is Tool.LD:
        return "linker"
    if tool in _CONFIGURING:
        return "configuring"
    # What is asked of these says nothing of the build machine; what they are told stands in their environment.
    return "asking" if tool in {Tool.CARGO, Tool.RUSTC, Tool.PKG_CONFIG} else "plain"


def tools_of(crossing: Crossing) -> dict[Tool, tuple[str, ...]]:
    """Return the real commands: a preprocessor is a compiler that goes no further."""
    tools = dict(crossing.tools)
    if Tool.CC in tools:
        tools.setdefault(Tool.CPP, (*tools[Tool.CC], "-E"))
    return tools


def _tools(crossing: Crossing) -> Iterator[tuple[str, ...]]:
    yield from (("name", name, tool) for name, tool in TOOLS.items())
    for tool, words in tools_of(crossing).items():
        yield ("tool", tool, *words)
        yield ("family", tool, _family(tool))
    yield from (("refuse", tool, reason) for tool, reason in crossing.refused.items())
    if crossing.launcher:
        yield ("launcher", *crossing.launcher)
    for tool, variables in crossing.environment.items():
        for name, value in variables.items():
            yield ("environment", tool, f"{name}={value}")


def _folders(crossing: Crossing) -> Iterator[tuple[str, ...]]:
    """Yield what becomes of folders, the longest first."""
    places = {_plain(folder): (DROP, "") for folder in crossing.machine}
    system = (*crossing.includes, *crossing.cxx_includes, *crossing.compiler_includes)
    kept = (*system, *crossing.libraries, crossing.sysroot, *crossing.own)
    targets = (to for to in crossing.moved.values() if to)
    places |= {_plain(folder): (KEEP, "") for folder in (*kept, *targets) if folder}
    places |= {_plain(folder): (MOVE, to) for folder, to in crossing.moved.items()}
    for folder in sorted(places, key=lambda folder: (-len(folder), folder)):
        if folder != "/":
            yield ("at", folder, *places[folder])


def _plain(folder: str) -> str:
    return normal(folder, "/")


def _flags(crossing: Crossing) -> Iterator[tuple[str, ...]]:
    kind = crossing.kind
    two = [flag for flag in flags.TWO_WORDS if flag != "-s" or kind is Kind.EMSCRIPTEN]
    yield from (("two", "compiler", flag) for flag in two)
    yield from (("two", "linker", flag) for flag in flags.LINKER_TWO_WORDS)
    yield from (("path", "compiler", flag) for flag in flags.FOLDERS)
    yield from (("path", "linker", flag) for flag in flags.LINKER_FOLDERS)
    dropped = (*flags.DROPPED, *flags.KIND_DROPPED[kind], *crossing.dropped)
    yield from (("drop", "compiler", pattern) for pattern in dropped)
    linker = (*flags.LINKER_DROPPED, *flags.KIND_LINKER_DROPPED[kind], *crossing.dropped)
    yield from (("drop", "linker", pattern) for pattern in linker)
    yield from (("drop", "plain", pattern) for pattern in flags.PLAIN_DROPPED)
    yield from (("pair", "compiler", *pair) for pair in (*flags.PAIRS, *flags.KIND_PAIRS[kind]))
    pairs = (*flags.LINKER_PAIRS, *flags.KIND_LINKER_PAIRS[kind])
    yield from (("pair", "linker", *pair) for pair in pairs)
    forbidden = {**flags.FORBIDDEN[kind], **crossing.forbidden}
    yield from (("fail", pattern, reason) for pattern, reason in forbidden.items())
    yield ("rpath", "none" if kind is Kind.EMSCRIPTEN else "origin")
    yield from (("formats", name, to) for name, to in crossing.formats.items())
    yield from (("sources", suffix, language) for suffix, language in flags.SUFFIXES.items())


def _added(crossing: Crossing) -> Iterator[tuple[str, ...]]:
    added, errors = crossing.added, [f"-Werror={name}" for name in crossing.errors]
    if added.compile:
        yield ("after", "compile", *added.compile)
    yield ("after", "c", *_headers(crossing, cxx=False), *added.c, *errors)
    yield ("after", "c++", *_headers(crossing, cxx=True), *added.cxx, *errors)
    libraries = tuple(f"-L{folder}" for folder in crossing.libraries)
    # The paths in libc.so, which is a linker's script, are those of the sysroot.
    root = (f"--sysroot={crossing.sysroot}",) if crossing.own_headers and crossing.sysroot else ()
    # The compiler looks for the C library's own objects (crt1.o) only where -B says.
    starts = tuple(f"-B{folder}" for folder in crossing.libraries) if crossing.own_headers else ()
    yield ("after", "link", *root, *starts, *libraries, *added.link)
    yield ("after", "linker", *root, *libraries, *added.linker)
    module = added.module
    if crossing.kind is Kind.EMSCRIPTEN:
        whole = crossing.exports is Exporting.ALL
        module = (f"-sSIDE_MODULE={1 if whole else 2}", *module)
    if module:
        yield ("after", "module", *module)


def _headers(crossing: Crossing, *, cxx: bool) -> tuple[str, ...]:
    folders = (*crossing.compiler_includes, *crossing.includes)
    if cxx:
        folders = (*crossing.cxx_includes, *folders)
    alone: tuple[str, ...] = ()
    if crossing.own_headers:
        alone = ("-nostdinc", "-nostdinc++") if cxx else ("-nostdinc",)
    return (*alone, *(word for folder in folders for word in ("-isystem", folder)))


def _exports(crossing: Crossing) -> Iterator[tuple[str, ...]]:
    if crossing.kind is Kind.EMSCRIPTEN:
        yield ("exports", crossing.exports)
        if crossing.exported:
            yield ("exported", *crossing.exported)
