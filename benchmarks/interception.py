"""What a caught compiler call costs beside the bare command, and beside pyodide-build's wrapper."""

import json
import os
import statistics
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measure import BenchmarkError, Usage
from benchmarks.report import Report, Row, Verdict
from benchmarks.setting import Setting

from wheelyard.cross.description import Crossing, Kind, Tool
from wheelyard.executor import shim_program
from wheelyard.executor.shims import install_shims

CALLS = 1000
MOST_COMPILED, MOST_PYTHON, LEAST_TIMES = 1.0, 15.0, 50.0
# It takes so long that a fourth of the calls says enough.
PEER_TURNS = 4
SUBJECT = "cc -c of nothing"
BARE, COMPILED, PYTHON, PEER = (
    "the bare command",
    "compiled shim",
    "shim in Python",
    "pyodide-build",
)
_WORDS = ("-O2", "-I/usr/include", "-I/build/include", "-c", "a.c", "-o", "a.o")


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """One way to the same command."""

    name: str
    program: Path
    environment: Mapping[str, str]


def run(setting: Setting, report: Report, calls: int = CALLS) -> None:
    """Call in turns, so that what else the machine does falls on all alike."""
    folder = setting.run_folder()
    callers = [caller for caller in _callers(setting, folder) if setting.wants(caller.name)]
    if BARE not in {caller.name for caller in callers}:
        raise BenchmarkError(f"{BARE!r} is what all others are measured against")
    report.say(f"{calls} calls of {', '.join(caller.name for caller in callers)}")
    taken: dict[str, list[float]] = {caller.name: [] for caller in callers}
    for turn in range(calls):
        for caller in callers:
            if caller.name == PEER and turn % PEER_TURNS:
                continue
            taken[caller.name].append(_call(caller, folder))
    report.publish("interception", rows(taken))


def rows(taken: Mapping[str, list[float]]) -> list[Row]:
    """Judge what calls took, in seconds, by what they add to the bare command."""
    bare = statistics.median(taken[BARE])
    added = {name: 1000 * (statistics.median(found) - bare) for name, found in taken.items()}
    verdicts = {
        COMPILED: [
            Verdict(what="added", unit="ms", found=added.get(COMPILED, 0), most=MOST_COMPILED)
        ],
        PYTHON: [Verdict(what="added", unit="ms", found=added.get(PYTHON, 0), most=MOST_PYTHON)],
    }
    if PEER in added and COMPILED in added:
        share = added[COMPILED] / added[PEER]
        most = 1 / LEAST_TIMES
        verdicts[COMPILED].append(Verdict(what=f"added / {PEER}", unit="", found=share, most=most))
    return [
        Row(
            subject=SUBJECT,
            runner=name,
            usages=tuple(Usage(wall=seconds) for seconds in found),
            verdicts=tuple(verdicts.get(name, ())),
        )
        for name, found in taken.items()
    ]


def _call(caller: Caller, folder: Path) -> float:
    words = [str(caller.program), *_WORDS]
    began = time.perf_counter()
    child = os.posix_spawn(words[0], words, {**caller.environment, "PWD": str(folder)})
    status = os.waitpid(child, 0)[1]
    taken = time.perf_counter() - began
    if status:
        raise BenchmarkError(f"{caller.name} ended with {os.waitstatus_to_exitcode(status)}")
    return taken


def _callers(setting: Setting, folder: Path) -> list[Caller]:
    real = folder / "real" / "emcc"
    real.parent.mkdir()
    real.symlink_to("/bin/true")
    environment = {"PATH": f"{real.parent}:{os.defpath}"}
    crossing = Crossing(
        triple="aarch64-linux-gnu",
        kind=Kind.GNU,
        tools={Tool.CC: (str(real),)},
        sysroot="/sysroot",
        includes=("/sysroot/usr/include",),
        libraries=("/sysroot/usr/lib",),
        own_headers=True,
    )
    state = setting.cache / "shims"
    if shim_program.compiled(state) is None:
        raise BenchmarkError("a C compiler is needed for the compiled shim")
    python = str(setting.python)
    compiled = install_shims(
        folder / "c", crossing, seen=str(folder / "c"), state=state, python=python
    )
    # The same shims with each command left to the script that thinks.
    slow = install_shims(
        folder / "py", crossing, seen=str(folder / "py"), state=state, python=python
    )
    script = folder / "py" / "shim"
    script.unlink()
    place = {"modules": f"{folder}/py/modules", "rules": f"{folder}/py/rules"}
    shim_program.write_script(script, python=python, thinking=False, **place)
    return [
        Caller(name=BARE, program=real, environment=environment),
        Caller(name=COMPILED, program=Path(compiled.path) / "cc", environment=environment),
        Caller(name=PYTHON, program=Path(slow.path) / "cc", environment=environment),
        *_peer(setting, folder, environment),
    ]


def _peer(setting: Setting, folder: Path, environment: Mapping[str, str]) -> list[Caller]:
    """Lay out pyodide-build's wrapper as its own code does, which would first download Pyodide."""
    if not setting.wants(PEER):
        return []
    programs = _programs(setting)
    place = folder / "pyodide"
    place.mkdir()
    text = (
        "import json, sys, pyodide_build; print(json.dumps([pyodide_build.__path__[0], *sys.path]))"
    )
    said = subprocess.check_output([programs / "python", "-c", text], text=True)
    package, *path = json.loads(said)
    wrapper = place / "pywasmcross.py"
    wrapper.write_bytes((Path(package) / wrapper.name).read_bytes())
    wrapper.chmod(0o755)
    (place / "cc").symlink_to(wrapper)
    told = {
        **dict.fromkeys(("pkgname", "cflags", "cxxflags", "ldflags", "target_install_dir"), ""),
        "exports": "pyinit",
        "pythoninclude": "",
        "abi": "",
        "PYTHONPATH": [*filter(None, path), str(place)],
        "PATH": environment["PATH"],
        "orig__name__": "pyodide_build.pypabuild",
    }
    variables = {
        "PATH": f"{programs}:{environment['PATH']}",
        "PYWASMCROSS_ARGS": json.dumps(told),
        "BUILD_ENV_SCRIPTS_DIR": str(programs),
    }
    return [Caller(name=PEER, program=place / "cc", environment=variables)]


def _programs(setting: Setting) -> Path:
    """Return the programs of an environment with pyodide-build, whose newest wants a newer Python."""
    folder = setting.cache / "pyodide-build"
    if not (folder / "bin" / "pyodide").exists():
        make: list[str | Path] = ["uv", "venv", "--quiet", "--clear", "--python", ">=3.12", folder]
        subprocess.run(make, check=True)
        install: list[str | Path] = ["uv", "pip", "install", "--quiet", "pyodide-build"]
        subprocess.run([*install, "--python", folder / "bin" / "python"], check=True)
    return folder / "bin"
