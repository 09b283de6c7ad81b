"""What an interpreter says about itself: where it lies, and what tells it from others."""

import hashlib
import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

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


def describe(executable: Path) -> Python:
    """Ask an interpreter. Raises InterpreterError."""
    try:
        answer = subprocess.run(
            [executable, "-I", "-S", "-c", _QUESTION],
            capture_output=True,
            check=True,
            timeout=60,
            env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"},
        )
        facts = json.loads(answer.stdout)
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        raise InterpreterError(
            f"{str(executable)!r} does not work as a Python: {error}",
            hint="Run it by hand with -V; wheelyard target list shows which Pythons work.",
        ) from error
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
