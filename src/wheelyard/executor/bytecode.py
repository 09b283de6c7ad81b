"""Compiled bytecode for what warm interpreters load, so that the next one starts quicker.

The sandbox cannot write it, and must not. Here a Python of the same kind compiles the files, and runs
nothing of what is in them.
"""

import hashlib
import secrets
import subprocess
from collections.abc import Sequence
from pathlib import Path

from wheelyard.executor.folders import remove
from wheelyard.executor.pythons import Python

_SECONDS = 120
_COMPILE = """
import os, py_compile, sys
for path in sys.stdin.read().splitlines():
    try:
        py_compile.compile(path, doraise=True)
    except Exception:
        pass
"""


def compile_loaded(python: Python, folder: Path, seen_as: str, loaded: Sequence[str]) -> None:
    """Compile the files of a folder that an interpreter said it loaded, and that had no bytecode.

    The list is a stranger's word, so only files that lie in the folder count. Failing is no harm.
    """
    root = folder.resolve()
    names = [name[len(seen_as) + 1 :] for name in loaded if name.startswith(f"{seen_as}/")]
    files = [path for path in map(folder.joinpath, names) if not _cached(path, python).exists()]
    wanted = [path for path in files if path.is_file() and path.resolve().is_relative_to(root)]
    if not wanted:
        return
    subprocess.run(
        [python.executable, "-I", "-S", "-c", _COMPILE],
        input="\n".join(map(str, wanted)).encode(),
        check=False,
        capture_output=True,
        timeout=_SECONDS,
        env={"LC_ALL": "C.UTF-8"},
    )


def _cached(path: Path, python: Python) -> Path:
    return path.parent / "__pycache__" / f"{path.stem}.{python.tag}.pyc"


def own_copy(package: Path, folder: Path) -> Path:
    """Copy our modules for the inside to a place where their bytecode may lie, too."""
    texts = {path.name: path.read_bytes() for path in sorted(package.glob("*.py"))}
    digest = hashlib.sha256(b"\0".join(texts.values())).hexdigest()[:16]
    place = folder / digest
    if not place.is_dir():
        new = folder / f".new-{secrets.token_hex(6)}"
        new.mkdir(parents=True)
        for name, text in texts.items():
            (new / name).write_bytes(text)
        try:
            new.rename(place)
        except OSError:  # another process was quicker
            remove(new)
    return place
