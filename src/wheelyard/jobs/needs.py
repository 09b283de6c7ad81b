"""What a job needs of its builder, and whether a builder has it.

A need is a name and a value. A builder has it where it has the same value, one of its several values is
that one, all values of a list are among its own, or a comparison (``>=8``, ``<2.29``) holds. A need that
a builder says nothing about is not met.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import msgspec

from wheelyard.errors import ConfigurationError
from wheelyard.model.builder import FactValue

Need = FactValue
_COMPARISON = re.compile(r"(>=|<=|==|!=|>|<)\s*(.+)", re.DOTALL)
_PART = re.compile(r"\s*([A-Za-z_][\w.-]*)\s*=(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Needs:
    """Needs by name, in the order of the names. ``str()`` is the name of their pool, and ``parse`` reads it."""

    items: tuple[tuple[str, Need], ...] = ()

    @classmethod
    def of(cls, values: Mapping[str, object]) -> Self:
        """Make needs out of a mapping. Raises ConfigurationError."""
        return cls(tuple(sorted((name, _checked(name, value)) for name, value in values.items())))

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``os=linux,memory_gb=">=8",python=[cp311,cp312]``. Raises ConfigurationError."""
        values: dict[str, object] = {}
        for part in _parts(text):
            match = _PART.fullmatch(part)
            if match is None or not match[2].strip():
                raise ConfigurationError(
                    f"{part.strip()!r} is not a need",
                    hint='Write name=value, for example os=linux,memory_gb=">=8".',
                )
            if match[1] in values:
                raise ConfigurationError(
                    f"{match[1]!r} is needed twice in {text!r}",
                    hint="Write several values as a list: name=[one,two].",
                )
            values[match[1]] = _read(match[2].strip())
        return cls.of(values)

    def __str__(self) -> str:
        """Return the text that ``parse`` reads; equal needs have the same."""
        return ",".join(f"{name}={_write(value)}" for name, value in self.items)

    def with_(self, **values: Need) -> Self:
        """Return the same needs and some others."""
        return type(self).of({**dict(self.items), **values})


def meets(facts: Mapping[str, FactValue], needs: Needs) -> bool:
    """Whether a builder with these facts can run a job with these needs."""
    return not lacking(facts, needs)


def lacking(facts: Mapping[str, FactValue], needs: Needs) -> tuple[tuple[str, Need], ...]:
    """Return the needs that a builder does not meet."""
    return tuple(
        (name, need)
        for name, need in needs.items
        if name not in facts or not _has(facts[name], need)
    )


def _has(fact: FactValue, need: Need) -> bool:
    owned = fact if isinstance(fact, tuple) else (fact,)
    if isinstance(need, tuple):
        return all(any(_same(one, wanted) for one in owned) for wanted in need)
    if isinstance(need, str) and (match := _COMPARISON.fullmatch(need)) is not None:
        return any(_compares(one, match[1], match[2].strip()) for one in owned)
    return any(_same(one, need) for one in owned)


def _same(one: object, other: object) -> bool:
    return one == other or str(one) == str(other)


def _compares(fact: object, sign: str, bound: str) -> bool:
    mine, theirs = _numbers(str(fact)), _numbers(bound)
    if mine is None or theirs is None:
        return sign == "!=" and str(fact) != bound
    length = max(len(mine), len(theirs))
    left = mine + (0,) * (length - len(mine))
    right = theirs + (0,) * (length - len(theirs))
    return {
        ">=": left >= right,
        "<=": left <= right,
        "==": left == right,
        "!=": left != right,
        ">": left > right,
        "<": left < right,
    }[sign]


def _numbers(text: str) -> tuple[int, ...] | None:
    """Read a version's numbers, which are compared part by part; facts with fractions are rounded down."""
    parts = text.split(".")
    if not all(part.isascii() and part.isdecimal() for part in parts):
        return None
    return tuple(map(int, parts))


def _checked(name: str, value: object) -> Need:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str | int | float):
        return value
    if isinstance(value, list | tuple | set | frozenset):
        parts = [_checked(name, one) for one in value]
        flat = [one for one in parts if not isinstance(one, tuple)]
        if len(flat) == len(parts):
            return tuple(sorted(flat, key=lambda one: (str(type(one)), one)))
    raise ConfigurationError(
        f"{value!r} is no value that {name!r} can be needed with",
        hint="Write a word, a number, a comparison like '>=8', or a list of words and numbers.",
    )


def _parts(text: str) -> list[str]:
    """Split at commas, but not at those inside of brackets or quotes."""
    parts, depth, quoted, escaped = [""], 0, False, False
    for letter in text:
        if letter == "," and not depth and not quoted:
            parts.append("")
            continue
        parts[-1] += letter
        if quoted:
            quoted = escaped or letter != '"'
            escaped = letter == "\\" and not escaped
        elif letter == '"':
            quoted = True
        else:
            depth += (letter == "[") - (letter == "]")
    return [part.strip() for part in parts if part.strip()]


def _read(text: str) -> object:
    if text.startswith("[") and text.endswith("]"):
        return [_read(part) for part in _parts(text[1:-1])]
    if text.startswith('"') and text.endswith('"') and len(text) > 1:
        try:
            return msgspec.json.decode(text)
        except msgspec.DecodeError:
            return text[1:-1]
    if text.isascii() and text.isdecimal():
        return int(text)
    return text


def _write(value: Need) -> str:
    if isinstance(value, tuple):
        return f"[{','.join(map(_write, value))}]"
    if isinstance(value, str) and (not re.fullmatch(r"[\w.+-]+", value) or _read(value) != value):
        return msgspec.json.encode(value).decode()
    return str(value)
