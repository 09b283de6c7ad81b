"""From a platform and its sysroot to what rewriting compiler commands must know."""

import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from wheelyard.cross.description import Added, Crossing, Tool
from wheelyard.cross.description import Kind as Family
from wheelyard.executor.platforms import debian
from wheelyard.executor.platforms.description import Description
from wheelyard.executor.platforms.missing import compiler
from wheelyard.executor.platforms.sysroot import PYTHON_HEADERS, Sysroot

_BITS = {"i686": 32, "armv7l": 32, "armv6l": 32, "wasm32": 32}
_GNU = {
    Tool.CC: "gcc",
    Tool.CXX: "g++",
    Tool.CPP: "cpp",
    Tool.FORTRAN: "gfortran",
    Tool.LD: "ld",
    Tool.AS: "as",
    Tool.AR: "ar",
    Tool.RANLIB: "ranlib",
    Tool.STRIP: "strip",
    Tool.NM: "nm",
    Tool.OBJCOPY: "objcopy",
    Tool.OBJDUMP: "objdump",
    Tool.READELF: "readelf",
}
_ZIG = {
    Tool.CC: "cc",
    Tool.CXX: "c++",
    Tool.AR: "ar",
    Tool.RANLIB: "ranlib",
}
_ON_THE_BUILD_MACHINE = {
    Tool.PKG_CONFIG: "pkg-config",
    Tool.CMAKE: "cmake",
    Tool.MESON: "meson",
    Tool.CARGO: "cargo",
    Tool.RUSTC: "rustc",
}
_RUST = {
    "aarch64": "aarch64-unknown-linux-gnu",
    "armv7l": "armv7-unknown-linux-gnueabihf",
    "i686": "i686-unknown-linux-gnu",
    "ppc64le": "powerpc64le-unknown-linux-gnu",
    "s390x": "s390x-unknown-linux-gnu",
    "riscv64": "riscv64gc-unknown-linux-gnu",
}
_NO_FORTRAN = "zig has no Fortran compiler"
_LIBSTDCXX = re.compile(r"^libstdc\+\+-(\d+)-dev_")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """What a crossing is made from: a platform, its Python's sysroot and that of named libraries."""

    platform: Description
    python: str
    base: Sysroot
    libraries: Sysroot | None

    @property
    def layers(self) -> Sequence[Path]:
        """The folders in which libraries are looked for, named ones first."""
        return [one.root for one in (self.libraries, self.base) if one is not None]

    def library_folders(self, roots: Sequence[Path]) -> tuple[str, ...]:
        """Return the folders with libraries in some layers."""
        multiarch = self.platform.libraries
        names = (f"usr/lib/{multiarch}", f"lib/{multiarch}", "usr/lib", "lib")
        return tuple(str(root / name) for root in roots for name in names if (root / name).is_dir())

    def header_folders(self, roots: Sequence[Path]) -> tuple[str, ...]:
        """Return the folders with headers in some layers."""
        names = (f"usr/include/{self.platform.libraries}", "usr/include")
        return tuple(str(root / name) for root in roots for name in names if (root / name).is_dir())

    def pkg_config(self, roots: Sequence[Path]) -> tuple[str, ...]:
        """Return the folders with what pkg-config reads in some layers."""
        names = (
            f"usr/lib/{self.platform.libraries}/pkgconfig",
            "usr/lib/pkgconfig",
            "usr/share/pkgconfig",
        )
        return tuple(str(root / name) for root in roots for name in names if (root / name).is_dir())


