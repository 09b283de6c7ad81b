"""WebAssembly in Pyodide as a platform: Emscripten compiles for it, and Node runs what was built."""

from pathlib import Path

from wheelyard.cross.description import WASM_ERRORS, Added, Crossing, Kind, Tool
from wheelyard.errors import ConfigurationError
from wheelyard.executor.platforms.description import Description
from wheelyard.executor.platforms.emscripten import Emscripten
from wheelyard.executor.platforms.node import REQUIREMENT as NODE
from wheelyard.executor.platforms.node import Node
from wheelyard.executor.platforms.pyodide import RUNNER, Pyodide
from wheelyard.executor.platforms.ready import LinuxPlatform
from wheelyard.executor.sysconfigdata import text_in

_LLVM = {
    Tool.AR: "llvm-ar",
    Tool.RANLIB: "llvm-ranlib",
    Tool.STRIP: "llvm-strip",
    Tool.NM: "llvm-nm",
    Tool.OBJCOPY: "llvm-objcopy",
    Tool.OBJDUMP: "llvm-objdump",
    Tool.READELF: "llvm-readelf",
    Tool.LD: "wasm-ld",
}
"""Started by themselves: Emscripten's own names for them start a Python first."""
_ON_THE_BUILD_MACHINE = {
    Tool.PKG_CONFIG: "pkg-config",
    Tool.CMAKE: "cmake",
    Tool.MESON: "meson",
    Tool.CARGO: "cargo",
    Tool.RUSTC: "rustc",
}
_NO_FORTRAN = "there is no Fortran compiler for WebAssembly"


class WebAssembly:
    """What it takes to build for Pyodide, in one folder. Its methods block."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._node = Node(folder=folder / "node")

    def to_fetch(self, platform: Description) -> tuple[str, ...]:
        """Return which of all that is not here yet."""
        found = [
            f"pyodide {_version(origin)}"
            for origin in platform.pythons.values()
            if not self._pyodide(origin).is_laid_out
        ]
        emscripten = self._emscripten(platform, next(iter(platform.pythons), ""))
        if not self._node.program.is_file():
            found.insert(0, NODE)
        if not emscripten.is_there:
            found.insert(0, f"Emscripten of Debian {platform.debian}")
        return tuple(found)

    def _emscripten(self, platform: Description, python: str) -> Emscripten:
        return Emscripten(
            folder=self._folder / "emscripten",
            suite=platform.debian,
            python=python,
            node=self._node.program,
        )

    def _pyodide(self, origin: str) -> Pyodide:
        return Pyodide(folder=self._folder / f"pyodide-{_version(origin)}")

    def ready(self, platform: Description, python: str, packages: tuple[str, ...]) -> LinuxPlatform:
        """Have Emscripten, Node and Pyodide. Raises ToolError and ConfigurationError."""
        if packages:
            raise ConfigurationError(
                f"{', '.join(packages)}: Debian has no libraries for WebAssembly",
                hint="Leave host-packages out for Pyodide: what a package can do without, it does.",
            )
        origin = platform.pythons[python]
        emscripten, pyodide = self._emscripten(platform, python), self._pyodide(origin)
        self._node.install()
        emscripten.install()
        pyodide.install(origin, self._node, emscripten.headers)
        runner = self._folder / RUNNER.name
        runner.write_bytes(RUNNER.read_bytes())
        data = pyodide.sysconfigdata
        return LinuxPlatform(
            host_platform=pyodide.host_platform(),
            sysconfigdata=data,
            suffix=text_in(data, "EXT_SUFFIX"),
            headers=pyodide.headers,
            python=(str(self._node.program), str(runner), str(pyodide.package)),
            environment={},
            shown=(self._folder,),
            libraries=(),
            glibc=None,
            crossing=crossing(platform, emscripten, python),
            state=self._folder,
            main=pyodide.main(),
        )


def _version(origin: str) -> str:
    return Path(origin).name.removesuffix(".tgz").removeprefix("pyodide-")


def crossing(platform: Description, emscripten: Emscripten, python: str) -> Crossing:
    """Return what rewriting must know of Emscripten."""
    llvm = emscripten.llvm
    tools: dict[Tool, tuple[str, ...]]
    tools = {tool: (str(llvm / name),) for tool, name in _LLVM.items()}
    tools |= {tool: (name,) for tool, name in _ON_THE_BUILD_MACHINE.items()}
    cc = emscripten.command("emcc.py")
    tools |= {Tool.CC: cc, Tool.CPP: (*cc, "-E"), Tool.CXX: emscripten.command("em++.py")}
    given = {"EM_CONFIG": str(emscripten.configuration)}
    return Crossing(
        triple=platform.triple,
        kind=Kind.EMSCRIPTEN,
        system="emscripten",
        processor=platform.architecture,
        bits=32,
        python=python,
        tools=tools,
        refused={
            Tool.FORTRAN: _NO_FORTRAN,
            Tool.AS: "Emscripten has no assembler of its own: emcc compiles what is in .S files",
        },
        added=Added(compile=platform.flags, link=("-sWASM_BIGINT",)),
        errors=WASM_ERRORS,
        rust_target="wasm32-unknown-emscripten",
        environment=dict.fromkeys((Tool.CC, Tool.CXX, Tool.CPP), given),
    )
