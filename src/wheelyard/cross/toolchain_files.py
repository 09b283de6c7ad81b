"""What Meson, CMake, Cargo, pkg-config and configure scripts are told of a target, as text and variables."""

from collections.abc import Iterator, Mapping

from wheelyard.cross.description import Crossing, Kind, Tool
from wheelyard.cross.lines import tools_of

_MESON = {
    Tool.CC: "c", Tool.CXX: "cpp", Tool.FORTRAN: "fortran", Tool.AR: "ar", Tool.RANLIB: "ranlib", Tool.STRIP: "strip",
    Tool.NM: "nm", Tool.OBJCOPY: "objcopy", Tool.PKG_CONFIG: "pkg-config", Tool.CMAKE: "cmake",
}  # fmt: skip
_CMAKE = {
    Tool.CC: "CMAKE_C_COMPILER", Tool.CXX: "CMAKE_CXX_COMPILER", Tool.FORTRAN: "CMAKE_Fortran_COMPILER",
    Tool.AR: "CMAKE_AR", Tool.RANLIB: "CMAKE_RANLIB", Tool.STRIP: "CMAKE_STRIP", Tool.NM: "CMAKE_NM",
    Tool.OBJCOPY: "CMAKE_OBJCOPY", Tool.OBJDUMP: "CMAKE_OBJDUMP", Tool.READELF: "CMAKE_READELF",
    Tool.PKG_CONFIG: "PKG_CONFIG_EXECUTABLE",
}  # fmt: skip
_VARIABLES = {
    Tool.CC: ("CC",), Tool.CXX: ("CXX",), Tool.FORTRAN: ("FC", "F77", "F90"), Tool.LD: ("LD",), Tool.AR: ("AR",),
    Tool.RANLIB: ("RANLIB",), Tool.STRIP: ("STRIP",), Tool.NM: ("NM",), Tool.OBJCOPY: ("OBJCOPY",),
    Tool.OBJDUMP: ("OBJDUMP",), Tool.READELF: ("READELF",), Tool.PKG_CONFIG: ("PKG_CONFIG",),
}  # fmt: skip
_FAMILIES = {
    "x86_64": "x86_64", "i686": "x86", "i386": "x86", "aarch64": "aarch64", "armv7l": "arm", "armv6l": "arm",
    "ppc64le": "ppc64", "ppc64": "ppc64", "s390x": "s390x", "riscv64": "riscv64", "wasm32": "wasm32",
    "loongarch64": "loongarch64",
}  # fmt: skip
# What Meson would learn by running a program.
_LONG_DOUBLES = {
    "aarch64": "IEEE_QUAD_LE", "riscv64": "IEEE_QUAD_LE", "s390x": "IEEE_QUAD_BE", "armv7l": "IEEE_DOUBLE_LE",
    "armv6l": "IEEE_DOUBLE_LE", "ppc64le": "IBM_DOUBLE_DOUBLE_LE", "ppc64": "IBM_DOUBLE_DOUBLE_BE",
    "i686": "INTEL_EXTENDED_12_BYTES_LE", "x86_64": "INTEL_EXTENDED_16_BYTES_LE", "wasm32": "IEEE_QUAD_LE",
    "loongarch64": "IEEE_QUAD_LE",
}  # fmt: skip


def processor(crossing: Crossing) -> str:
    """Return the processor of a target, as Python names it."""
    return crossing.processor or crossing.triple.partition("-")[0]


def meson_cross_file(crossing: Crossing, shims: str, *, python: str = "") -> str:
    """Return a cross file for Meson; ``python`` speaks for the target's."""
    name = processor(crossing)
    rows = ["[binaries]"]
    rows += [f"{word} = {_quoted(path)}" for word, path in _named(crossing, shims, _MESON)]
    if python:
        rows.append(f"python = {_quoted(python)}")
    system = "emscripten" if crossing.kind is Kind.EMSCRIPTEN else crossing.system
    rows += ["", "[host_machine]", f"system = {_quoted(system)}"]
    rows += [f"cpu_family = {_quoted(_FAMILIES.get(name, name))}", f"cpu = {_quoted(name)}"]
    rows += [f"endian = {_quoted('big' if crossing.big_endian else 'little')}", "", "[properties]"]
    rows += ["needs_exe_wrapper = true"]
    if crossing.sysroot:
        rows.append(f"sys_root = {_quoted(crossing.sysroot)}")
    if crossing.pkg_config:
        listed = ", ".join(_quoted(folder) for folder in crossing.pkg_config)
        rows.append(f"pkg_config_libdir = [{listed}]")
    if name in _LONG_DOUBLES:
        rows.append(f"longdouble_format = {_quoted(_LONG_DOUBLES[name])}")
    return "\n".join(rows) + "\n"


