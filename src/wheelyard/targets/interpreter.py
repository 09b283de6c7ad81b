"""Interpreters, as the first part of a target names them: ``cp312``, ``cp313t``, ``pp310``."""

import re
from dataclasses import dataclass
from typing import Self

from wheelyard.errors import InvalidTargetError

_PATTERN = re.compile(r"(?P<implementation>cp|pp)(?P<major>[23])(?P<minor>\d{1,2})(?P<flags>t|m)?")


@dataclass(frozen=True, slots=True, order=True)
class Interpreter:
    """An implementation at a version, with its ABI flags (``t`` free-threaded, ``m`` before 3.8)."""

    implementation: str
    version: tuple[int, int]
    flags: str = ""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``cp312`` and its kin. Raises InvalidTargetError."""
        match = _PATTERN.fullmatch(text)
        if match is None:
            raise InvalidTargetError(
                f"{text!r} is not an interpreter", hint="Write for example cp312, cp313t or pp310."
            )
        version = (int(match["major"]), int(match["minor"]))
        return cls(match["implementation"], version, match["flags"] or "")

    def __str__(self) -> str:
        return f"{self.implementation}{self.version[0]}{self.version[1]}{self.flags}"
