"""What an artifact is for: interpreter, ABI and platform."""

from dataclasses import dataclass
from typing import Self

from wheelyard.errors import InvalidTargetError
from wheelyard.targets.interpreter import Interpreter
from wheelyard.targets.platform import Platform


@dataclass(frozen=True, slots=True, order=True)
class Target:
    """An interpreter on a platform, written ``cp312-manylinux_2_28_aarch64``.

    ``platform`` is spelled as Platform spells it, so that equal targets are equal values.
    """

    interpreter: Interpreter
    platform: str

    @classmethod
    def parse(cls, text: str, native: str = "") -> Self:
        """Read a target; ``native`` is the platform of one written without. Raises InvalidTargetError."""
        interpreter, separator, platform = text.partition("-")
        if not platform and (separator or not native):
            raise InvalidTargetError(
                f"{text!r} names no platform",
                hint="Write interpreter-platform, for example cp313-manylinux_2_28_aarch64.",
            )
        return cls(Interpreter.parse(interpreter), str(Platform.parse(platform or native)))

    def __str__(self) -> str:
        return f"{self.interpreter}-{self.platform}"
