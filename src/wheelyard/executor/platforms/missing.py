"""What a platform takes that is not installed, and how it is had."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass

from wheelyard.errors import ToolError
from wheelyard.executor.environments import find_uv
from wheelyard.executor.platforms.debian import KEYRING
from wheelyard.executor.platforms.description import Description, Kind

_GNU = {"gcc": "gcc-{triple}", "g++": "g++-{triple}", "ar": "binutils-{triple}"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """A program or file that is not there, and the Debian package that has it; ``otherwise``: how it is had, where none has."""

    what: str
    package: str = ""
    otherwise: str = ""


def compiler(platform: Description, name: str) -> str:
    """Return the name of one of a platform's GNU tools."""
    return platform.compilers.get(name, f"{platform.triple}-{name}")


def package_of(platform: Description, name: str) -> str:
    """Return the package with one of a platform's GNU tools: ``gcc``, ``g++`` or ``ar``."""
    # Debian calls nothing by a name with an underscore: x86_64-linux-gnu is x86-64-linux-gnu.
    return _GNU[name].format(triple=platform.triple.replace("_", "-"))


def of_compilers(platform: Description) -> Sequence[Missing]:
    """Return which of a platform's compilers are not there; zig is fetched when it is needed."""
    if platform.kind is not Kind.GNU:
        return ()
    return [
        Missing(what=compiler(platform, name), package=package_of(platform, name))
        for name in _GNU
        if shutil.which(compiler(platform, name)) is None
    ]


def of_sysroots(platform: Description) -> Sequence[Missing]:
    """Return what is not there to unpack Debian's packages with."""
    if all("/" in origin for origin in platform.pythons.values()):
        return ()
    found = [
        Missing(what=name, package=package)
        for name, package in (("apt-get", "apt"), ("dpkg", "dpkg"))
        if shutil.which(name) is None
    ]
    if not KEYRING.is_file():
        found.append(Missing(what=str(KEYRING), package="debian-archive-keyring"))
    return found


def of_fetching(platform: Description) -> Sequence[Missing]:
    """Return what is not there to fetch zig, or Node and Pyodide, with when they are needed."""
    if platform.kind is Kind.GNU:
        return ()
    try:
        find_uv()
    except ToolError:
        return [Missing(what="uv", otherwise="pip install uv")]
    return ()


def of_emulator(platform: Description) -> Sequence[Missing]:
    """Return the emulator, where none of a platform's is there."""
    if not platform.emulator or emulator(platform):
        return ()
    return [Missing(what=platform.emulator[0], package="qemu-user-static")]


def emulator(platform: Description) -> str:
    """Return the path of the first emulator that is there, or nothing."""
    return next((found for name in platform.emulator if (found := shutil.which(name))), "")


def of_all(platform: Description) -> Sequence[Missing]:
    """Return all that a platform takes and that is not there."""
    return (
        *(*of_compilers(platform), *of_fetching(platform)),
        *(*of_sysroots(platform), *of_emulator(platform)),
    )


def how_to_have(missing: Sequence[Missing]) -> str:
    """Say how they are had."""
    packages = dict.fromkeys(one.package for one in missing if one.package)
    others = dict.fromkeys(one.otherwise for one in missing if one.otherwise)
    return "; ".join([*([f"apt install {' '.join(packages)}"] if packages else []), *others])
