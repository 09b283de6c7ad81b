"""Places in a text, and replacing them without touching the rest."""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Characters ``start`` (included) to ``end`` (excluded) of a text."""

    start: int
    end: int

    def of(self, text: str) -> str:
        """Give the characters that it covers."""
        return text[self.start : self.end]


@dataclass(frozen=True, slots=True, kw_only=True)
class Replacement:
    """New text for a span; an empty span inserts, an empty text removes."""

    span: Span
    text: str


def replaced(text: str, replacements: Iterable[Replacement]) -> str:
    """Give the text with every replacement made; they must not overlap, and twice the same is once."""
    parts: list[str] = []
    at = 0
    for one in sorted(set(replacements), key=lambda each: (each.span.start, each.span.end)):
        assert one.span.start >= at, "replacements overlap"
        parts += (text[at : one.span.start], one.text)
        at = one.span.end
    return "".join(parts) + text[at:]


def in_order(replacements: Iterable[Replacement]) -> tuple[Replacement, ...]:
    """Give replacements in the order of the text."""
    return tuple(sorted(replacements, key=_start))


def replaced_within(text: str, start: int, replacements: Sequence[Replacement]) -> str:
    """Make the replacements that lie within a piece of a text, which begins at an offset of the whole.

    They come in the order of the text.
    """
    end = start + len(text)
    inner = []
    for at in range(bisect_left(replacements, start, key=_start), len(replacements)):
        one = replacements[at]
        if one.span.start > end:
            break
        if one.span.end <= end:
            span = Span(start=one.span.start - start, end=one.span.end - start)
            inner.append(Replacement(span=span, text=one.text))
    return replaced(text, inner) if inner else text


def _start(one: Replacement) -> int:
    return one.span.start
