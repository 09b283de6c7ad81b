"""Pyodide's Python, from npm: its sysconfig data, its main module, and headers made from a donor's.

The package has no headers. Those of the same version of Python are alike on every machine but for ``pyconfig.h``,
whose values stand in the sysconfig data, too.
"""

import fcntl
import re
import shutil
import sys
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from pprint import pformat

import msgspec

from wheelyard.errors import ConfigurationError, ToolError
from wheelyard.executor.platforms import debian
from wheelyard.executor.platforms.node import Node
from wheelyard.executor.webassembly import WasmModule, read_wasm

RUNNER = Path(__file__).with_name("pyodide_python.mjs")
_LAID_OUT = "laid-out"
_ROOT = "/pyodide"
"""Where Pyodide's Python says that it was installed: a folder that no machine has."""
_SETTING = re.compile(
    r"^(?:#\s*define\s+(\w+)(?:\s+(.*))?|/\*\s*#\s*undef\s+(\w+)\s*\*/|#\s*undef\s+(\w+))\s*$"
)
_DECLARED = "HAVE_DECL_"
_PRINTED = """
import json, sys, zipfile
found = {}
with zipfile.ZipFile(sys.argv[1]) as library:
    for name in library.namelist():
        if name.startswith("_sysconfigdata"):
            exec(library.read(name), space := {})
            found[name] = space["build_time_vars"]
print(json.dumps(found))
"""

Values = Mapping[str, str | int | None]


class _Info(msgspec.Struct, frozen=True):
    """What Pyodide says of itself: ``emscripten_4_0_9``, ``wasm32`` and ``3.13.2``."""

    platform: str
    arch: str
    python: str


class _Lock(msgspec.Struct, frozen=True):
    """The file that names Pyodide's packages, and Pyodide."""

    info: _Info


@dataclass(frozen=True, slots=True, kw_only=True)
class Pyodide:
    """The folder with one version of Pyodide. Its methods block."""

    folder: Path

    @property
    def package(self) -> Path:
        """The package as npm has it."""
        return self.folder / "package"

    @property
    def headers(self) -> Path:
        """The folder with Python.h."""
        return self.folder / "include"

    @property
    def is_laid_out(self) -> bool:
        """Whether all of it is there."""
        return (self.folder / _LAID_OUT).is_file()

    @property
    def sysconfigdata(self) -> Path:
        """The file with the data of its sysconfig. Raises ToolError."""
        found = sorted((self.folder / "sysconfig").glob("_sysconfigdata*.py"))
        if not found:
            raise ToolError(
                f"{self.folder} has no sysconfig data", hint="Remove it; it is made anew."
            )
        return found[0]

    def host_platform(self) -> str:
        """Return its platform as its own sysconfig does. Raises ToolError."""
        said = self._said()
        system, *version = said.platform.split("_")
        return f"{system}-{'.'.join(version)}-{said.arch}"

    def _said(self) -> _Info:
        lock = self.package / "pyodide-lock.json"
        try:
            return msgspec.json.decode(lock.read_bytes(), type=_Lock).info
        except (OSError, msgspec.MsgspecError) as error:
            raise ToolError(
                f"{lock} cannot be read: {error}", hint=f"Remove {self.folder}; it is made anew."
            ) from error

    def main(self) -> WasmModule:
        """Read what the main module gives to those that it loads. Raises ToolError."""
        module = read_wasm((self.package / "pyodide.asm.wasm").read_bytes())
        if module is None:
            raise ToolError(
                f"{self.package} has no main module that can be read",
                hint=f"Remove {self.folder}; it is made anew.",
            )
        return module

    def install(self, origin: str, node: Node, donor: Path) -> None:
        """Lay it out where it is not: a version from npm, or an archive. ``donor`` has headers of the same Python.

        Raises ToolError and ConfigurationError.
        """
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        with self.folder.with_name(f"{self.folder.name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if self.is_laid_out:
                return
            shutil.rmtree(self.folder, ignore_errors=True)
            self.folder.mkdir()
            archive = (
                Path(origin).expanduser()
                if "/" in origin
                else node.pack(f"pyodide@{origin}", self.folder)
            )
            self._write_python(donor, self._unpack(archive))
            (self.folder / _LAID_OUT).touch()

    def _unpack(self, archive: Path) -> Values:
        try:
            with tarfile.open(archive) as opened:
                opened.extractall(self.folder, filter="data")
        except (OSError, tarfile.TarError) as error:
            raise ConfigurationError(
                f"{archive} is no package of Pyodide: {error}",
                hint="Name a version of npm's package 'pyodide', or the archive of one.",
            ) from error
        found = read_values(self.package / "python_stdlib.zip")
        (self.folder / "sysconfig").mkdir()
        for name, values in found.items():
            # As data alone: who reads it runs nothing, and sees no folder of the machine that made it.
            written = f"build_time_vars = {pformat(values)}\n"
            (self.folder / "sysconfig" / name).write_text(written)
        return found[self.sysconfigdata.name]

    def _write_python(self, donor: Path, values: Values) -> None:
        shutil.copytree(donor, self.headers, symlinks=False)
        own = list(donor.parent.glob(f"*/{donor.name}/pyconfig.h"))
        text = (own[0] if own else donor / "pyconfig.h").read_text()
        (self.headers / "pyconfig.h").write_text(pyconfig(text, values))
        level = self.headers / "patchlevel.h"
        level.write_text(patchlevel(level.read_text(), self._said().python))


def read_values(library: Path) -> dict[str, Values]:
    """Run the sysconfig data in a library, which name the folder in which they were made. Raises ToolError."""
    # By itself: parsing so large a table is what CPython 3.11 does wrong in threads.
    command = ("env", f"PYODIDE_ROOT={_ROOT}", sys.executable, "-I", "-c", _PRINTED, str(library))
    said = debian.run(command, "reading Pyodide's sysconfig data", "")
    values: dict[str, Values] = msgspec.json.decode(
        said, type=dict[str, dict[str, str | int | None]]
    )
    return values


def pyconfig(donor: str, values: Values) -> str:
    """Return ``pyconfig.h`` of the Python with these values, from that of another machine."""
    return "".join(_line(line, values) for line in donor.splitlines(keepends=True))


def _line(line: str, values: Values) -> str:
    found = _SETTING.match(line.strip())
    name = next((group for group in (found[1], found[3], found[4]) if group), "") if found else ""
    if found is None or (name.endswith("_H") and name.startswith("Py_PYCONFIG")):
        return line
    value = values.get(name)
    if value is None:
        # Both ask the same questions; one that was not asked there was answered with no.
        return f"/* #undef {name} */\n" if name in values or found[1] is None else line
    if value == 0 and not name.startswith(_DECLARED):
        return f"/* #undef {name} */\n"
    quoted = (found[2] or "").startswith('"') and not str(value).startswith('"')
    return f'#define {name} "{value}"\n' if quoted else f"#define {name} {value}\n"


def patchlevel(donor: str, version: str) -> str:
    """Return ``patchlevel.h`` of a version of Python, ``3.13.2``, from that of another patch of it."""
    micro = version.split(".")[2]
    text = re.sub(r"(#define\s+PY_MICRO_VERSION\s+)\d+", rf"\g<1>{micro}", donor)
    return re.sub(r'(#define\s+PY_VERSION\s+)".*"', rf'\g<1>"{version}"', text)
