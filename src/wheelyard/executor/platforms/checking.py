"""Whether a platform works: probes are compiled by its compilers, as builds do it, and run in its emulator.

The compilers are called through the same shims as in a build, so that what a check compiles is compiled as in one.
"""

import os
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from wheelyard.errors import ConfigurationError, ToolError, nearest
from wheelyard.executor.platforms import missing
from wheelyard.executor.platforms.description import Description, Kind, targets_of
from wheelyard.executor.platforms.reaching import KnownPlatforms
from wheelyard.executor.reached import Place, ReadyPlatform, Tools
from wheelyard.executor.surroundings import SYSTEM_PATH
from wheelyard.model.recipe import Recipe

_SECONDS = 300
_LAST_LINES = 4
_PROBES = Path(__file__).with_name("probes")
_MODULE = "wheelyard_probe"
_WORKS = "it works"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A part of a check. ``carry_out`` blocks, says what it found, and raises WheelyardError."""

    name: str
    carry_out: Callable[[], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Workshop:
    """A folder with the tools of a build, in which probes are compiled."""

    folder: Path
    ready: ReadyPlatform
    tools: Tools


class Check:
    """A check of a platform with one of its Pythons. Its steps are carried out in their order."""

    def __init__(self, platforms: KnownPlatforms, platform: Description, python: str = "") -> None:
        """Check with a version of Python (``3.11``); without, with the newest. Raises ConfigurationError."""
        self._platforms = platforms
        self._platform = platform
        self.python = python or newest(platform)
        if self.python not in platform.pythons:
            near = nearest(self.python, platform.pythons)
            there = ", ".join(platform.pythons) or "none"
            raise ConfigurationError(
                f"the platform {platform.name} has no Python {self.python}",
                hint=f"{near} There are {there}.".strip(),
            )

    def steps(self, folder: Path) -> Iterator[Step]:
        """Return the steps, one after the other has been carried out; probes lie in a folder of their own in ``folder``."""
        yield Step(name="what must be installed", carry_out=self._installed)
        found: list[ReadyPlatform] = []
        yield Step(
            name=f"the sysroot of Python {self.python}", carry_out=lambda: self._sysroot(found)
        )
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=folder, prefix="check-") as name:
            place = Path(name).resolve()
            tools: list[Tools] = []
            yield Step(
                name="the tools of a build", carry_out=lambda: self._tools(place, found[0], tools)
            )
            shop = _Workshop(folder=place, ready=found[0], tools=tools[0])
            if self._platform.kind is not Kind.EMSCRIPTEN:
                yield Step(name="a program in C", carry_out=lambda: self._program(shop, "C"))
                yield Step(name="a program in C++", carry_out=lambda: self._program(shop, "C++"))
            yield Step(name="an extension of Python", carry_out=lambda: self._extension(shop))

    def _installed(self) -> str:
        platform = self._platform
        if absent := missing.of_all(platform):
            names = ", ".join(one.what for one in absent)
            raise ToolError(
                f"the platform {platform.name} takes what is not installed here: {names}",
                hint=f"{missing.how_to_have(absent)}.",
            )
        return missing.emulator(platform)

    def _sysroot(self, found: list[ReadyPlatform]) -> str:
        target = next(
            one
            for one in targets_of(self._platform)
            if one.interpreter.python_version == self.python
        )
        found.append(self._platforms.made_ready(self._platform.name, target, ()))
        glibc = found[0].glibc
        return f"glibc {glibc[0]}.{glibc[1]}" if glibc else ""

    @staticmethod
    def _tools(place: Path, ready: ReadyPlatform, tools: list[Tools]) -> str:
        (place / "project").mkdir()
        tools.append(
            ready.install(
                Place(
                    folder=place,
                    seen=str(place),
                    project=str(place / "project"),
                    moved={},
                    recipe=Recipe(),
                )
            )
        )
        return ""

    def _program(self, shop: _Workshop, language: str) -> str:
        variable, ending = ("CXX", "cc") if language == "C++" else ("CC", "c")
        name = f"probe-{ending}"
        source = str(_PROBES / f"probe.{ending}")
        self._compile(shop, language, variable, ("-O2", source, "-lm", "-o", name))
        runner = shop.ready.python[:-1]
        return self._run(shop, language, (*runner, str(shop.folder / "project" / name)))

    def _extension(self, shop: _Workshop) -> str:
        arguments = (
            *("-O2", "-fPIC", "-shared", f"-I{shop.ready.headers}"),
            str(_PROBES / "extension.c"),
            *("-o", f"{_MODULE}{shop.ready.suffix}"),
        )
        self._compile(shop, "extension", "CC", arguments)
        code = f"import sys; sys.path.insert(0, {str(shop.folder / 'project')!r}); "
        code += f"import {_MODULE}; print({_MODULE}.works())"
        return self._run(shop, "extension", (*shop.ready.python, "-c", code))

    def _compile(self, shop: _Workshop, what: str, variable: str, arguments: Sequence[str]) -> None:
        tools = shop.tools
        variables = {
            **os.environ,
            **tools.environment,
            "PATH": ":".join((tools.path, *SYSTEM_PATH)),
            "LC_ALL": "C.UTF-8",
        }
        # A compiler's variable may hold words that follow it.
        command = (*tools.environment[variable].split(), *arguments)
        done = _done(command, shop.folder / "project", variables)
        if done.returncode:
            raise ToolError(
                f"the probe in {what} cannot be compiled for {self._platform.name}: {_last(done)}",
                hint=self._mend(variable),
            )

    def _mend(self, variable: str) -> str:
        if self._platform.kind is Kind.GNU:
            package = missing.package_of(self._platform, "g++" if variable == "CXX" else "gcc")
            return (
                f"Half of a compiler may be there: apt install --reinstall {package}; "
                "else look at the flags in the platform's description."
            )
        return "Look at the flags in the platform's description."

    def _run(self, shop: _Workshop, what: str, command: Sequence[str]) -> str:
        if not shop.ready.python:
            raise ToolError(
                f"nothing runs what was compiled for {self._platform.name}",
                hint="Name an emulator in its description, and have a Python in its sysroot.",
            )
        variables = {**os.environ, **shop.ready.environment, "LC_ALL": "C.UTF-8"}
        done = _done(command, shop.folder / "project", variables)
        if done.returncode or _WORKS not in done.stdout:
            raise ToolError(
                f"the probe in {what} was compiled for {self._platform.name} but does not run: {_last(done)}",
                hint=f"{command[0]} ran it; look whether that is the right emulator, and whether the flags in the "
                "platform's description fit the processor.",
            )
        return done.stdout.strip().replace(_WORKS, "").strip(" ,")


def newest(platform: Description) -> str:
    """Return the newest Python of a platform, or nothing."""
    order = sorted(platform.pythons, key=lambda one: tuple(map(int, one.split("."))))
    return order[-1] if order else ""


def _done(
    command: Sequence[str], folder: Path, variables: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            command,
            cwd=folder,
            env=variables,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_SECONDS,
            check=False,
        )
    except OSError as error:
        raise ToolError(f"{command[0]} cannot be run: {error}") from error
    except subprocess.TimeoutExpired as error:
        raise ToolError(f"{command[0]} did not end within {_SECONDS} s") from error


def _last(done: subprocess.CompletedProcess[str]) -> str:
    said = [line for line in (done.stderr + done.stdout).splitlines() if line.strip()]
    return " / ".join(said[-_LAST_LINES:]) or f"it ended with {done.returncode}"
