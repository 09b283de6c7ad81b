"""The proof of a wheel for another machine: read, imported in the target's own Python, and tried out there.

Wheels are unpacked by the build machine's Python, which is quicker; all that is imported is imported by the
target's, under its emulator.
"""

import asyncio
import json
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from wheelyard.executor.elf import elf_names
from wheelyard.executor.outcomes import Stopped
from wheelyard.executor.reached import ReadyPlatform
from wheelyard.executor.retag import retag_as_pure
from wheelyard.executor.sessions import Answer
from wheelyard.executor.target_proof import Promise, faults_of, is_called_by_ctypes
from wheelyard.executor.wheel_archive import open_wheel
from wheelyard.executor.wheelfile import WheelFacts
from wheelyard.model.job import Finding, Outcome, Verdict
from wheelyard.targets.platform import Platform

if TYPE_CHECKING:
    from wheelyard.executor.attempt import Attempt, Running

_INSIDE = Path(__file__).with_name("inside")
_PARTS = ("__init__.py", "across.py", "apart.py", "hooks.py", "smoke.py")
_ASKED = "asked"
_EXTENSION = re.compile(
    r"(?:[^/]+\.data/(?:plat|pure)lib/)?(?P<module>[\w/]+)\.(?:cpython-[\w-]+|abi3)\.so"
)
_PLACE, _WHEELS = "site", "wheels"
_MOST_SHOWN = 3
_LARGEST_ANSWER = 1 << 20


def prove(attempt: "Attempt", wheel: Path, facts: WheelFacts) -> None:
    """Hold a wheel against the machine that it is for. Raises Stopped."""
    found = attempt.across
    if found is None:
        return
    ready, platform = found.ready, Platform.parse(attempt.offer.target.platform)
    promise = Promise(
        platform=platform,
        suffix=ready.suffix,
        glibc=ready.glibc,
        libraries=_library_names(ready.libraries),
        main=ready.main,
        foreign=_foreign(attempt),
        compiled=attempt.compiled > 0 and not attempt.offer.recipe.pure,
        pure=attempt.offer.recipe.pure,
    )
    faults = faults_of(wheel, facts, promise)
    if not faults:
        return
    for fault in faults:
        attempt.log.note(f"not for {attempt.offer.target}: {fault}")
    raise Stopped(
        Outcome.FAILED,
        f"the wheel is not for {attempt.offer.target}: {'; '.join(faults[:_MOST_SHOWN])}",
        hint="Its log has every compiler command as it was called and as it was run.",
    )


def as_pure(wheel: Path, folder: Path) -> Path:
    """Give a wheel for one machine that holds nothing compiled the tags of one for any."""
    with open_wheel(wheel) as archive:
        compiled = any(True for _ in elf_names(archive)) or any(
            name.endswith(".so") for name in archive.namelist()
        )
    pure = wheel.name.endswith("-any.whl")
    return wheel if compiled or pure else retag_as_pure(wheel, folder)


def _foreign(attempt: "Attempt") -> tuple[str, ...]:
    """Return the paths of this machine that no wheel may name where it runs."""
    settings = attempt.shop.settings
    return (
        str(settings.state),
        *(str(folder) for folder in attempt.python.prefixes if not _is_of_the_system(folder)),
    )


def _library_names(folders: tuple[Path, ...]) -> frozenset[str] | None:
    """Name the libraries that a target has; None where its C library is not among those that are known."""
    found = frozenset(
        path.name for folder in folders if folder.is_dir() for path in folder.iterdir()
    )
    return found if "libc.so.6" in found else None


def _is_of_the_system(folder: Path) -> bool:
    """Whether a folder is called the same on nearly every machine."""
    return folder.is_relative_to("/usr") or folder == Path("/")


def extension_modules(path: Path, facts: WheelFacts) -> tuple[str, ...]:
    """Return the modules of a wheel that are compiled, which its own code may do without in silence."""
    with open_wheel(path) as archive:
        found = (
            _EXTENSION.fullmatch(name)
            for name in facts.compiled
            if not is_called_by_ctypes(archive.read(name))
        )
        names = [match["module"].replace("/", ".") for match in found if match]
    return tuple(name for name in names if all(part.isidentifier() for part in name.split(".")))


def not_run(attempt: "Attempt") -> Finding:
    """Say that a wheel was not imported, because nothing here runs it."""
    platform = attempt.offer.target.platform
    message = (
        f"it was not imported: there is no emulator for {platform} here, such as qemu-user-static"
    )
    return Finding(check="import", message=message, verdict=Verdict.WARN)


