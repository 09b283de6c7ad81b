"""What a platform takes that is not installed, and how it is had."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from wheelyard.executor.platforms.description import Description, Kind

KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
_GNU = (("gcc", "gcc-{triple}"), ("g++", "g++-{triple}"), ("ar", "binutils-{triple}"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """A program or file that is not there, and the Debian package that has it."""

    what: str
    package: str


def compiler(platform: Description, name: str) -> str:
    """Return the name of one of a platform's GNU tools."""
    return platform.compilers.get(name, f"{platform.triple}-{name}")


def of_compilers(platform: Description) -> Sequence[Missing]:
    """Return which of a platform's compilers are not there; zig is fetched when it is needed."""
    if platform.kind is not Kind.GNU:
        return ()
    triple = platform.triple.replace("_", "-")
    return [
        Missing(what=compiler(platform, name), package=package.format(triple=triple))
        for name, package in _GNU
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


def of_emulator(platform: Description) -> Sequence[Missing]:
    """Return the emulator, where none of a platform's is there."""
    if not platform.emulator or emulator(platform):
        return ()
    return [Missing(what=platform.emulator[0], package="qemu-user-static")]


def emulator(platform: Description) -> str:
    """Return the path of the first emulator that is there, or nothing."""
    return next((found for name in platform.emulator if (found := shutil.which(name))), "")


def how_to_have(missing: Sequence[Missing]) -> str:
    """Say how they are had."""
    return f"apt install {' '.join(dict.fromkeys(one.package for one in missing))}"
