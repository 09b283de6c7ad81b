"""The Pythons of this machine: which there are, which is used for a target, what each one lacks."""

import asyncio
import os
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Self

from packaging.tags import platform_tags
from packaging.version import Version

from wheelyard.errors import ConfigurationError, InterpreterError, InvalidTargetError, nearest
from wheelyard.executor.interpreter_answers import Answer, ask_all
from wheelyard.executor.interpreter_places import candidates
from wheelyard.targets.interpreter import ANY, Interpreter
from wheelyard.targets.platform import Platform, PlatformKind
from wheelyard.targets.target import Target

_OLDEST = (3, 6)
_PRERELEASES = {"alpha": "a", "beta": "b", "candidate": "rc"}
_NAMES = {"cpython": "cp", "pypy": "pp"}
_KNOWN_CPYTHONS = tuple(Interpreter.parse(f"cp3{minor}") for minor in range(6, 16))
_OLDEST_OF_UV = (3, 8)
_ARCHITECTURES_OF_32_BITS = {"x86_64": "i686", "aarch64": "armv7l", "armv8l": "armv7l"}


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundInterpreter:
    """A Python that works, as it was when it was looked at.

    ``version`` is its full version, as PEP 440 writes it; ``build`` what it says of itself: version, date, compiler; ``prefix`` that of the installation, never of a virtual environment.
    """

    executable: Path
    target: Target
    version: str
    prefix: Path
    soabi: str
    bits: int
    has_headers: bool
    has_ctypes: bool
    has_venv: bool
    conda: bool = False
    build: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokenInterpreter:
    """A file that should be a Python and cannot be used; ``reason`` says why."""

    executable: Path
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetRow:
    """A line of the list of targets; ``missing`` says what to do where something is not there."""

    target: Target
    executable: Path | None = None
    version: str = ""
    has_headers: bool = False
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineInterpreters:
    """What was found: the best Python for each target, and those that do not work."""

    found: tuple[FoundInterpreter, ...]
    broken: tuple[BrokenInterpreter, ...] = ()

    @classmethod
    async def find(
        cls,
        *,
        cache: Path | None = None,
        environment: Mapping[str, str] | None = None,
        timeout_seconds: float = 10,
    ) -> Self:
        """Look for the Pythons of this machine and ask each new one what it is.

        ``cache`` remembers the answers for the next time; ``environment`` replaces this process's.
        """
        where = os.environ if environment is None else environment
        places = await asyncio.to_thread(candidates, where)
        answers = await ask_all(places, cache=cache, timeout_seconds=timeout_seconds)
        return await asyncio.to_thread(cls._of, answers)

    @classmethod
    def _of(cls, answers: Mapping[Path, Answer | InterpreterError]) -> Self:
        found: list[FoundInterpreter] = []
        broken: list[BrokenInterpreter] = []
        for path, answer in answers.items():
            try:
                if isinstance(answer, InterpreterError):
                    raise answer
                found.append(_found(path, answer))
            except (InterpreterError, InvalidTargetError) as error:
                broken.append(BrokenInterpreter(executable=path, reason=error.message))
        return cls(found=best_of(found), broken=tuple(broken))

    def only(self, names: Collection[str]) -> Self:
        """Return what is left when some are wanted (``cp312``); all where none is named. Raises ConfigurationError."""
        known = [str(one.target.interpreter) for one in self.found]
        for name in names:
            if name not in known:
                raise ConfigurationError(
                    f"no Python here builds for {name!r}",
                    hint=nearest(name, known) or f"Those that are here are {', '.join(known)}.",
                )
        kept = (one for one in self.found if not names or str(one.target.interpreter) in names)
        return replace(self, found=tuple(kept))

    def executable(self, target: Target) -> Path | None:
        """Return the interpreter that builds for a target here, or None."""
        found = self.interpreter(target)
        return None if found is None else found.executable

    def interpreter(self, target: Target) -> FoundInterpreter | None:
        """Return what is known of the interpreter that builds for a target here, or None."""
        wanted = Platform.parse(target.platform)
        same = [one for one in self.found if one.target.interpreter == target.interpreter]
        return next((one for one in same if _builds_for(one, wanted)), None)

    def targets(self) -> tuple[Target, ...]:
        """List the targets that can be built for here as this machine is, from the lowest up."""
        return tuple(one.target for one in self.found)


def best_of(found: Iterable[FoundInterpreter]) -> tuple[FoundInterpreter, ...]:
    """Choose one Python for each target: one with headers, and of those the newest patch."""
    best: dict[Target, FoundInterpreter] = {}
    for one in sorted(found, key=_merit):
        best[one.target] = one
    return tuple(best[target] for target in sorted(best))


def _merit(one: FoundInterpreter) -> tuple[object, ...]:
    # conda's Pythons bring conda's compiler flags into what is built, so they come last.
    return (one.has_headers, not one.conda, Version(one.version), str(one.executable))


def _builds_for(one: FoundInterpreter, wanted: Platform) -> bool:
    """Whether results of an interpreter can be right for a platform; the floor is repair's affair."""
    here = Platform.parse(one.target.platform)
    if wanted.kind is PlatformKind.LINUX:
        return here.arch == wanted.arch and here.kind in {
            PlatformKind.LINUX,
            PlatformKind.MANYLINUX,
            PlatformKind.MUSLLINUX,
        }
    return here.family == wanted.family


