"""Platforms, as the second part of a target names them: ``manylinux_2_28_aarch64``.

A platform is an operating system, a processor and a floor: the oldest C library or macOS that a
result must run on. One platform has one spelling: PEP 600's, not its three older aliases.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from packaging.tags import mac_platforms

from wheelyard.errors import InvalidTargetError, nearest


class PlatformKind(StrEnum):
    """The families of platform tags; the value is how their tags begin."""

    LINUX = "linux"
    MANYLINUX = "manylinux"
    MUSLLINUX = "musllinux"
    MACOS = "macosx"
    WINDOWS = "win"
    PYODIDE = "pyodide"
    PYEMSCRIPTEN = "pyemscripten"
    EMSCRIPTEN = "emscripten"


LINUX_ARCHITECTURES = (
    "x86_64",
    "i686",
    "aarch64",
    "armv7l",
    "armv6l",
    "ppc64le",
    "ppc64",
    "s390x",
    "riscv64",
    "loongarch64",
)

_ARCHITECTURES = {
    PlatformKind.LINUX: LINUX_ARCHITECTURES,
    # Installers accept no manylinux wheel on armv6l: its distributions disagree about the ABI.
    PlatformKind.MANYLINUX: tuple(arch for arch in LINUX_ARCHITECTURES if arch != "armv6l"),
    PlatformKind.MUSLLINUX: LINUX_ARCHITECTURES,
    PlatformKind.MACOS: ("arm64", "x86_64", "universal2"),
    PlatformKind.WINDOWS: ("amd64", "arm64"),
    PlatformKind.PYODIDE: ("wasm32",),
    PlatformKind.PYEMSCRIPTEN: ("wasm32",),
    PlatformKind.EMSCRIPTEN: ("wasm32",),
}

_OTHER_NAMES = {
    "amd64": "x86_64",
    "x64": "x86_64",
    "x86": "i686",
    "i386": "i686",
    "i586": "i686",
    "arm64": "aarch64",
    "armhf": "armv7l",
    "arm": "armv7l",
    "armv8l": "armv7l",
    "ppc64el": "ppc64le",
}
"""How distributions and other systems call a processor."""

_WINDOWS_AND_MACOS_NAMES = {"x86_64": "amd64", "x64": "amd64", "aarch64": "arm64"}

_WORDS = {"linux": "linux_x86_64", "macos": "macosx_11_0_arm64", "windows": "win_amd64"}

_LEGACY_MANYLINUX = {(2, 5): "manylinux1", (2, 12): "manylinux2010", (2, 17): "manylinux2014"}
_LEGACY_FLOORS = {name: floor for floor, name in _LEGACY_MANYLINUX.items()}

_FIRST_GLIBC_MINOR = {"x86_64": 5, "i686": 5}
_FIRST_GLIBC_MINOR_ELSEWHERE = 17
_LAST_GLIBC_MINOR = 99
_LAST_MUSL_MINOR = 99
_FIRST_ARM_MACOS = 11

_EMSCRIPTEN_OF_PYODIDE = {(2024, 0): (3, 1, 58), (2025, 0): (4, 0, 9)}
"""The compiler that an ABI of Pyodide stands for; Pyodide installs wheels of that tag, too."""

_FORMS = (
    (PlatformKind.MANYLINUX, r"manylinux_(\d{1,3})_(\d{1,3})_(\w+)"),
    (PlatformKind.MUSLLINUX, r"musllinux_(\d{1,3})_(\d{1,3})_(\w+)"),
    (PlatformKind.MACOS, r"macosx_(\d{1,3})_(\d{1,3})_(\w+)"),
    (PlatformKind.PYODIDE, r"pyodide_(\d{4})_(\d{1,3})_(\w+)"),
    (PlatformKind.PYEMSCRIPTEN, r"pyemscripten_(\d{4})_(\d{1,3})_(\w+)"),
    (PlatformKind.EMSCRIPTEN, r"emscripten_(\d{1,3})_(\d{1,3})_(\d{1,3})_(\w+)"),
    (PlatformKind.LINUX, r"linux_(\w+)"),
    (PlatformKind.WINDOWS, r"win_(\w+)"),
)
_PATTERNS = tuple((kind, re.compile(form, re.ASCII)) for kind, form in _FORMS)
_LEGACY_PATTERN = re.compile(r"(manylinux1|manylinux2010|manylinux2014)_(\w+)", re.ASCII)

_EXAMPLES = (
    *(f"linux_{arch}" for arch in LINUX_ARCHITECTURES),
    *(
        f"manylinux_2_{minor}_{arch}"
        for minor in (17, 28, 34)
        for arch in _ARCHITECTURES[PlatformKind.MANYLINUX]
    ),
    *(f"musllinux_1_2_{arch}" for arch in LINUX_ARCHITECTURES),
    *(f"{legacy}_{arch}" for legacy in _LEGACY_FLOORS for arch in ("x86_64", "i686")),
    "manylinux2014_aarch64",
    "macosx_11_0_arm64",
    "macosx_10_13_x86_64",
    "macosx_11_0_universal2",
    "win_amd64",
    "win_arm64",
    "win32",
    "pyodide_2025_0_wasm32",
    "pyemscripten_2026_0_wasm32",
    "emscripten_4_0_9_wasm32",
)


@dataclass(frozen=True, slots=True)
class Platform:
    """An operating system and a processor, with a floor where its kind has one.

    ``floor`` is glibc's version, musl's, macOS's, Emscripten's, or the ABI of Pyodide (year, number).
    """

    kind: PlatformKind
    arch: str
    floor: tuple[int, ...] = ()

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a platform tag. Raises InvalidTargetError, with the nearest platform as a hint."""
        if text == "win32":
            return cls(PlatformKind.WINDOWS, "x86")
        legacy = _LEGACY_PATTERN.fullmatch(text)
        if legacy is not None:
            text_read = "manylinux_{}_{}_{}".format(*_LEGACY_FLOORS[legacy[1]], legacy[2])
        else:
            text_read = text
        for kind, pattern in _PATTERNS:
            match = pattern.fullmatch(text_read)
            if match is not None:
                *floor, arch = match.groups()
                return cls._checked(text, kind, arch, tuple(map(int, floor)))
        raise InvalidTargetError(
            f"{text!r} is not a platform",
            hint=nearest(_WORDS.get(text.lower(), text.lower()), _EXAMPLES)
            or "Write for example manylinux_2_28_aarch64, musllinux_1_2_x86_64 or linux_riscv64.",
        )

    @classmethod
    def _checked(cls, text: str, kind: PlatformKind, arch: str, floor: tuple[int, ...]) -> Self:
        if arch not in _ARCHITECTURES[kind]:
            known = _ARCHITECTURES[kind]
            meant = {_OTHER_NAMES.get(arch), _WINDOWS_AND_MACOS_NAMES.get(arch)} & set(known)
            guess = f"{text.removesuffix(arch)}{meant.pop()}" if meant else ""
            hint = f"Did you mean {guess!r}?" if guess else nearest(arch, known)
            raise InvalidTargetError(
                f"{text!r} is not a platform: {kind} knows no processor {arch!r}",
                hint=hint or f"Its processors are {', '.join(known)}.",
            )
        fault = _floor_fault(kind, arch, floor)
        if fault:
            raise InvalidTargetError(f"{text!r} is not a platform", hint=fault)
        if kind is PlatformKind.MACOS and floor[0] >= _FIRST_ARM_MACOS:
            # Since macOS 11 installers look at the first number only and tags always say 0.
            floor = (floor[0], 0)
        return cls(kind, arch, floor)

    def __str__(self) -> str:
        if self.kind is PlatformKind.WINDOWS:
            return "win32" if self.arch == "x86" else f"win_{self.arch}"
        return "_".join((self.kind.value, *map(str, self.floor), self.arch))

    @property
    def family(self) -> tuple[str, str]:
        """What platforms share when they differ in their floor only, so that one may serve another."""
        match self.kind:
            case PlatformKind.LINUX | PlatformKind.MANYLINUX:
                return ("glibc", self.arch)
            case PlatformKind.MUSLLINUX | PlatformKind.MACOS:
                return (self.kind.value, self.arch)
            case _:
                return (str(self), self.arch)

    @property
    def height(self) -> tuple[bool, tuple[int, ...]]:
        """Sort a family so that what is built for an earlier platform may serve the later ones."""
        return (self.kind is PlatformKind.LINUX, self.floor)

    def tags(self) -> tuple[str, ...]:
        """List the platform tags that run here, the most demanding first."""
        match self.kind:
            case PlatformKind.LINUX:
                return (str(self), *_manylinux_tags(_LAST_GLIBC_MINOR, self.arch))
            case PlatformKind.MANYLINUX:
                return tuple(_manylinux_tags(self.floor[1], self.arch))
            case PlatformKind.MUSLLINUX:
                minors = range(self.floor[1], -1, -1)
                return tuple(f"musllinux_1_{minor}_{self.arch}" for minor in minors)
            case PlatformKind.MACOS:
                return _macos_tags(self.floor, self.arch)
            case PlatformKind.PYODIDE:
                return (str(self), *_emscripten_tags(self.floor))
            case _:
                return (str(self),)