async def unpack(attempt: "Attempt", running: "Running", wheel: str) -> list[str]:
    """Unpack the wheel and what it requires, and return where they lie, the wheel's own place first."""
    build = running.view.build
    names = await asyncio.to_thread(_copy, attempt, running.folder)
    places = {_PLACE: [wheel], "required": [f"{_WHEELS}/{name}" for name in names]}
    for place, wheels in places.items():
        call: dict[str, object] = {
            "call": "unpack",
            "folder": f"{build}/home",
            "wheels": [f"{build}/{name}" for name in wheels],
            "place": f"{build}/{place}",
        }
        if wheels:
            await running.call(call)
    return [f"{build}/{place}" for place, wheels in places.items() if wheels]


def _copy(attempt: "Attempt", folder: Path) -> list[str]:
    """Put the target's wheels where the sandbox sees them."""
    (folder / _WHEELS).mkdir()
    names = []
    tools = attempt.offer.test_tools if attempt.offer.recipe.test else ()
    for wheel in dict.fromkeys((*attempt.offer.test_requirements, *tools)):
        blob = attempt.shop.blobs.path(wheel.digest)
        if blob is None:
            raise Stopped(Outcome.INFRASTRUCTURE, f"{wheel.filename} is not in the blobs")
        names.append(Path(wheel.filename).name)
        shutil.copyfile(blob, folder / _WHEELS / names[-1])
    return names


async def imports(
    attempt: "Attempt", running: "Running", places: list[str], modules: tuple[str, ...]
) -> Answer:
    """Import modules in the target's Python, as ``smoke`` does in this machine's."""
    question: dict[str, object] = {
        "call": "import",
        "place": places[0],
        "wheel": "",
        "folders": places[1:],
        "modules": list(modules),
        "folder": f"{running.view.build}/home",
    }
    return await ask_apart(attempt, running, question, attempt.variables(running.view))


async def ask_apart(
    attempt: "Attempt",
    running: "Running",
    question: dict[str, object],
    variables: Mapping[str, str],
) -> Answer:
    """Make a call in the target's Python, with these variables."""
    ready, place = _ready(attempt), f"{running.view.build}/{_ASKED}"
    folder = running.folder / _ASKED
    await asyncio.to_thread(_write_question, folder, question)
    answer = await running.call(
        {
            "call": "run",
            "arguments": [
                *ready.python,
                *(f"{place}/{name}" for name in ("apart.py", "question.json", "answer.json")),
            ],
            "folder": question["folder"],
            "environment": dict(variables) | dict(ready.environment),
        }
    )
    if not answer.ok:
        return answer
    return await asyncio.to_thread(_answer, folder / "answer.json")


def _write_question(folder: Path, question: dict[str, object]) -> None:
    folder.mkdir(exist_ok=True)
    for part in _PARTS:
        shutil.copyfile(_INSIDE / part, folder / part)
    (folder / "question.json").write_text(json.dumps(question))
    (folder / "answer.json").unlink(missing_ok=True)


def _answer(path: Path) -> Answer:
    """Read what the target's Python said; a stranger's code had a hand in it."""
    try:
        plain = not path.is_symlink() and path.stat().st_size <= _LARGEST_ANSWER
        spoken = json.loads(path.read_text()) if plain else {}
        return Answer(
            returned=spoken.get("returned"),
            failed=str(spoken.get("failed", "")),
            message=str(spoken.get("message", "")),
        )
    except (OSError, ValueError, AttributeError):
        return Answer(failed="hook", message="the target's Python gave no answer")


async def variables(attempt: "Attempt", running: "Running", places: list[str]) -> dict[str, str]:
    """Return the environment of a recipe's own test: ``python`` is the target's there."""
    ready, build = _ready(attempt), running.view.build
    await asyncio.to_thread(_write_python, ready, running.folder / "bin")
    plain = attempt.variables(running.view) | dict(ready.environment)
    return plain | {"PATH": f"{build}/bin:{plain['PATH']}", "PYTHONPATH": ":".join(places)}


def _write_python(ready: ReadyPlatform, folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    words = " ".join(f"'{word}'" for word in ready.python)
    for name in ("python", "python3"):
        (folder / name).write_text(f'#!/bin/sh\nexec {words} "$@"\n')
        (folder / name).chmod(0o755)


def _ready(attempt: "Attempt") -> ReadyPlatform:
    if attempt.across is None:
        raise RuntimeError("a wheel of this machine was to be emulated")  # pragma: no cover
    return attempt.across.ready
