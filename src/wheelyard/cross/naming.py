"""Which tool a name is: with the prefix of a machine, a version, or both (``x86_64-linux-gnu-g++-12``)."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

TOOLS = {
    "cc": "cc", "gcc": "cc", "clang": "cc", "c89": "cc", "c99": "cc", "icx": "cc", "emcc": "cc",
    "c89-gcc": "cc", "c99-gcc": "cc",
    "c++": "c++", "g++": "c++", "clang++": "c++", "icpx": "c++", "em++": "c++",
    "cpp": "cpp", "clang-cpp": "cpp",
    "gfortran": "fortran", "f77": "fortran", "f90": "fortran", "f95": "fortran", "flang": "fortran",
    "flang-new": "fortran", "ifx": "fortran", "ifort": "fortran", "g77": "fortran", "fortran": "fortran", "f2c": "f2c",
    "ld": "ld", "ld.bfd": "ld", "ld.gold": "ld", "ld.lld": "ld", "lld": "ld", "wasm-ld": "ld",
    "as": "as",
    "ar": "ar", "gcc-ar": "ar", "llvm-ar": "ar", "emar": "ar",
    "ranlib": "ranlib", "gcc-ranlib": "ranlib", "llvm-ranlib": "ranlib", "emranlib": "ranlib",
    "strip": "strip", "llvm-strip": "strip", "emstrip": "strip",
    "nm": "nm", "gcc-nm": "nm", "llvm-nm": "nm", "emnm": "nm",
    "objcopy": "objcopy", "llvm-objcopy": "objcopy",
    "objdump": "objdump", "llvm-objdump": "objdump",
    "readelf": "readelf", "llvm-readelf": "readelf",
    "pkg-config": "pkg-config", "pkgconf": "pkg-config", "cmake": "cmake", "meson": "meson",
    "cargo": "cargo", "rustc": "rustc",
    "ccache": "launcher", "sccache": "launcher", "distcc": "launcher", "icecc": "launcher",
}  # fmt: skip
"""Which tool each plain name is."""

_DIGITS = "0123456789."


def tool_of(name: str, known: Mapping[str, str] = TOOLS) -> str:
    """Return the tool that a file name stands for, or nothing."""
    found = known.get(name)
    if found is not None:
        return found
    plain = _without_version(name)
    while plain:
        if plain in TOOLS:
            return TOOLS[plain]
        _, dash, plain = plain.partition("-")
        if not dash:
            break
    return ""


def _without_version(name: str) -> str:
    name = name.removesuffix(".exe")
    start, dash, version = name.rpartition("-")
    if dash and version and all(letter in _DIGITS for letter in version):
        return start
    return name