def _floor_fault(kind: PlatformKind, arch: str, floor: tuple[int, ...]) -> str:
    """Say what is wrong with a floor, or return an empty string."""
    match kind:
        case PlatformKind.MANYLINUX:
            first = _FIRST_GLIBC_MINOR.get(arch, _FIRST_GLIBC_MINOR_ELSEWHERE)
            if floor[0] != 2 or not first <= floor[1] <= _LAST_GLIBC_MINOR:  # noqa: PLR2004 - glibc 2
                return f"On {arch} the floors are manylinux_2_{first} and later."
        case PlatformKind.MUSLLINUX:
            if floor[0] != 1 or floor[1] > _LAST_MUSL_MINOR:
                return "The floors are musllinux_1_0 and later, for example musllinux_1_2."
        case PlatformKind.MACOS:
            if floor[0] < 10 or (arch == "arm64" and floor[0] < _FIRST_ARM_MACOS):  # noqa: PLR2004 - Mac OS X
                return "macOS runs on arm64 since macosx_11_0, and on x86_64 since macosx_10_4."
        case _:
            pass
    return ""


def _manylinux_tags(minor: int, arch: str) -> list[str]:
    first = _FIRST_GLIBC_MINOR.get(arch, _FIRST_GLIBC_MINOR_ELSEWHERE)
    tags = []
    for floor in range(minor, first - 1, -1):
        tags.append(f"manylinux_2_{floor}_{arch}")
        legacy = _LEGACY_MANYLINUX.get((2, floor))
        if legacy is not None:
            tags.append(f"{legacy}_{arch}")
    return tags


def _macos_tags(floor: tuple[int, ...], arch: str) -> tuple[str, ...]:
    version = (floor[0], floor[1])
    if arch != "universal2":
        return tuple(mac_platforms(version, arch))
    # A result for both processors must hold both, so what is for one of them does not serve.
    tags = dict.fromkeys((*mac_platforms(version, "arm64"), *mac_platforms(version, "x86_64")))
    return tuple(tag for tag in tags if tag.endswith("_universal2"))


def _emscripten_tags(abi: tuple[int, ...]) -> tuple[str, ...]:
    compiler = _EMSCRIPTEN_OF_PYODIDE.get((abi[0], abi[1]))
    return () if compiler is None else ("emscripten_{}_{}_{}_wasm32".format(*compiler),)
