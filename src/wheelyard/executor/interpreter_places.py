"""Where the Pythons of a machine lie: PATH, version managers, uv, conda, manylinux images.

A version manager's shim is not an interpreter: it answers as whichever Python the folder that one
stands in asks for, so it is passed over and the manager's installations are looked at instead.
"""

import os
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_COMMAND = re.compile(r"(?:python|pypy)(?:3(?:\.\d{1,2})?[tm]?)?")
_PYTHON_2 = re.compile(r"(?:python|pypy)2(?:\.\d)?")
_SHIM_MANAGERS = (b"pyenv", b"asdf", b"mise", b"rtx")
_SHIM_HEAD_BYTES = 2048


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A file that may be an interpreter; ``path`` has no symbolic links in it."""

    path: Path
    modified_ns: int
    size: int


def candidates(environment: Mapping[str, str]) -> tuple[Candidate, ...]:
    """List what may be an interpreter, each file once, in the order in which a user would name them."""
    seen: dict[tuple[Path, int], Candidate] = {}
    for command in _commands(environment):
        with suppress(OSError):
            real = command.resolve(strict=True)
            state = real.stat()
            key = (real.parent, state.st_ino)
            if key not in seen and not _is_shim(command, real):
                seen[key] = Candidate(path=real, modified_ns=state.st_mtime_ns, size=state.st_size)
    return tuple(seen.values())


def _commands(environment: Mapping[str, str]) -> Iterator[Path]:
    # sys.executable is empty where Python is embedded.
    if sys.executable:
        yield from _without_virtual(Path(sys.executable))
    visited: set[Path] = set()
    for folder in _folders(environment):
        if folder not in visited:
            visited.add(folder)
            yield from _commands_in(folder)


def _commands_in(folder: Path) -> Iterator[Path]:
    try:
        names = sorted(entry.name for entry in os.scandir(folder) if _COMMAND.fullmatch(entry.name))
    except OSError:
        return
    for name in names:
        if os.access(folder / name, os.X_OK):
            yield from _without_virtual(folder / name)


def _without_virtual(command: Path) -> Iterator[Path]:
    """Give the command, or the commands that a copied virtual environment was made from."""
    home = None if command.is_symlink() else _home_of_virtual(command)
    if home is None:
        yield command
    elif home != command.parent:
        yield from _commands_in(home)


def _home_of_virtual(command: Path) -> Path | None:
    """Read ``home`` of pyvenv.cfg (PEP 405), or None where there is none."""
    try:
        text = (command.parent.parent / "pyvenv.cfg").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    for line in text.splitlines():
        key, _, value = line.partition("=")
        if key.strip() == "home":
            return Path(value.strip())
    return None


def _is_shim(command: Path, real: Path) -> bool:
    """Whether a command is a version manager's stand-in, or leads to something that is no Python 3."""
    if _PYTHON_2.fullmatch(real.name) or not _COMMAND.fullmatch(real.name):
        return True
    with real.open("rb") as file:
        head = file.read(_SHIM_HEAD_BYTES)
    return head.startswith(b"#!") and (
        command.parent.name == "shims" or any(manager in head for manager in _SHIM_MANAGERS)
    )


def _folders(environment: Mapping[str, str]) -> Iterator[Path]:
    home = Path(environment.get("HOME") or Path.home())
    for entry in environment.get("PATH", "").split(os.pathsep):
        # An empty or relative entry means the current folder: its files are not this machine's.
        if Path(entry).is_absolute():
            yield Path(entry)
    for versions in _version_folders(environment, home):
        yield from sorted(versions.glob("*/bin"))
    yield from _conda_folders(environment, home)


def _version_folders(environment: Mapping[str, str], home: Path) -> Iterator[Path]:
    """List folders that have one installation in each of their folders."""

    def chosen(variable: str, default: Path) -> Path:
        return Path(environment.get(variable) or default)

    for entry in map(Path, environment.get("PATH", "").split(os.pathsep)):
        # Shims lie beside what they stand for, also where HOME is another's (sudo, a service).
        if entry.is_absolute() and entry.name == "shims":
            yield entry.parent / "versions"
            yield entry.parent / "installs" / "python"
    shared = chosen("XDG_DATA_HOME", home / ".local" / "share")
    yield chosen("PYENV_ROOT", home / ".pyenv") / "versions"
    yield chosen("UV_PYTHON_INSTALL_DIR", shared / "uv" / "python")
    yield chosen("ASDF_DATA_DIR", home / ".asdf") / "installs" / "python"
    yield chosen("MISE_DATA_DIR", shared / "mise") / "installs" / "python"
    yield Path("/opt/python")  # the images of manylinux and musllinux
    yield Path("/Library/Frameworks/Python.framework/Versions")


def _conda_folders(environment: Mapping[str, str], home: Path) -> Iterator[Path]:
    if prefix := environment.get("CONDA_PREFIX"):
        yield Path(prefix) / "bin"
    if program := environment.get("CONDA_EXE"):
        yield Path(program).parent.parent / "bin"
    with suppress(OSError):
        listed = (home / ".conda" / "environments.txt").read_text(
            encoding="utf-8", errors="replace"
        )
        for line in listed.splitlines():
            if line.strip():
                yield Path(line.strip()) / "bin"
