"""What is special about the flags of compilers and linkers: which take a value, name a folder, or go."""

from collections.abc import Mapping

from wheelyard.cross.description import Kind

TWO_WORDS = (
    "-o", "-x", "-D", "-U", "-l", "-MF", "-MT", "-MQ", "-include", "-imacros", "-iprefix", "-iwithprefix",
    "-iwithprefixbefore", "-imultilib", "-aux-info", "--param", "-T", "-u", "-z", "-e", "-A", "-Xpreprocessor",
    "-Xassembler", "-Xclang", "-Xlinker", "-mllvm", "-target", "-arch", "-dumpbase", "-dumpdir", "-s", "-J", "-h", "-framework",
    "-soname", "-wrapper", "-I", "-L", "-B", "-isystem", "-idirafter", "-iquote", "-isysroot", "--sysroot", "-rpath", "-R",
)  # fmt: skip
"""Of a compiler driver. Only Emscripten's ``-s`` takes one, so it is added there."""

LINKER_TWO_WORDS = (
    "-o", "-soname", "-h", "-T", "-e", "-u", "-z", "-y", "-Map", "-b", "-A", "-m", "-l", "-plugin", "-plugin-opt",
    "-defsym", "--defsym", "-version-script", "--version-script", "-dynamic-list", "--dynamic-list", "-init", "-fini",
    "-dynamic-linker", "--dynamic-linker", "-I", "--sysroot", "-a", "--wrap", "-wrap", "-f", "-F", "-exclude-libs",
    "--exclude-libs", "-retain-symbols-file", "--retain-symbols-file", "-mllvm",
)  # fmt: skip

FOLDERS = ("-isystem", "-idirafter", "-iquote", "-isysroot", "--sysroot", "-I", "-L", "-B")
LINKER_FOLDERS = ("-rpath-link", "--rpath-link", "--library-path", "--sysroot", "-L")

DROPPED = (
    "-march=native",
    "-mtune=native",
    "-mcpu=native",
    "-m64",
    "--target=*",
    "--sysroot=/",
    "-Wa,--64",
)
"""Of a compiler: what speaks of the machine that it runs on. Every other instruction set stays, and fails."""

PAIRS = (("-target", "*"), ("--sysroot", "/"), ("-isysroot", "/"), ("-Xassembler", "--64"))
LINKER_DROPPED = ("--sysroot=/", "--dynamic-linker=*", "-dynamic-linker=*")
LINKER_PAIRS = (
    ("-dynamic-linker", "*"), ("--dynamic-linker", "*"), ("-m", "elf_x86_64"), ("-m", "elf_i386"),
    ("-m", "elf32_x86_64"),
)  # fmt: skip
PLAIN_DROPPED = ("--64", "--x32")

_NO_WASM = (
    "WebAssembly has none of it, and a build that believes otherwise would fail where it runs"
)
FORBIDDEN: Mapping[Kind, Mapping[str, str]] = {
    Kind.GNU: {},
    Kind.ZIG: {"-fopenmp*": "zig's compiler brings no OpenMP library"},
    Kind.EMSCRIPTEN: {
        "-fopenmp*": "WebAssembly has no OpenMP, and what was built in the belief that it has would fail where it runs",
        "-fopenacc*": "WebAssembly has no OpenACC",
    },
}
"""What a kind of compiler takes in silence and cannot do."""

KIND_DROPPED: Mapping[Kind, tuple[str, ...]] = {
    Kind.GNU: (),
    # gcc's own switches, with which a distribution's Python was built.
    Kind.ZIG: ("-specs=*", "-ffat-lto-objects", "-fno-fat-lto-objects", "-fno-semantic-interposition"),
    Kind.EMSCRIPTEN: (
        "-specs=*", "-ffat-lto-objects", "-fno-fat-lto-objects", "-fno-semantic-interposition", "-pthread",
        "-fcf-protection*", "-fstack-clash-protection", "-fstack-protector*", "-mbranch-protection=*", "-rdynamic",
        "-sSIDE_MODULE*", "-sEXPORTED_FUNCTIONS=*", "-static-libgcc", "-static-libstdc++",
    ),
}  # fmt: skip

KIND_LINKER_DROPPED: Mapping[Kind, tuple[str, ...]] = {
    Kind.GNU: (),
    Kind.ZIG: ("--exclude-libs=*", "-Bsymbolic-non-weak*", "--sort-common", "--no-copy-dt-needed-entries"),
    Kind.EMSCRIPTEN: (
        "-Bsymbolic*", "--as-needed", "--no-as-needed", "--hash-style=*", "--build-id*", "--exclude-libs=*",
        "--enable-new-dtags", "--disable-new-dtags", "--no-undefined", "--sort-common", "--version-script=*",
        "-version-script=*", "-O1", "-O2", "-soname=*", "--soname=*", "--no-copy-dt-needed-entries", "--gc-sections=*",
        "-x", "-S", "--no-allow-shlib-undefined",
    ),
}  # fmt: skip

KIND_LINKER_PAIRS: Mapping[Kind, tuple[tuple[str, str], ...]] = {
    Kind.GNU: (),
    Kind.ZIG: (("--exclude-libs", "*"),),
    Kind.EMSCRIPTEN: (
        ("-z", "relro"), ("-z", "now"), ("-z", "defs"), ("-z", "noexecstack"), ("-z", "nodelete"), ("-z", "origin"),
        ("-z", "text"), ("-z", "lazy"), ("-z", "separate-code"), ("-z", "noseparate-code"), ("-soname", "*"), ("-h", "*"),
        ("--version-script", "*"), ("--exclude-libs", "*"),
    ),
}  # fmt: skip

KIND_PAIRS: Mapping[Kind, tuple[tuple[str, str], ...]] = {
    Kind.GNU: (),
    Kind.ZIG: (),
    Kind.EMSCRIPTEN: (
        ("-s", "SIDE_MODULE*"),
        ("-s", "EXPORTED_FUNCTIONS=*"),
        *(pair for pair in KIND_LINKER_PAIRS[Kind.EMSCRIPTEN] if pair[0] == "-z"),
    ),
}

SUFFIXES = {
    ".cc": "c++", ".cpp": "c++", ".cxx": "c++", ".C": "c++", ".c++": "c++", ".cp": "c++", ".CPP": "c++",
    ".ii": "c++", ".hh": "c++", ".hpp": "c++", ".hxx": "c++", ".H": "c++", ".ixx": "c++", ".cppm": "c++",
    ".f": "fortran", ".F": "fortran", ".for": "fortran", ".f90": "fortran", ".F90": "fortran", ".f95": "fortran",
    ".o": "object", ".obj": "object", ".lo": "object", ".a": "object", ".so": "object", ".la": "object", ".bc": "object",
}  # fmt: skip
"""What the end of a file's name says of it; any other is C's."""

FORMATS = {"elf64-x86-64": "", "elf32-i386": "", "i386:x86-64": "", "i386": ""}
