"""The crossings of the golden tables: one of each kind, with folders that stand for any machine's."""

from dataclasses import replace

from wheelyard.cross.description import (
    WASM_ERRORS,
    Added,
    Crossing,
    Exporting,
    Kind,
    Tool,
)

ARM = "aarch64-linux-gnu"
ROOT = "/sysroots/arm64"
_PLAIN = ("ld", "as", "ar", "ranlib", "strip", "nm", "objcopy", "objdump", "readelf")
_MOVED = {
    "/usr/include/python3.11": f"{ROOT}/usr/include/python3.11",
    "/opt/python/3.11/include/python3.11": f"{ROOT}/usr/include/python3.11",
    "/opt/python/3.11/lib": f"{ROOT}/usr/lib/{ARM}",
    "/env/lib/python3.11/site-packages/numpy": "/build/across/host/numpy",
    "/env/include": "",
}

GNU = Crossing(
    triple=ARM,
    kind=Kind.GNU,
    processor="aarch64",
    python="3.11",
    tools={
        Tool.CC: (f"/usr/bin/{ARM}-gcc",),
        Tool.CXX: (f"/usr/bin/{ARM}-g++",),
        Tool.FORTRAN: (f"/usr/bin/{ARM}-gfortran",),
        **{Tool(name): (f"/usr/bin/{ARM}-{name}",) for name in _PLAIN},
        Tool.PKG_CONFIG: ("pkg-config",),
        Tool.CMAKE: ("cmake",),
        Tool.MESON: ("meson",),
    },
    sysroot=ROOT,
    includes=(f"{ROOT}/usr/include/{ARM}", f"{ROOT}/usr/include"),
    cxx_includes=(f"/usr/{ARM}/include/c++/12", f"/usr/{ARM}/include/c++/12/{ARM}"),
    compiler_includes=(f"/usr/lib/gcc-cross/{ARM}/12/include",),
    libraries=(f"{ROOT}/usr/lib/{ARM}", f"{ROOT}/lib/{ARM}"),
    own_headers=True,
    moved=_MOVED,
    own=("/build", "/usr/src/own"),
    formats={"elf64-x86-64": "elf64-littleaarch64", "i386:x86-64": "aarch64"},
)

ZIG = replace(
    GNU,
    kind=Kind.ZIG,
    tools={
        Tool.CC: ("/zig/zig", "cc", "-target", "aarch64-linux-gnu.2.17"),
        Tool.CXX: ("/zig/zig", "c++", "-target", "aarch64-linux-gnu.2.17"),
        Tool.AR: ("/zig/zig", "ar"),
        Tool.RANLIB: ("/zig/zig", "ranlib"),
    },
    refused={Tool.FORTRAN: "zig has no Fortran compiler"},
    sysroot="",
    includes=("/prefix/include",),
    cxx_includes=(),
    compiler_includes=(),
    libraries=("/prefix/lib",),
    own_headers=False,
    moved=_MOVED,
)

EMSCRIPTEN = Crossing(
    triple="wasm32-unknown-emscripten",
    kind=Kind.EMSCRIPTEN,
    processor="wasm32",
    bits=32,
    tools={
        Tool.CC: ("/emscripten/emcc",),
        Tool.CXX: ("/emscripten/em++",),
        Tool.AR: ("/emscripten/emar",),
        Tool.RANLIB: ("/emscripten/emranlib",),
        Tool.NM: ("/emscripten/emnm",),
        Tool.STRIP: ("/emscripten/emstrip",),
    },
    refused={
        Tool.FORTRAN: "WebAssembly has no Fortran compiler",
        Tool.F2C: "what f2c makes calls functions through wrong signatures",
    },
    includes=("/pyodide/include",),
    moved={"/usr/include/python3.11": "/pyodide/include/python3.13"},
    own=("/build",),
    added=Added(compile=("-fPIC", "-O2"), link=("-sWASM_BIGINT",)),
    errors=WASM_ERRORS,
    exports=Exporting.PYINIT,
)

CROSSINGS = {"gnu": GNU, "zig": ZIG, "emscripten": EMSCRIPTEN}
