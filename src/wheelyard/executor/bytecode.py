"""Compiled bytecode for what warm interpreters load, so that the next one starts quicker.

The sandbox cannot write it, and must not. Here a Python of the same kind compiles the files, and runs
nothing of what is in them.
"""

import subprocess
from collections.abc import Sequence
from pathlib import Path

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


def compile_loaded(python: Python, environment: Path, loaded: Sequence[str], seen_as: str) -> None:
    """Compile the files of an environment that an interpreter said it loaded.

    The list is a stranger's word, so only files that lie in the environment count. Failing is no harm.
    """
    root = environment.resolve()
    files = []
    for name in loaded:
        if not name.startswith(seen_as + "/"):
            continue
        path = environment / name[len(seen_as) + 1 :]
        real = path.resolve()
        cached = path.parent / "__pycache__"
        known = cached.is_dir() and any(cached.glob(f"{path.stem}.*.pyc"))
        if real.is_relative_to(root) and real.is_file() and not known:
            files.append(str(path))
    if not files:
        return
    subprocess.run(
        [python.executable, "-I", "-S", "-c", _COMPILE],
        input="\n".join(files).encode(),
        check=False,
        capture_output=True,
        timeout=_SECONDS,
        env={"LC_ALL": "C.UTF-8"},
    )
