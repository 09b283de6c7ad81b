"""What the types of a message do not say, but whoever keeps it relies on.

A database refuses integers of more than 64 bits and texts with NUL in them, and a target's or a
project's name becomes part of paths and pages: a hostile message is stopped before it gets there.
"""

from dataclasses import fields, is_dataclass
from functools import cache, lru_cache

from wheelyard.errors import WheelyardError
from wheelyard.model.reach import Reach
from wheelyard.model.release import Release
from wheelyard.targets.platform import Platform
from wheelyard.targets.target import Target

LONGEST_NAME = 256
QUOTED = 80

_NAMES = frozenset({"key", "builder", "session", "filename", "step"})
_SMALLEST, _LARGEST = -(1 << 63), (1 << 63) - 1
_REMEMBERED = 1024
"""Most messages are about the same few targets and releases, and to read one takes longer than the rest."""


def fault_of(message: object) -> str:
    """Say what is wrong with a message and where, or return an empty string."""
    found = _fault(message)
    return f"{found[0]} - at `${found[1]}`" if found is not None else ""


def quoted(text: str) -> str:
    """Quote what a stranger sent, shortened."""
    return repr(text if len(text) <= QUOTED else f"{text[:QUOTED]}…")


def _fault(value: object) -> tuple[str, str] | None:
    """Return the first thing that is wrong in a value, and its place there; None where nothing is."""
    fault = ""
    match value:
        case str() | bytes() | None | float():
            return None
        case int():
            fault = "" if _SMALLEST <= value <= _LARGEST else "a number does not fit into 64 bits"
        case tuple():
            return _fault_of_items(value)
        case Target():
            fault = _target_fault(value)
        case Release():
            fault = _release_fault(value)
        case Reach():
            fault = _reach_fault(value)
            if not fault:
                return _fault_of_fields(value)
        case _:
            return _fault_of_fields(value)
    return (fault, "") if fault else None


def _fault_of_items(items: tuple[object, ...]) -> tuple[str, str] | None:
    for number, item in enumerate(items):
        found = _fault(item)
        if found is not None:
            return found[0], f"[{number}]{found[1]}"
    return None


def _fault_of_fields(value: object) -> tuple[str, str] | None:
    kind: type = type(value)
    for name in _fields(kind):
        inner = getattr(value, name)
        if name in _NAMES and isinstance(inner, str):
            fault = _name_fault(inner)
            found = (fault, "") if fault else None
        else:
            found = _fault(inner)
        if found is not None:
            return found[0], f".{name}{found[1]}"
    return None


@cache
def _fields(kind: type) -> tuple[str, ...]:
    """Name the fields of a dataclass; another type has none."""
    return tuple(field.name for field in fields(kind)) if is_dataclass(kind) else ()


def _name_fault(name: str) -> str:
    if len(name) > LONGEST_NAME:
        return f"a name has more than {LONGEST_NAME} characters"
    return "" if name.isprintable() else f"{quoted(name)} is not a name"


def _target_fault(target: Target) -> str:
    # What is long is not remembered: a stranger could fill the memory with it.
    short = len(str(target)) <= LONGEST_NAME
    return _remembered_of_target(target) if short else _fault_of_target(target)


def _fault_of_target(target: Target) -> str:
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
    short = len(str(release)) <= LONGEST_NAME
    return _remembered_of_release(release) if short else _fault_of_release(release)


def _fault_of_release(release: Release) -> str:
    try:
        same = Release.of(release.project, str(release.version)) == release
    except WheelyardError as error:
        return error.message[: 3 * QUOTED]
    return "" if same else f"{quoted(release.project)} is not a project's name as it is written"


_remembered_of_target = lru_cache(maxsize=_REMEMBERED)(_fault_of_target)
_remembered_of_release = lru_cache(maxsize=_REMEMBERED)(_fault_of_release)
