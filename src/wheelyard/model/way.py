"""How a job comes to its target: on a machine of the target's kind, across, or emulated."""

from dataclasses import dataclass
from enum import StrEnum

from wheelyard.targets.target import Target


class WayKind(StrEnum):
    """Where the back end and the compilers of a job run."""

    NATIVE = "native"
    CROSS = "cross"
    """Both run on the build machine, and each compiler command is rewritten for the target."""
    EMULATED = "emulated"
    """The back end runs in the target's own Python under an emulator; the compilers are those of CROSS."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One way to a target, and why it is gone.

    ``build`` is the target whose wheels run while a wheel is built: the build machine's Python of the
    same version. None: the job's own target, as everywhere but across. ``platform`` names the
    description of the platform, ``toolchain`` all of it that shapes what is compiled.
    """

    kind: WayKind = WayKind.NATIVE
    build: Target | None = None
    platform: str = ""
    toolchain: str = ""
    why: str = ""

    def runs_on(self, target: Target) -> Target:
        """Return the target of the wheels that run while one for ``target`` is built."""
        return self.build or target

    def __str__(self) -> str:
        """Say which way it is and why: "cross, with GNU compilers for aarch64-linux-gnu"."""
        if self.kind is WayKind.NATIVE:
            return str(self.kind)
        word = "with" if self.kind is WayKind.CROSS else "in"
        return f"{self.kind}, {word} {self.why}" if self.why else str(self.kind)


NATIVE = Way()
