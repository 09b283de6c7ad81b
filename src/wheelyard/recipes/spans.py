"""Places in a text, and replacing them without touching the rest."""

from collections.abc import Iterable
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


def replaced_within(text: str, start: int, replacements: Iterable[Replacement]) -> str:
    """Make the replacements that lie within a piece of a text, which begins at an offset of the whole."""
    end = start + len(text)
    inner = [
        Replacement(
            span=Span(start=one.span.start - start, end=one.span.end - start), text=one.text
        )
        for one in replacements
        if start <= one.span.start and one.span.end <= end
    ]
    return replaced(text, inner) if inner else text
