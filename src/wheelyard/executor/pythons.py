"""What an interpreter says about itself: where it lies, and what tells it from others."""

import contextlib
import hashlib
import json
import os
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wheelyard.errors import InterpreterError

_QUESTION = """
import json, os, platform, sys, sysconfig
print(json.dumps({
    "executable": os.path.realpath(sys.executable),
    "version": sys.version,
    "tag": sys.implementation.cache_tag or "",
    "platform": sysconfig.get_platform(),
    "prefixes": sorted({os.path.realpath(p) for p in (
        sys.base_prefix, sys.base_exec_prefix, os.path.dirname(os.path.realpath(sys.executable)),
        sysconfig.get_path("stdlib"), sysconfig.get_config_var("LIBDIR") or sys.base_prefix)}),
    "release": "%d.%d" % sys.version_info[:2],
    "includes": sorted({sysconfig.get_path(name) for name in ("include", "platinclude")}),
    "markers": {
        "implementation_name": sys.implementation.name,
        "implementation_version": "%d.%d.%d" % sys.implementation.version[:3],
        "os_name": os.name,
        "platform_machine": platform.machine(),
        "platform_python_implementation": platform.python_implementation(),
        "platform_release": platform.release(),
        "platform_system": platform.system(),
        "platform_version": platform.version(),
        "python_full_version": platform.python_version(),
        "python_version": "%d.%d" % sys.version_info[:2],
        "sys_platform": sys.platform,
    },
}))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Python:
    """An interpreter; ``identity`` changes when what it makes may change.

    ``tag`` names its bytecode, ``includes`` are where its headers lie, ``markers`` is the environment of PEP 508.
    """

    executable: Path
    identity: str
    tag: str
    release: str
    includes: tuple[Path, ...]
    prefixes: tuple[Path, ...]
    markers: Mapping[str, str]


def describe(executable: Path, *, remembered: Path | None = None) -> Python:
    """Ask an interpreter, or read what it said before in the folder ``remembered``. Raises InterpreterError.

    It is asked again when its file is another, or the kernel that it runs on.
    """
    place, of = _memory(executable, remembered)
    facts = _recall(place, of)
    if facts is None:
        facts = _ask(executable)
        _remember(place, of, facts)
    text = json.dumps([facts[name] for name in ("executable", "version", "tag", "platform")])
    return Python(
        executable=executable,
        identity=hashlib.sha256(text.encode()).hexdigest()[:16],
        release=facts["release"],
        tag=facts["tag"],
        includes=tuple(Path(folder) for folder in facts["includes"]),
        prefixes=tuple(Path(prefix) for prefix in facts["prefixes"]),
        markers=facts["markers"],
    )


def _ask(executable: Path) -> dict[str, Any]:
    try:
        answer = subprocess.run(
            [executable, "-I", "-S", "-c", _QUESTION],
            capture_output=True,
            check=True,
            timeout=60,
            env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"},
        )
        facts: dict[str, Any] = json.loads(answer.stdout)
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        raise InterpreterError(
            f"{str(executable)!r} does not work as a Python: {error}",
            hint="Run it by hand with -V; wheelyard target list shows which Pythons work.",
        ) from error
    return facts


def _memory(executable: Path, folder: Path | None) -> tuple[Path | None, list[object]]:
    """Return where an answer is remembered, and what it has to be of."""
    try:
        real = executable.resolve(strict=True)
        facts = real.stat()
    except OSError:
        return None, []
    of = [str(real), facts.st_mtime_ns, facts.st_size, *os.uname()[2:], _QUESTION]
    name = hashlib.sha256(os.fsencode(executable)).hexdigest()[:16]
    return None if folder is None else folder / f"{name}.json", of


def _recall(place: Path | None, of: list[object]) -> dict[str, Any] | None:
    if place is None:
        return None
    try:
        kept = json.loads(place.read_text("utf-8"))
        return kept["facts"] if kept["of"] == of else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _remember(place: Path | None, of: list[object], facts: dict[str, Any]) -> None:
    if place is None:
        return
    # What cannot be remembered is asked again, which costs little.
    with contextlib.suppress(OSError):
        place.parent.mkdir(parents=True, exist_ok=True)
        new = place.with_name(f".{place.name}-{os.getpid()}-{time.monotonic_ns()}")
        new.write_text(json.dumps({"of": of, "facts": facts}), "utf-8")
        new.replace(place)