def missing(one: FoundInterpreter) -> tuple[str, ...]:
    """Say what a Python lacks to build with, each with what brings it."""
    version = one.target.interpreter.python_version
    system = one.prefix == Path("/usr")
    lacks = []
    if not one.has_headers:
        lacks.append(
            f"headers: apt install python{version}-dev, or dnf install python{version}-devel"
            if system
            else f"headers: Python.h is not in '{one.prefix}'; install this Python again"
        )
    if not one.has_venv:
        lacks.append(
            f"venv: apt install python{version}-venv"
            if system
            else f"venv: it is not in '{one.prefix}'; install this Python again"
        )
    if not one.has_ctypes:
        lacks.append(
            "ctypes: this Python was built without libffi; build it again with its headers"
        )
    return tuple(lacks)


def describe_targets(found: Iterable[FoundInterpreter]) -> tuple[TargetRow, ...]:
    """Describe each Python that there is and each known CPython that there is not."""
    there = tuple(
        TargetRow(
            target=one.target,
            executable=one.executable,
            version=one.version,
            has_headers=one.has_headers,
            missing=missing(one),
        )
        for one in found
    )
    present = {row.target.interpreter for row in there}
    absent = tuple(
        TargetRow(
            target=Target(interpreter, native_platform()), missing=(_how_to_get(interpreter),)
        )
        for interpreter in _KNOWN_CPYTHONS
        if interpreter not in present
    )
    return tuple(sorted((*there, *absent), key=lambda row: row.target))


def how_to_serve(target: Target) -> str:
    """Say what lets this machine build for a target that none of its Pythons builds for."""
    interpreter, here = target.interpreter, native_platform()
    if interpreter == ANY:
        return "Name the Python that builds it, for example cp312: a py3-none-any wheel then serves all."
    if Platform.parse(here).family != Platform.parse(target.platform).family:
        return (
            f"This machine is {here}; a Python that builds for {target.platform} runs on a machine "
            "of that kind, which can be a builder of a farm (wheelyard builder)."
        )
    return f"{_how_to_get(interpreter).capitalize()}."


def _how_to_get(interpreter: Interpreter) -> str:
    version = f"{interpreter.python_version}{interpreter.flags.replace('m', '')}"
    if interpreter.implementation == "pp":
        return f"not on this machine: uv python install pypy{version}"
    if interpreter.version >= _OLDEST_OF_UV:
        return f"not on this machine: uv python install {version}, or pyenv install {version}"
    return f"not on this machine: pyenv install {version}"


@lru_cache(maxsize=1)
def native_platform() -> str:
    """Return the platform of this machine, for targets that are written without one."""
    tags = list(platform_tags())
    # The plain tag promises nothing about the C library, so it stands only where there is no other.
    promising = (tag for tag in tags if not tag.startswith("linux_"))
    return str(Platform.parse(next(promising, tags[0])))


def _found(path: Path, answer: Answer) -> FoundInterpreter:
    """Read an answer. Raises InterpreterError and InvalidTargetError for a Python of no use here."""
    name = _NAMES.get(answer.implementation)
    if name is None:
        raise InterpreterError(f"'{path}' is {answer.implementation}, not CPython or PyPy")
    if answer.version[:2] < _OLDEST:
        raise InterpreterError(f"'{path}' is Python {_dotted(answer.version)}; 3.6 is the oldest")
    flags = "t" if answer.free_threaded else ""
    interpreter = Interpreter.parse(f"{name}{answer.version[0]}{answer.version[1]}{flags}")
    library = Path(answer.standard_library)
    return FoundInterpreter(
        executable=path,
        target=Target(interpreter, _platform(answer)),
        version=_dotted(answer.version) + _prerelease(answer),
        prefix=Path(answer.prefix),
        soabi=answer.soabi,
        bits=answer.bits,
        has_headers=any((Path(folder) / "Python.h").is_file() for folder in answer.include),
        has_ctypes=answer.has_ctypes,
        has_venv=(library / "venv").is_dir() and (library / "ensurepip").is_dir(),
        conda=(Path(answer.prefix) / "conda-meta").is_dir(),
        build=answer.build,
    )


def _prerelease(answer: Answer) -> str:
    letter = _PRERELEASES.get(answer.release_level)
    return "" if letter is None else f"{letter}{answer.release_serial}"


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))


def _platform(answer: Answer) -> str:
    """Name the platform of an interpreter. Raises InvalidTargetError for one that nobody knows."""
    plain = answer.platform.replace("-", "_").replace(".", "_")
    if answer.macos:
        major, minor = (*answer.macos.split("."), "0")[:2]
        return str(Platform.parse(f"macosx_{major}_{minor}_{answer.machine}"))
    if not plain.startswith("linux_"):
        return str(Platform.parse(plain))
    arch = plain.removeprefix("linux_")
    if answer.bits == 32:  # noqa: PLR2004 - a pointer's
        arch = _ARCHITECTURES_OF_32_BITS.get(arch, arch)
    library, _, version = answer.libc.partition(" ")
    kind = {"glibc": "manylinux", "musl": "musllinux"}.get(library)
    if kind is not None:
        floor = "_".join(version.split(".")[:2])
        try:
            return str(Platform.parse(f"{kind}_{floor}_{arch}"))
        except InvalidTargetError:
            # A processor without manylinux (armv6l) still has a platform.
            pass
    return str(Platform.parse(f"linux_{arch}"))
