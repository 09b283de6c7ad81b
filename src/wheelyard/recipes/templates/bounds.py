"""How much a template may do, and operations that cannot do more."""

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass

from wheelyard.recipes.templates.missing import Missing

MOST_STEPS = 1_000_000
LONGEST = 20_000_000
MOST_ITEMS = 200_000
LARGEST_POWER = 10_000
WIDEST = 100_000


class TemplateError(Exception):
    """Something in a template that cannot be carried out; the caller adds file and line."""

    def __init__(self, message: str, *, hint: str = "", line: int = 0) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.line = line


@dataclass(slots=True)
class Budget:
    """The steps that are left."""

    steps: int = MOST_STEPS

    def spend(self, steps: int = 1) -> None:
        """Count steps; raise TemplateError when there are none left."""
        self.steps -= steps
        if self.steps < 0:
            raise TemplateError(
                f"the template has taken {MOST_STEPS:,} steps and goes on",
                hint="Look for a loop or a macro that never ends.",
            )


def bounded(value: object) -> object:
    """Give a value back, or raise TemplateError where it is too large to keep."""
    if isinstance(value, str | bytes):
        if len(value) > LONGEST:
            raise TemplateError(f"the template makes a text of {len(value):,} characters")
    elif isinstance(value, list | tuple | dict | set) and len(value) > MOST_ITEMS:
        raise TemplateError(f"the template makes a list of {len(value):,} items")
    elif isinstance(value, int) and value.bit_length() > LARGEST_POWER * 4:
        raise TemplateError("the template makes a number that is too large")
    return value


_WIDTH = re.compile(r"%[^a-zA-Z%]*?(\d{5,})")


def _multiply(left: object, right: object) -> object:
    for text, count in ((left, right), (right, left)):
        if isinstance(text, str | bytes | list | tuple) and isinstance(count, int):
            most = LONGEST if isinstance(text, str | bytes) else MOST_ITEMS
            if len(text) * count > most:
                raise TemplateError(f"the template repeats a value {count:,} times")
    return operator.mul(left, right)


def _power(left: object, right: object) -> object:
    if (
        isinstance(right, int)
        and isinstance(left, int)
        and left.bit_length() * abs(right) > LARGEST_POWER
    ):
        raise TemplateError(f"the template raises a number to the power of {right:,}")
    return operator.pow(left, right)


def _modulo(left: object, right: object) -> object:
    if isinstance(left, str) and (_WIDTH.search(left) or "*" in left):
        raise TemplateError("the template pads a text too widely")
    return operator.mod(left, right)


_OPERATIONS: dict[str, Callable[..., object]] = {
    "Add": operator.add,
    "Sub": operator.sub,
    "Mul": _multiply,
    "Div": operator.truediv,
    "FloorDiv": operator.floordiv,
    "Mod": _modulo,
    "Pow": _power,
}


def calculate(name: str, left: object, right: object) -> object:
    """Carry out an operation of Jinja or Python by the name of its node."""
    if isinstance(left, Missing):
        return left
    if isinstance(right, Missing):
        return right
    return bounded(_OPERATIONS[name](left, right))


def _contained(left: object, right: object) -> bool:
    if isinstance(right, Missing) or (isinstance(left, Missing) and isinstance(right, str)):
        return False
    return left in right  # type: ignore[operator]


_COMPARISONS: dict[str, Callable[[object, object], bool]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "lt": operator.lt,  # type: ignore[dict-item]
    "lteq": operator.le,  # type: ignore[dict-item]
    "gt": operator.gt,  # type: ignore[dict-item]
    "gteq": operator.ge,  # type: ignore[dict-item]
    "in": _contained,
    "notin": lambda left, right: not _contained(left, right),
}


def compare(name: str, left: object, right: object) -> bool:
    """Compare two values; what is missing is less and more than nothing."""
    if name not in ("eq", "ne", "in", "notin") and (
        isinstance(left, Missing) or isinstance(right, Missing)
    ):
        return False
    return bool(_COMPARISONS[name](left, right))


def check_call(function: object, arguments: tuple[object, ...]) -> None:
    """Refuse a method of a text whose answer would be too large."""
    owner = getattr(function, "__self__", None)
    name = getattr(function, "__name__", "")
    if not isinstance(owner, str | bytes):
        return
    if name == "replace" and len(arguments) > 1 and isinstance(arguments[1], str):
        old = str(arguments[0])
        count = len(owner) + 1 if not old else str(owner).count(old)
        if count * len(arguments[1]) > LONGEST:
            raise TemplateError("the template makes a text that is too long")
    if name in ("center", "ljust", "rjust", "zfill", "expandtabs") and any(
        isinstance(one, int) and one > WIDEST for one in arguments
    ):
        raise TemplateError("the template pads a text too widely")
    if name == "join" and arguments and isinstance(arguments[0], list | tuple):
        total = sum(len(str(one)) for one in arguments[0]) + len(owner) * len(arguments[0])
        if total > LONGEST:
            raise TemplateError("the template makes a text that is too long")


def check_format(text: str) -> None:
    """Refuse a format that pads its values too widely."""
    if _FORMAT_WIDTH.search(text):
        raise TemplateError("the template pads a text too widely")


_FORMAT_WIDTH = re.compile(r"\{[^{}]*:[^{}]*?(\d{5,}|\{)")
