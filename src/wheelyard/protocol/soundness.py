"""What the types of a message do not say, but whoever keeps it relies on.

A database refuses integers of more than 64 bits and texts with NUL in them, and a target's or a
project's name becomes part of paths and pages: a hostile message is stopped before it gets there.
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass
from functools import cache

from wheelyard.errors import WheelyardError
from wheelyard.model.reach import Reach
from wheelyard.model.release import Release
from wheelyard.targets.platform import Platform
from wheelyard.targets.target import Target

LONGEST_NAME = 256
QUOTED = 80

_NAMES = frozenset({"key", "builder", "session", "filename", "step"})
_SMALLEST, _LARGEST = -(1 << 63), (1 << 63) - 1


def fault_of(message: object) -> str:
    """Say what is wrong with a message and where, or return an empty string."""
    return next((f"{fault} - at `{place}`" for place, fault in _faults(message, "$")), "")


def quoted(text: str) -> str:
    """Quote what a stranger sent, shortened."""
    return repr(text if len(text) <= QUOTED else f"{text[:QUOTED]}…")


def _faults(value: object, place: str) -> Iterator[tuple[str, str]]:
    """Yield the place of what is wrong in a value, and what it is."""
    fault = _own_fault(value)
    if fault:
        yield place, fault
    elif not isinstance(value, Target | Release):
        for name, inner in _inside(value):
            yield from _faults(inner, f"{place}{name}")


def _own_fault(value: object) -> str:
    match value:
        case int() if not _SMALLEST <= value <= _LARGEST:
            return "a number does not fit into 64 bits"
        case Target():
            return _target_fault(value)
        case Release():
            return _release_fault(value)
        case Reach():
            return _reach_fault(value)
        case _Name():
            return _name_fault(value.text)
        case _:
            return ""


def _inside(value: object) -> Iterator[tuple[str, object]]:
    """Yield what a value holds, with what is added to its place."""
    if isinstance(value, tuple):
        for number, item in enumerate(value):
            yield f"[{number}]", item
    elif not isinstance(value, _Name):
        kind: type = type(value)
        for name in _fields(kind):
            inner = getattr(value, name)
            yield f".{name}", _Name(inner) if name in _NAMES else inner


@cache
def _fields(kind: type) -> tuple[str, ...]:
    """Name the fields of a dataclass; another type has none."""
    return tuple(field.name for field in fields(kind)) if is_dataclass(kind) else ()


@dataclass(frozen=True, slots=True)
class _Name:
    """A text that is somebody's or something's name."""

    text: str


def _name_fault(name: str) -> str:
    if len(name) > LONGEST_NAME:
        return f"a name has more than {LONGEST_NAME} characters"
    return "" if name.isprintable() else f"{quoted(name)} is not a name"


def _target_fault(target: Target) -> str:
    try:
        same = Target.parse(str(target)) == target
    except WheelyardError as error:
        return error.message[: 3 * QUOTED]
    return "" if same else f"{quoted(str(target))} is not a target as it is written"


def _reach_fault(reach: Reach) -> str:
    try:
        Platform.parse(reach.build)
    except WheelyardError as error:
        return error.message[: 3 * QUOTED]
    return ""


def _release_fault(release: Release) -> str:
    try:
        same = Release.of(release.project, str(release.version)) == release
    except WheelyardError as error:
        return error.message[: 3 * QUOTED]
    return "" if same else f"{quoted(release.project)} is not a project's name as it is written"