def gnu(sources: Sources) -> Crossing:
    """Return the crossing to a platform with GNU compilers. Raises ToolError."""
    platform, base = sources.platform, sources.base
    gcc = debian.run((compiler(platform, "gcc"), "-print-file-name=include"), "gcc", "").strip()
    own = Path(gcc).parent
    cxx, runtime = _cxx_library(sources, own)
    tools = {
        tool: (compiler(platform, name),)
        for tool, name in _GNU.items()
        if shutil.which(compiler(platform, name)) is not None
    }
    roots = sources.layers
    return replace(
        _plain(sources, Family.GNU, tools),
        sysroot=str(base.root),
        includes=sources.header_folders(roots),
        cxx_includes=cxx,
        compiler_includes=tuple(
            str(own / name) for name in ("include", "include-fixed") if (own / name).is_dir()
        ),
        libraries=(*sources.library_folders(roots), *runtime),
        own_headers=True,
        pkg_config=sources.pkg_config(roots),
        added=Added(compile=platform.flags),
    )


def zig(sources: Sources, program: Path, floor: tuple[int, int]) -> Crossing:
    """Return the crossing with zig to a platform with a C library of a version."""
    platform = sources.platform
    triple = f"{platform.zig_target}.{floor[0]}.{floor[1]}"
    tools: dict[Tool, tuple[str, ...]] = {tool: (str(program), word) for tool, word in _ZIG.items()}
    for tool in (Tool.CC, Tool.CXX):
        tools[tool] = (*tools[tool], "-target", triple)
    # Never the target's own C library beside the headers that zig brings.
    roots = [one.root for one in (sources.libraries,) if one is not None]
    return replace(
        _plain(sources, Family.ZIG, tools),
        refused={Tool.FORTRAN: _NO_FORTRAN},
        # Debian's Python says it of each of its links; zig's linker knows no such word.
        dropped=("-Bsymbolic-functions",),
        includes=(*sources.header_folders(roots), str(sources.base.root / PYTHON_HEADERS)),
        libraries=sources.library_folders(roots),
        pkg_config=sources.pkg_config(roots),
        added=Added(compile=(*platform.flags, "-fno-sanitize=undefined")),
    )


def _plain(sources: Sources, kind: Family, tools: Mapping[Tool, tuple[str, ...]]) -> Crossing:
    platform = sources.platform
    others = {tool: (name,) for tool, name in _ON_THE_BUILD_MACHINE.items()}
    rust = _RUST.get(platform.architecture, "")
    return Crossing(
        triple=platform.triple,
        kind=kind,
        processor=platform.architecture,
        big_endian=platform.endian == "big",
        bits=_BITS.get(platform.architecture, 64),
        python=sources.python,
        tools={**tools, **others},
        rust_target=rust,
        rust_libraries=_rust_libraries(sources, rust),
    )


def _rust_libraries(sources: Sources, target: str) -> tuple[str, ...]:
    """Return the folders with Rust's own libraries that a recipe named a package of (``libstd-rust-dev``)."""
    folders = (root / "usr" / "lib" / "rustlib" / target / "lib" for root in sources.layers)
    return tuple(str(one) for one in folders if target and one.is_dir())


def _cxx_library(
    sources: Sources, compiler_folder: Path
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the folders with the headers of a C++ library, and those with the library itself.

    It is the compiler's own, but for a target whose library is older, and lacks what the compiler's would call: linking
    that in does not help, since it calls what the target's C library lacks.
    """
    platform, root = sources.platform, sources.base.root
    version = compiler_folder.name
    theirs = next(
        (m[1] for name in sources.base.made.packages if (m := _LIBSTDCXX.match(name))), ""
    )
    if theirs and version.isdigit() and int(theirs) < int(version):
        headers = root / "usr" / "include"
        found = (headers / "c++" / theirs, headers / platform.libraries / "c++" / theirs)
        runtime = tuple(str(one) for one in (root / "usr" / "lib" / "gcc").glob(f"*/{theirs}"))
    else:
        headers = compiler_folder.parents[3] / platform.triple / "include" / "c++" / version
        if not headers.is_dir():
            headers = Path("/usr") / platform.triple / "include" / "c++" / version
        found, runtime = (headers, headers / platform.triple), ()
    return tuple(str(one) for one in found if one.is_dir()), runtime
