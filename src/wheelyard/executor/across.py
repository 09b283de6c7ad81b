"""The cross environment of a build: what the hook that builds is given, and nobody else.

Its tools lie in the build's own folder, so that a build finds them by paths that are the same on every
machine. Build requirements run on the build machine; what is compiled against lies beside them, as wheels of
the target.
"""

import asyncio
import shlex
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.utils import parse_wheel_filename

from wheelyard.executor.hosts import View
from wheelyard.executor.outcomes import Stopped
from wheelyard.executor.reached import Across, Place, ReadyPlatform, Tools
from wheelyard.executor.sysconfigdata import text_in
from wheelyard.model.artifact import InputWheel
from wheelyard.model.job import Offer, Outcome
from wheelyard.targets.compatibility import compatible_tags
from wheelyard.targets.markers import marker_environment
from wheelyard.targets.target import Target

if TYPE_CHECKING:
    from wheelyard.executor.attempt import Attempt, Running, State

FOLDER = "across"
_DATA, _WHEELS, _HOST = "python", "wheels", "host"
_MESON, _SCIKIT = "mesonpy", "scikit_build_core"


def lay_out(
    attempt: "Attempt", state: "State", inside: Path, view: View
) -> tuple[tuple[str, str], ...]:
    """Write what the build of a wheel across needs into its folder, and return what is to be bound.

    Raises Stopped and ToolError.
    """
    ready, seen = _ready(attempt), view.build
    folder, place = inside / FOLDER, f"{seen}/{FOLDER}"
    (folder / _DATA).mkdir(parents=True)
    shutil.copyfile(ready.sysconfigdata, folder / _DATA / ready.sysconfigdata.name)
    _copy_hosts(attempt, folder / _WHEELS)
    tools = ready.install(
        Place(
            folder=folder,
            seen=place,
            project=f"{seen}/{state.project}",
            moved=_moved(attempt, ready, view, place),
            recipe=attempt.offer.recipe,
            python=f"{place}/target-python",
            telling=_telling(ready, place),
            launcher=_launcher(attempt),
        )
    )
    _write_python(folder / "target-python", ready, place)
    attempt.across = Across(ready=ready, tools=tools, asked=_asked(attempt.offer, ready, place))
    return tools.binds if view.contained else ()


def _launcher(attempt: "Attempt") -> tuple[str, ...]:
    cache = attempt.shop.isolation.compiler_cache
    return () if cache is None else (str(cache),)


def _ready(attempt: "Attempt") -> ReadyPlatform:
    if attempt.across is None:
        raise RuntimeError("a job that goes no other way was laid out for one")  # pragma: no cover
    return attempt.across.ready


def _copy_hosts(attempt: "Attempt", folder: Path) -> None:
    folder.mkdir()
    for wheel in attempt.offer.host_requirements:
        blob = attempt.shop.blobs.path(wheel.digest)
        if blob is None:
            raise Stopped(Outcome.INFRASTRUCTURE, f"{wheel.filename} is not in the blobs")
        shutil.copyfile(blob, folder / Path(wheel.filename).name)


def _moved(attempt: "Attempt", ready: ReadyPlatform, view: View, place: str) -> dict[str, str]:
    """Map what is compiled against on the build machine to what of it is the target's."""
    python = attempt.python
    folders = (*map(str, python.includes), *_header_folders(ready.sysconfigdata))
    moved = dict.fromkeys(folders, str(ready.headers))
    site = f"{view.environment}/lib/python{python.release}/site-packages"
    for name in _packages(attempt.offer.host_requirements):
        moved[f"{site}/{name}"] = f"{place}/{_HOST}/{name}"
    return moved


def _header_folders(sysconfigdata: Path) -> list[str]:
    """Return where a target's Python says that its headers lie, which on this machine are others'."""
    found = (text_in(sysconfigdata, name) for name in ("INCLUDEPY", "CONFINCLUDEPY"))
    return [folder for folder in found if folder]


def _packages(wheels: Iterable[InputWheel]) -> list[str]:
    """Guess what the top folders of wheels are called: as their projects, which those that are known are."""
    return [parse_wheel_filename(wheel.filename)[0].replace("-", "_") for wheel in wheels]


def _telling(ready: ReadyPlatform, place: str) -> dict[str, str]:
    """Return the variables with which a Python answers for the target."""
    return {
        "_PYTHON_HOST_PLATFORM": ready.host_platform,
        "_PYTHON_SYSCONFIGDATA_NAME": ready.sysconfigdata.stem,
        "PYTHONPATH": f"{place}/{_DATA}",
    }


