"""A platform that a machine builds for without being one, as far as others have to know it."""

from dataclasses import dataclass

from wheelyard.targets.platform import Platform, PlatformKind
from wheelyard.targets.target import Target

_LINUX = frozenset({PlatformKind.LINUX, PlatformKind.MANYLINUX})


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """What a platform leads to. ``pythons`` are those that it is there for (``3.11``), on ``build``, the platform of the machine itself.

    ``tag`` is that of its wheels where it is none of Linux; ``any_floor``: whatever version of the C library a tag
    names. ``toolchain`` names the description, ``compilers`` whose they are. ``emulates``: it runs what was built.
    """

    platform: str
    architecture: str
    build: str
    pythons: tuple[str, ...] = ()
    tag: str = ""
    any_floor: bool = False
    emulates: bool = False
    toolchain: str = ""
    compilers: str = ""

    def leads_to(self, target: Target) -> bool:
        """Whether a wheel for a target is built on it."""
        interpreter = target.interpreter
        plain = interpreter.implementation == "cp" and not interpreter.flags
        is_machine = is_machine_of(target, self.architecture, self.tag)
        return plain and interpreter.python_version in self.pythons and is_machine


def is_machine_of(target: Target, architecture: str, tag: str) -> bool:
    """Whether a target is a machine with a processor and glibc, or the one of a tag."""
    if tag:
        return target.platform == tag
    platform = Platform.parse(target.platform)
    return platform.kind in _LINUX and platform.arch == architecture


def order_for(target: Target, *, any_floor: bool, name: str) -> tuple[bool, str]:
    """Order platforms of one machine: for a tag that names a C library those for any of them are first, for others last."""
    names_floor = Platform.parse(target.platform).kind is PlatformKind.MANYLINUX
    return (any_floor is not names_floor, name)
