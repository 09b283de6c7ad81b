"""Interpreters, as the first part of a target names them: ``cp312``, ``cp313t``, ``pp310``."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self

from wheelyard.errors import InvalidTargetError, nearest

_PATTERN = re.compile(r"(?P<implementation>cp|pp)3(?P<minor>[1-9]?\d)(?P<flags>[tm]?)")
_LOOSE = re.compile(
    r"(?P<implementation>python|cpython|py|cp|pypy|pp)?[-_ ]?3\.?(?P<minor>\d{1,2})(?:\.\d+)?(?P<flags>t?)"
)

OLDEST_MINOR = 2
"""The first Python whose ABI has a name (PEP 3149)."""

NEWEST_MINOR = 29
"""Beyond it a number is a slip of the finger (``cp39`` and ``cp310`` typed as one), not a Python."""

_YEAR_OF_MINOR_0 = 2011
"""Python 3.8 came out in October 2019, and each October since brought the next (PEP 602)."""

_LAST_PYMALLOC_MINOR = 7
"""CPython dropped ``m`` from its ABI's name in 3.8."""

_FIRST_FREE_THREADED_MINOR = 13

_ANY = "py3"
"""As in tags of wheels: no Python in particular."""

_NEWEST_PATCH = 99
"""A target names no patch release. What upstream wrote (``>=3.6.2``, ``!=3.7.0``) is about patches
that were broken, so a target stands for the newest patch that there can be."""


@dataclass(frozen=True, slots=True, order=True)
class Interpreter:
    """An implementation at a version, with its ABI flags (``t`` free-threaded, ``m`` before 3.8).

    Values sort numerically: cp34m, cp39, cp310, cp313, cp313t, then PyPy's.
    """

    implementation: str
    version: tuple[int, int]
    flags: str = ""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``cp312`` and its kin; ``cp37`` is read as ``cp37m``. Raises InvalidTargetError."""
        if text == _ANY:
            return cls("py", (3, 0))
        match = _PATTERN.fullmatch(text)
        if match is None:
            raise InvalidTargetError(f"{text!r} is not an interpreter", hint=_suggestion(text))
        minor = int(match["minor"])
        fault = _fault(match["implementation"], minor, match["flags"])
        if fault:
            raise InvalidTargetError(
                f"{text!r} is not an interpreter: {fault}", hint=_suggestion(text)
            )
        flags = match["flags"]
        if match["implementation"] == "cp" and minor <= _LAST_PYMALLOC_MINOR:
            flags = "m"
        return cls(match["implementation"], (3, minor), flags)

    def __str__(self) -> str:
        minor = self.version[1] or ""
        return f"{self.implementation}{self.version[0]}{minor}{self.flags}"

    @property
    def abi(self) -> str:
        """The ABI tag of an extension module that is for this interpreter only."""
        if self.implementation == "pp":
            # Every PyPy 7.3.x of one language version keeps one ABI, and there is no later series.
            return f"pypy{self.version[0]}{self.version[1]}_pp73"
        return str(self)

    @property
    def python_version(self) -> str:
        """The language version, ``3.12``."""
        return f"{self.version[0]}.{self.version[1]}"

    @property
    def newest_version(self) -> str:
        """A version that is not older than any release of this language version."""
        return f"{self.python_version}.{_NEWEST_PATCH}"

    @property
    def established(self) -> datetime:
        """When tools could be expected to work with it: the month after its first release.

        A year later than it was for Python 3.6, months for 3.7: both are long past.
        """
        return datetime(_YEAR_OF_MINOR_0 + self.version[1], 11, 1, tzinfo=UTC)

    @property
    def free_threaded(self) -> bool:
        """Whether it runs without the global interpreter lock (PEP 703)."""
        return "t" in self.flags


ANY = Interpreter.parse(_ANY)
"""The interpreter of targets whose artifacts have nothing to do with any, written ``py3``."""


def _fault(implementation: str, minor: int, flags: str) -> str:
    """Say why a combination that is written correctly cannot exist, or return an empty string."""
    if not OLDEST_MINOR <= minor <= NEWEST_MINOR:
        return f"there is no Python 3.{minor} that it could name"
    if flags and implementation == "pp":
        return "PyPy has no ABI flags"
    if flags == "m" and minor > _LAST_PYMALLOC_MINOR:
        return "the flag 'm' ended with Python 3.7"
    if flags == "t" and minor < _FIRST_FREE_THREADED_MINOR:
        return "free-threading began with Python 3.13"
    return ""


def _suggestion(text: str) -> str:
    match = _LOOSE.fullmatch(text.strip().lower())
    if match is not None:
        implementation = "pp" if match["implementation"] in {"pp", "pypy"} else "cp"
        meant = f"{implementation}3{match['minor']}{match['flags']}"
        if meant != text and not _fault(implementation, int(match["minor"]), match["flags"]):
            return f"Did you mean {meant!r}?"
    return nearest(text.lower(), _EXAMPLES) or "Write for example cp312, cp313t or pp310."


_EXAMPLES = (
    *(f"cp3{minor}" for minor in range(6, 16)),
    *(f"cp3{minor}t" for minor in range(_FIRST_FREE_THREADED_MINOR, 16)),
    *(f"pp3{minor}" for minor in range(7, 12)),
)
