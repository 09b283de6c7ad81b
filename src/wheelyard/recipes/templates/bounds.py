"""How much a template may do, and operations that cannot do more."""

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass

from wheelyard.recipes.templates.missing import Missing

MOST_STEPS = 200_000
LONGEST = 20_000_000
"""How many characters a whole template may give."""
LONGEST_VALUE = 200_000
"""How many characters one value may have, all that it holds together."""
MOST_ITEMS = 20_000
LARGEST_POWER = 10_000
ENDLESS = "Look for a loop or a macro that never ends."
_CHARACTERS_A_STEP = 100
_SHOWN = 200


class TemplateError(Exception):
    """Something in a template that cannot be carried out; the caller adds file and line."""

    def __init__(self, message: str, *, hint: str = "", line: int = 0) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.line = line


@dataclass(slots=True)
class Budget:
    """The steps that a template has taken, and how many it may take."""

    steps: int = 0
    most: int = MOST_STEPS

    @classmethod
    def of(cls, text: str) -> "Budget":
        """Give the steps that a text may take: a long one has more to do."""
        return cls(most=MOST_STEPS + len(text) // 5)

    def spend(self, steps: int = 1) -> None:
        """Count steps; raise TemplateError when there are none left."""
        self.steps += steps
        if self.steps > self.most:
            raise TemplateError(
                f"the template has taken {self.most:,} steps and goes on", hint=ENDLESS
            )

    def spend_on(self, value: object) -> None:
        """Count what handling a value costs: more, the larger it is."""
        self.spend(weight(value) // _CHARACTERS_A_STEP)


def weight(value: object) -> int:
    """Count the characters and items of a value, each as often as it would be written.

    A list that stands in another twice counts twice, so that what grows by doubling is seen before it
    is written. What is more than LONGEST_VALUE is not counted to its end.
    """
    if isinstance(value, str | bytes):
        return len(value)
    if not isinstance(value, list | tuple | dict | set | frozenset):
        return 1
    total = 0
    pending: list[object] = [value]
    while pending and total <= LONGEST_VALUE:
        one = pending.pop()
        total += 1
        if isinstance(one, str | bytes):
            total += len(one)
        elif isinstance(one, list | tuple | dict | set | frozenset):
            total += len(one)
            if total <= LONGEST_VALUE:
                pending += one
                pending += one.values() if isinstance(one, dict) else ()
    return total


def bounded(value: object) -> object:
    """Give a value back, or raise TemplateError where it is too large to keep."""
    if isinstance(value, str | bytes):
        if len(value) > LONGEST_VALUE:
            raise TemplateError(f"the template makes a text of {len(value):,} characters")
    elif isinstance(value, list | tuple | dict | set):
        if len(value) > MOST_ITEMS:
            raise TemplateError(f"the template makes a list of {len(value):,} items")
        if weight(value) > LONGEST_VALUE:
            raise TemplateError("the template makes a list that is too long to be written")
    elif isinstance(value, int) and value.bit_length() > LARGEST_POWER:
        raise TemplateError("the template makes a number that is too large")
    return value


def _multiply(left: object, right: object) -> object:
    for text, count in ((left, right), (right, left)):
        if isinstance(text, str | bytes | list | tuple) and isinstance(count, int):
            most = LONGEST_VALUE if isinstance(text, str | bytes) else MOST_ITEMS
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
    if isinstance(left, str):
        if "*" in left:
            raise TemplateError("the template pads a text too widely")
        check_format(left, (right,), sign="%")
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
    if isinstance(owner, str | bytes):
        check_method(getattr(function, "__name__", ""), str(owner), arguments)


def check_method(name: str, owner: str, arguments: tuple[object, ...]) -> None:
    """Refuse a method of a text, by its name, whose answer would be too large."""
    first = arguments[0] if arguments else ""
    total = 0
    if name == "replace" and len(arguments) > 1:
        old = shown(first)
        count = len(owner) + 1 if not old else owner.count(old)
        total = count * len(shown(arguments[1]))
    elif name in ("center", "ljust", "rjust", "zfill"):
        total = first if isinstance(first, int) else 0
    elif name == "expandtabs":
        total = owner.count("\t") * (first if isinstance(first, int) else 8)
    elif name == "indent":
        total = (owner.count("\n") + 1) * (first if isinstance(first, int) else len(shown(first)))
    elif name == "join" and isinstance(first, list | tuple | dict | set):
        total = weight(first) + len(owner) * len(first)
    elif name in ("format", "format_map"):
        check_format(owner, arguments)
    elif name == "translate":
        total = len(owner) * weight(first)
    if total > LONGEST_VALUE:
        raise TemplateError("the template makes a text that is too long")


def check_format(text: str, arguments: tuple[object, ...] = (), *, sign: str = "{") -> None:
    """Refuse a format whose fields together could give too long a text."""
    widest = max((int(one[:9]) for one in _NUMBER.findall(text)), default=0)
    if (
        text.count(sign) * (widest + weight(list(arguments))) > LONGEST_VALUE * 10
        or (sign == "{" and _NESTED_WIDTH.search(text))
    ):  # fmt: skip
        raise TemplateError("the template pads a text too widely")


def shortened(text: str) -> str:
    """Give a text as a message shows it: not more than a line of it."""
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def shown(value: object) -> str:
    """Give a value as a template writes it."""
    return value if isinstance(value, str) else str(value)


_NUMBER = re.compile(r"\d+")
_NESTED_WIDTH = re.compile(r"\{[^{}]*:[^{}]*\{")
