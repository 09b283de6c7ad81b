"""A build in the target's own Python, under its emulator: the fall-back where a build across fails.

All that Python says is true there, and what was just compiled can be imported. The compilers are those of the
build across. Build requirements are wheels of the target; they are unpacked, not installed, because no installer
of this machine takes them.
"""

import asyncio
import configparser
import shlex
import shutil
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

from wheelyard.executor import across, emulated
from wheelyard.executor.outcomes import Stopped
from wheelyard.executor.sessions import Answer
from wheelyard.executor.wheel_archive import open_wheel
from wheelyard.model.job import Outcome
from wheelyard.model.way import WayKind

if TYPE_CHECKING:
    from wheelyard.executor.attempt import Attempt, Running

_SITE, _SCRIPTS, _WHEELS = "site", "scripts", "required"


def is_emulated(attempt: "Attempt") -> bool:
    """Whether the back end of an attempt runs under an emulator."""
    return attempt.offer.way.kind is WayKind.EMULATED


async def furnish(attempt: "Attempt", running: "Running") -> None:
    """Unpack the build requirements, with a script for each command that they bring."""
    folder, place = running.folder / across.FOLDER, f"{running.view.build}/{across.FOLDER}"
    names = await asyncio.to_thread(_write, attempt, folder)
    wheels = [f"{place}/{_WHEELS}/{name}" for name in names]
    await running.call(
        {
            "call": "unpack",
            "folder": running.view.build,
            "wheels": wheels,
            "place": f"{place}/{_SITE}",
        }
    )


async def call(attempt: "Attempt", running: "Running", request: dict[str, object]) -> Answer:
    """Call a hook in the target's Python."""
    place = f"{running.view.build}/{across.FOLDER}"
    given = across.in_the_environment(attempt, running, {})["environment"]
    variables = dict(given) if isinstance(given, dict) else {}
    variables["PATH"] = f"{place}/{_SCRIPTS}:{variables['PATH']}"
    variables["PYTHONPATH"] = f"{place}/{_SITE}"
    asked = {
        name: value for name, value in request.items() if name not in {"across", "environment"}
    }
    return await emulated.ask_apart(attempt, running, asked, variables)


def _write(attempt: "Attempt", folder: Path) -> list[str]:
    (folder / _WHEELS).mkdir()
    (folder / _SCRIPTS).mkdir()
    python = shlex.join(attempt.across.ready.python) if attempt.across is not None else ""
    for name in ("python", "python3"):
        _script(folder / _SCRIPTS / name, f'exec {python} "$@"')
    names = []
    for wheel in attempt.offer.requirements:
        blob = attempt.shop.blobs.path(wheel.digest)
        if blob is None:
            raise Stopped(Outcome.INFRASTRUCTURE, f"{wheel.filename} is not in the blobs")
        names.append(Path(wheel.filename).name)
        shutil.copyfile(blob, folder / _WHEELS / names[-1])
        with open_wheel(folder / _WHEELS / names[-1]) as archive:
            for name, module, function in _commands(archive):
                code = f"import sys; from {module} import {function} as f; sys.exit(f())"
                _script(folder / _SCRIPTS / name, f'exec {python} -c {shlex.quote(code)} "$@"')
    return names


def _commands(archive: zipfile.ZipFile) -> list[tuple[str, str, str]]:
    """Return the commands of a wheel: each one's name, module and function."""
    found = [name for name in archive.namelist() if name.endswith(".dist-info/entry_points.txt")]
    parser = configparser.ConfigParser(delimiters=("=",), interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    try:
        for name in found:
            parser.read_string(archive.read(name).decode())
    except (configparser.Error, UnicodeDecodeError):
        return []
    entries = parser.items("console_scripts") if parser.has_section("console_scripts") else []
    parts = ((name, value.partition("[")[0].strip()) for name, value in entries if "/" not in name)
    return [
        (name, value.partition(":")[0], value.partition(":")[2].partition(".")[0])
        for name, value in parts
    ]


def _script(path: Path, line: str) -> None:
    path.write_text(f"#!/bin/sh\n{line}\n")
    path.chmod(0o755)
