"""Pyodide's Python, from npm: its sysconfig data, its main module, and headers made from a donor's.

The package has no headers. Those of the same version of Python are alike on every machine but for ``pyconfig.h``,
whose values stand in the sysconfig data, too.
"""

import ast
import fcntl
import re
import shutil
import tarfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from wheelyard.errors import ConfigurationError, ToolError
from wheelyard.executor.platforms.node import Node
from wheelyard.executor.webassembly import WasmModule, read_wasm

RUNNER = Path(__file__).with_name("pyodide_python.mjs")
_LAID_OUT = "laid-out"
_ROOT = "/pyodide"
"""Where Pyodide's Python says that it was installed: a folder that no machine has."""
_SETTING = re.compile(r"^(?:#\s*define\s+(\w+)(?:\s+(.*))?|/\*\s*#\s*undef\s+(\w+)\s*\*/|#\s*undef\s+(\w+))\s*$")
_DECLARED = "HAVE_DECL_"

Values = Mapping[str, str | int]


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
    def sysconfigdata(self) -> Path:
        """The file with the data of its sysconfig. Raises ToolError."""
        found = sorted((self.folder / "sysconfig").glob("_sysconfigdata*.py"))
        if not found:
            raise ToolError(f"{self.folder} has no sysconfig data", hint="Remove it; it is made anew.")
        return found[0]

    def values(self) -> Values:
        """Return the data of its sysconfig. Raises ToolError."""
        return read_values(self.sysconfigdata.read_text(), str(self.sysconfigdata))

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
            if (self.folder / _LAID_OUT).is_file():
                return
            shutil.rmtree(self.folder, ignore_errors=True)
            self.folder.mkdir()
            archive = (
                Path(origin).expanduser()
                if "/" in origin
                else node.pack(f"pyodide@{origin}", self.folder)
            )
            self._unpack(archive)
            self._write_python(donor)
            (self.folder / _LAID_OUT).touch()

    def _unpack(self, archive: Path) -> None:
        try:
            with tarfile.open(archive) as opened:
                opened.extractall(self.folder, filter="data")
            with zipfile.ZipFile(self.package / "python_stdlib.zip") as library:
                names = [one for one in library.namelist() if one.startswith("_sysconfigdata")]
                texts = {name: library.read(name).decode() for name in names}
        except (OSError, tarfile.TarError, zipfile.BadZipFile) as error:
            raise ConfigurationError(
                f"{archive} is no package of Pyodide: {error}",
                hint="Name a version of npm's package 'pyodide', or the archive of one.",
            ) from error
        (self.folder / "sysconfig").mkdir()
        for name, text in texts.items():
            values = read_values(text, name)
            # As data alone: who reads it runs nothing, and sees no folder of the machine that made it.
            written = f"build_time_vars = {dict(values)!r}\n"
            (self.folder / "sysconfig" / name).write_text(written)

    def _write_python(self, donor: Path) -> None:
        shutil.copytree(donor, self.headers, symlinks=False)
        own = [one for one in donor.parent.glob(f"*/{donor.name}/pyconfig.h")]
        text = (own[0] if own else donor / "pyconfig.h").read_text()
        (self.headers / "pyconfig.h").write_text(pyconfig(text, self.values()))


def read_values(text: str, origin: str) -> Values:
    """Read sysconfig data, whose values may name the folder in which it was made. Raises ToolError."""
    try:
        tree = _Rooted().visit(ast.parse(text))
        found = [
            ast.literal_eval(node.value)
            for node in tree.body
            if isinstance(node, ast.Assign)
            and isinstance(node.targets[0], ast.Name)
            and node.targets[0].id == "build_time_vars"
        ]
    except (SyntaxError, ValueError) as error:
        raise ToolError(
            f"the sysconfig data in {origin} cannot be read: {error}",
            hint="Name another version of Pyodide in the platform's description.",
        ) from error
    if not found:
        raise ToolError(
            f"{origin} has no build_time_vars",
            hint="Name another version of Pyodide in the platform's description.",
        )
    values: Values = found[0]
    return values


class _Rooted(ast.NodeTransformer):
    """Replaces the name of the folder in which Pyodide was built."""

    def visit_JoinedStr(self, node: ast.JoinedStr) -> ast.Constant:  # noqa: N802 - as ast calls it
        """Make plain text of one with names in it."""
        parts = [
            str(part.value) if isinstance(part, ast.Constant) else _ROOT for part in node.values
        ]
        return ast.copy_location(ast.Constant("".join(parts)), node)


def pyconfig(donor: str, values: Values) -> str:
    """Return ``pyconfig.h`` of the Python with these values, from that of another machine."""
    return "".join(_line(line, values) for line in donor.splitlines(keepends=True))


def _line(line: str, values: Values) -> str:
    found = _SETTING.match(line.strip())
    name = next((group for group in (found[1], found[3], found[4]) if group), "") if found else ""
    if found is None or name.endswith("_H") and name.startswith("Py_PYCONFIG"):
        return line
    value = values.get(name)
    if value is None:
        # Both ask the same questions; one that was not asked there was answered with no.
        return f"/* #undef {name} */\n" if name in values or found[1] is None else line
    if value == 0 and not name.startswith(_DECLARED):
        return f"/* #undef {name} */\n"
    quoted = (found[2] or "").startswith('"') and not str(value).startswith('"')
    return f'#define {name} "{value}"\n' if quoted else f"#define {name} {value}\n"
