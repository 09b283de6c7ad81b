"""The program behind every shim: compiled once by the builder's own C compiler, or in Python without one."""

import hashlib
import platform
import secrets
import shutil
import subprocess
from functools import lru_cache
from pathlib import Path

from wheelyard.errors import ToolError
from wheelyard.executor.surroundings import SYSTEM_PATH

_SOURCES = Path(__file__).with_name("shim")
_MARK = "\n#wheelyard-rules:"
_OPTIONS = ("-std=c11", "-D_GNU_SOURCE", "-O2", "-s")
_PATIENCE = 120
_INSIDE = Path(__file__).with_name("inside") / "shim.py"
_CROSS = Path(__file__).parent.parent / "cross"
_PARTS = ("applying", "linking", "naming", "rules", "words")


def compiled(state: Path) -> Path | None:
    """Return the compiled program, which is made where it is not there; None: nothing here compiles it."""
    folder = state / "shims"
    path = folder / _digest()
    if path.is_file():
        return path
    compiler = shutil.which("cc", path=":".join(SYSTEM_PATH))
    if compiler is None:
        return None
    folder.mkdir(parents=True, exist_ok=True)
    made = folder / f".{path.name}-{secrets.token_hex(4)}"
    sources = sorted(str(source) for source in _SOURCES.glob("*.c"))
    try:
        # A static one starts in a third of the time; not every distribution has the library for it.
        if not any(
            _compiles([compiler, *_OPTIONS, *more, "-o", str(made), *sources])
            for more in (("-static",), ())
        ):
            return None
        made.replace(path)
    finally:
        made.unlink(missing_ok=True)
    return path


def _compiles(command: list[str]) -> bool:
    try:
        ended = subprocess.run(command, capture_output=True, check=False, timeout=_PATIENCE)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return ended.returncode == 0


@lru_cache
def _digest() -> str:
    """Name the program by what it is made from, and for which machine."""
    found = hashlib.sha256(f"{platform.machine()} {' '.join(_OPTIONS)}".encode())
    for source in sorted(_SOURCES.iterdir()):
        if source.suffix in {".c", ".h"}:
            found.update(source.read_bytes())
    return found.hexdigest()[:20]


def write_program(path: Path, program: Path, rules: str) -> None:
    """Write a program that knows where its rules are, whatever name it is called by."""
    try:
        content = program.read_bytes()
    except OSError as error:
        raise ToolError(
            f"'{program}' cannot be read: {error}", hint="Run it again: it is made anew."
        ) from error
    path.write_bytes(content + f"{_MARK}{rules}\n".encode())
    path.chmod(0o755)


def write_modules(folder: Path) -> None:
    """Copy what a shim in Python imports: into a folder of its own, so that nothing else comes with it."""
    cross = folder / "wheelyard" / "cross"
    cross.mkdir(parents=True)
    for place in (cross.parent, cross):
        (place / "__init__.py").write_bytes(b"")
    for name in _PARTS:
        shutil.copyfile(_CROSS / f"{name}.py", cross / f"{name}.py")
    shutil.copyfile(_INSIDE, folder / "shim.py")


def write_script(path: Path, *, python: str, modules: str, rules: str, thinking: bool) -> None:
    """Write a shim in Python; ``thinking``: it is handed the whole command, and is not called by its name."""
    first = f"#!{python} -ISE\n" if python.startswith("/") else f"#!/usr/bin/env -S {python} -ISE\n"
    words = "sys.argv[1:]" if thinking else "sys.argv"
    path.write_text(
        f"{first}import sys\n"
        f"sys.path.insert(0, {modules!r})\n"
        "from shim import main, leave\n"
        f"leave(main({rules!r}, {words}))\n"
    )
    path.chmod(0o755)


def link(folder: Path, names: list[str]) -> None:
    """Make links to the program beside a folder, one for each name."""
    folder.mkdir(parents=True)
    for name in names:
        (folder / name).symlink_to("../shim")