def _write_python(path: Path, ready: ReadyPlatform, place: str) -> None:
    """Write a Python that says of itself what the target's would, for who starts one to ask."""
    words = _telling(ready, place)
    # What a build says of its own modules is looked at, too: numpy's generators are found so.
    own = {"PYTHONPATH": '"${PYTHONPATH:+:$PYTHONPATH}"'}
    given = " ".join(
        f"{name}={shlex.quote(value)}{own.get(name, '')}" for name, value in words.items()
    )
    path.write_text(f'#!/bin/sh\n{given} exec "$VIRTUAL_ENV/bin/python" "$@"\n')
    path.chmod(0o755)


def _asked(offer: Offer, ready: ReadyPlatform, place: str) -> dict[str, object]:
    """Say what the process of the hook answers for the target with."""
    return {
        "platform": ready.host_platform,
        "sysconfigdata": ready.sysconfigdata.stem,
        "folder": f"{place}/{_DATA}",
        "tags": _platform_tags(offer.target),
        "markers": marker_environment(offer.target),
        "pretend": offer.recipe.pretend,
    }


def _platform_tags(target: Target) -> list[str]:
    """Return the platform tags of a target, its own name first: the back end cannot know what it links."""
    tags = dict.fromkeys(tag.platform for tag in compatible_tags(target) if tag.platform != "any")
    own = [tag for tag in tags if not tag.startswith(("manylinux", "musllinux"))]
    plain = f"linux_{target.platform.rpartition('linux_')[2]}" if not own else own[0]
    return list(dict.fromkeys((_plain(target) or plain, *own, *tags)))


def _plain(target: Target) -> str:
    """Return the tag that promises nothing about the C library, which repair replaces."""
    kind, _, rest = target.platform.partition("_")
    if kind == "linux":
        return target.platform
    if kind in {"manylinux", "musllinux"}:
        return f"linux_{rest.split('_', 2)[2]}"
    return ""


def in_the_environment(
    attempt: "Attempt", running: "Running", call: dict[str, object]
) -> dict[str, object]:
    """Return a call with the variables of the target, where that is another machine."""
    if attempt.across is None:
        return call
    plain = attempt.variables(running.view)
    return {**call, "environment": _variables(attempt.across, plain)}


def _variables(across: Across, plain: Mapping[str, str]) -> dict[str, str]:
    """Return the environment variables of the hook that builds, from those of any other."""
    tools = across.tools
    if tools is None:
        return dict(plain)
    first, _, rest = plain["PATH"].partition(":")
    return {
        **plain,
        **tools.environment,
        # After the front end's own folder, as the back end's tools come first in any build.
        "PATH": f"{tools.path}:{first}:{rest}",
        **({"CMAKE_TOOLCHAIN_FILE": tools.cmake} if tools.cmake else {}),
    }


def settings(
    backend: str, tools: Tools, given: Mapping[str, str | tuple[str, ...]]
) -> dict[str, str | list[str]]:
    """Return the settings of a back end with what tells it the target; those of the recipe stay."""
    found: dict[str, str | list[str]] = {
        key: value if isinstance(value, str) else list(value) for key, value in given.items()
    }
    if backend.startswith(_MESON) and tools.meson:
        found["setup-args"] = [f"--cross-file={tools.meson}", *_listed(found.get("setup-args"))]
    elif backend.startswith(_SCIKIT) and tools.cmake:
        define = f"-DCMAKE_TOOLCHAIN_FILE={tools.cmake}"
        found["cmake.args"] = ";".join((define, *_listed(found.get("cmake.args"))))
    return found


def _listed(value: str | list[str] | None) -> list[str]:
    return [] if value is None else [value] if isinstance(value, str) else value


async def unpack_hosts(attempt: "Attempt", running: "Running") -> None:
    """Unpack the target's wheels that are compiled against, in the sandbox."""
    wheels = attempt.offer.host_requirements
    if not wheels:
        return
    place = f"{running.view.build}/{FOLDER}"
    names = [f"{place}/{_WHEELS}/{Path(wheel.filename).name}" for wheel in wheels]
    await running.call(
        {
            "call": "unpack",
            "folder": running.view.build,
            "wheels": names,
            "place": f"{place}/{_HOST}",
        }
    )


async def count(attempt: "Attempt", running: "Running") -> None:
    """Note how many of the project's own files the compilers of a build across were given."""
    if attempt.across is not None:
        calls = attempt.across.ready.calls
        attempt.compiled = await asyncio.to_thread(calls, running.folder / FOLDER)


def for_the_target(
    attempt: "Attempt", state: "State", running: "Running", call: dict[str, object]
) -> dict[str, object]:
    """Return a call in the environment of the target, where that is another machine."""
    found = attempt.across
    if found is None or found.tools is None:
        return call
    return {
        **call,
        "environment": _variables(found, attempt.variables(running.view)),
        "across": found.asked,
        "config_settings": settings(
            state.system.backend, found.tools, attempt.offer.recipe.config_settings
        ),
    }
