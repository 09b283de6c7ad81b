"""What rewriting must know of a target: its tools, its folders, and what its compilers take.

A crossing is made from a platform's description and the sysroot that was unpacked for it. Paths are as the
build sees them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Kind(StrEnum):
    """The families of cross compilers, each with its own way to take a sysroot and to refuse flags."""

    GNU = "gnu"
    ZIG = "zig"
    EMSCRIPTEN = "emscripten"


class Tool(StrEnum):
    """What a build starts, whatever name it is started by."""

    CC = "cc"
    CXX = "c++"
    CPP = "cpp"
    FORTRAN = "fortran"
    F2C = "f2c"
    LD = "ld"
    AS = "as"
    AR = "ar"
    RANLIB = "ranlib"
    STRIP = "strip"
    NM = "nm"
    OBJCOPY = "objcopy"
    OBJDUMP = "objdump"
    READELF = "readelf"
    PKG_CONFIG = "pkg-config"
    CMAKE = "cmake"
    MESON = "meson"
    CARGO = "cargo"
    RUSTC = "rustc"
    LAUNCHER = "launcher"


class Exporting(StrEnum):
    """Which symbols a WebAssembly module exports; of others, only what was linked in by name is found."""

    PYINIT = "pyinit"
    LISTED = "listed"
    ALL = "all"


MACHINE = (
    "/usr", "/lib", "/lib32", "/lib64", "/libx32", "/opt", "/snap", "/nix",
)  # fmt: skip
"""Where the build machine's own headers and libraries lie, which are no target's."""

WASM_ERRORS = ("implicit-function-declaration", "mismatched-parameter-types", "return-type")
"""Warnings about a call through a wrong signature, which WebAssembly traps at run time. A recipe may take each out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Added:
    """Flags that each command gets; those of the project follow ``compile`` and so win, and precede the others.

    ``c`` and ``cxx`` are for what reads headers, ``link`` for what links, ``module`` for what links a shared library,
    ``linker`` for ``ld`` started by itself.
    """

    compile: tuple[str, ...] = ()
    c: tuple[str, ...] = ()
    cxx: tuple[str, ...] = ()
    link: tuple[str, ...] = ()
    module: tuple[str, ...] = ()
    linker: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Crossing:
    """A way from commands for the build machine to commands for a target.

    ``tools`` name the real command of each tool, a path or a name that is looked for on PATH behind the shims,
    with the words that always follow it (``zig cc -target aarch64-linux-gnu.2.17``). ``refused`` are tools that
    the target has none of, with the reason.

    ``includes``, ``cxx_includes`` and ``libraries`` are the target's system folders. With ``own_headers`` the
    compiler is told to look nowhere else (Debian's cross gcc prefers its own C library to that of
    ``--sysroot``); without, the compiler knows them by itself. ``compiler_includes`` are the compiler's own
    (``stddef.h``), which are needed then.

    ``moved`` maps folders of the build machine's Python and packages to the target's; to "": left out.
    ``machine`` are folders of the build machine, whose headers and libraries are left out; ``own`` are the
    project's, and whatever else is left as it is. The longest folder decides.

    ``dropped`` are flags that go, ``forbidden`` such as must fail, with the reason; a ``*`` at the end of either stands
    for any rest. ``formats`` map names of object formats (``elf64-x86-64``) to the target's. ``exports`` and ``exported``
    matter on WebAssembly alone. ``rust_libraries`` have Rust's own for ``rust_target``, where the Rust that runs has none. ``launcher`` is put before compilers (``ccache``). ``environment`` is
    what each tool is started with beside what it was given.
    """

    triple: str
    kind: Kind
    build_triple: str = "x86_64-linux-gnu"
    system: str = "linux"
    processor: str = ""
    big_endian: bool = False
    bits: int = 64
    python: str = ""
    tools: Mapping[Tool, tuple[str, ...]]
    refused: Mapping[Tool, str] = field(default_factory=dict)
    sysroot: str = ""
    includes: tuple[str, ...] = ()
    cxx_includes: tuple[str, ...] = ()
    compiler_includes: tuple[str, ...] = ()
    libraries: tuple[str, ...] = ()
    own_headers: bool = False
    pkg_config: tuple[str, ...] = ()
    moved: Mapping[str, str] = field(default_factory=dict)
    machine: tuple[str, ...] = MACHINE
    own: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()
    forbidden: Mapping[str, str] = field(default_factory=dict)
    added: Added = Added()
    errors: tuple[str, ...] = ()
    formats: Mapping[str, str] = field(default_factory=dict)
    exports: Exporting = Exporting.PYINIT
    exported: tuple[str, ...] = ()
    rust_target: str = ""
    rust_libraries: tuple[str, ...] = ()
    launcher: tuple[str, ...] = ()
    environment: Mapping[Tool, Mapping[str, str]] = field(default_factory=dict)