def cmake_toolchain_file(
    crossing: Crossing, shims: str, *, environment: Mapping[str, str] | None = None
) -> str:
    """Return a toolchain file for CMake; ``environment`` is set for what it starts."""
    system = "Emscripten" if crossing.kind is Kind.EMSCRIPTEN else crossing.system.title()
    rows = [f"set(CMAKE_SYSTEM_NAME {system})"]
    rows += [f"set(CMAKE_SYSTEM_PROCESSOR {processor(crossing)})", "set(CMAKE_CROSSCOMPILING TRUE)"]
    rows += [f"set({word} {_cmake(path)})" for word, path in _named(crossing, shims, _CMAKE)]
    if crossing.kind is Kind.EMSCRIPTEN:
        # CMake's own description of it has no shared libraries, and an extension module is one.
        rows.append("set_property(GLOBAL PROPERTY TARGET_SUPPORTS_SHARED_LIBS TRUE)")
        rows += ["set(CMAKE_SHARED_LIBRARY_SUFFIX .so)", "set(CMAKE_STRIP FALSE)"]
        rows += [
            f'set(CMAKE_SHARED_LIBRARY_CREATE_{language}_FLAGS "-shared")'
            for language in ("C", "CXX")
        ]
    roots = " ".join(_cmake(folder) for folder in (crossing.sysroot, *crossing.own) if folder)
    if crossing.sysroot:
        rows.append(f"set(CMAKE_FIND_ROOT_PATH {roots})")
        rows.append("set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)")
        rows.append("set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)")
        # Headers and CMake's files of build requirements (pybind11, nanobind) are for every machine.
        rows.append("set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE BOTH)")
        rows.append("set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE BOTH)")
    if crossing.libraries:
        rows.append(f"set(CMAKE_LIBRARY_ARCHITECTURE {crossing.triple})")
    for name, value in (environment or {}).items():
        rows.append(f"set(ENV{{{name}}} {_cmake(value)})")
    return "\n".join(rows) + "\n"


def tool_variables(crossing: Crossing, shims: str) -> dict[str, str]:
    """Return the variables that name tools, which configure scripts, make and setuptools read."""
    named = _VARIABLES
    return {
        name: f"{shims}/{tool}"
        for tool, names in named.items()
        if tool in crossing.tools or tool in crossing.refused
        for name in names
    }


def configure_variables(crossing: Crossing) -> dict[str, str]:
    """Return what tells a configure script that it crosses, as ``--build`` and ``--host`` would."""
    return {"build_alias": crossing.build_triple, "host_alias": crossing.triple}


def pkg_config_variables(crossing: Crossing) -> dict[str, str]:
    """Return what lets pkg-config see the target's packages, and no others."""
    if not crossing.pkg_config:
        return {"PKG_CONFIG_LIBDIR": "/nonexistent"}
    found = {"PKG_CONFIG_LIBDIR": ":".join(crossing.pkg_config)}
    return {**found, "PKG_CONFIG_SYSROOT_DIR": crossing.sysroot} if crossing.sysroot else found


def cargo_variables(crossing: Crossing, shims: str, native: str) -> dict[str, str]:
    """Return what tells Cargo, maturin and setuptools-rust of a target; ``native`` has the compilers of build scripts."""
    target, build = crossing.rust_target, _rust_name(crossing.build_triple)
    found = {
        f"CC_{build.replace('-', '_')}": f"{native}/cc",
        f"CXX_{build.replace('-', '_')}": f"{native}/c++",
        f"CARGO_TARGET_{_shouted(build)}_LINKER": f"{native}/cc",
        "HOST_CC": f"{native}/cc",
        "HOST_CXX": f"{native}/c++",
    }
    if target:
        found["CARGO_BUILD_TARGET"] = target
        found[f"CARGO_TARGET_{_shouted(target)}_LINKER"] = f"{shims}/cc"
        found[f"CC_{target.replace('-', '_')}"] = f"{shims}/cc"
        found[f"CXX_{target.replace('-', '_')}"] = f"{shims}/c++"
        found[f"AR_{target.replace('-', '_')}"] = f"{shims}/ar"
    if target and crossing.rust_libraries:
        flags = " ".join(f"-L{folder}" for folder in crossing.rust_libraries)
        found[f"CARGO_TARGET_{_shouted(target)}_RUSTFLAGS"] = flags
    return found


def native_variables(native: str) -> dict[str, str]:
    """Return how builds name the compilers of what they run themselves."""
    cc = ("CC_FOR_BUILD", "BUILD_CC", "HOSTCC")
    cxx = ("CXX_FOR_BUILD", "BUILD_CXX", "HOSTCXX")
    return {**dict.fromkeys(cc, f"{native}/cc"), **dict.fromkeys(cxx, f"{native}/c++")}


def _rust_name(triple: str) -> str:
    machine, _, rest = triple.partition("-")
    return f"{machine}-unknown-{rest}" if rest.count("-") == 1 else triple


def _shouted(target: str) -> str:
    return target.replace("-", "_").upper()


def _named(crossing: Crossing, shims: str, names: Mapping[Tool, str]) -> Iterator[tuple[str, str]]:
    there = tools_of(crossing)
    for tool, word in names.items():
        if tool in there:
            yield word, f"{shims}/{tool}"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _cmake(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("$", "\\$")
    return f'"{escaped}"'
