"""The tags of Jinja in a text, found in one pass.

A tag that is never closed is none, and costs no more than the characters that open it.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

_OPENED = re.compile(r"\{[%{#]")
_TAG = re.compile(
    r"\{%[^%{]*(?:(?:%(?!\})|\{(?!%))[^%{]*)*%\}"
    r"|\{\{[^{}]*(?:(?:\}(?!\})|\{(?!%))[^{}]*)*\}\}"
    r"|\{#[^#]*(?:#(?!\})[^#]*)*#\}"
)
SHORT = 10_000
"""Up to here one expression is faster; what is never closed makes it read on to the end each time."""
_CLOSING = {"%": "%}", "{": "}}", "#": "#}"}


class Tag(NamedTuple):
    """One tag: ``kind`` is ``%`` (a statement), ``{`` (an expression) or ``#`` (a note); ``end`` is after it."""

    kind: str
    start: int
    end: int


class _Places:
    """Where a mark stands next; offsets are asked for in rising order."""

    def __init__(self, text: str, mark: str) -> None:
        self._text = text
        self._mark = mark
        self._at = -1

    def after(self, offset: int) -> int:
        """Give where it stands from an offset on, or the length of the text."""
        if self._at < offset:
            found = self._text.find(self._mark, offset)
            self._at = len(self._text) if found < 0 else found
        return self._at


def tags(text: str) -> Iterator[Tag]:
    """Give the tags in order. What stands in a note is none; another ``{%`` ends what is not closed."""
    if len(text) <= SHORT:
        yield from (Tag(text[one.start() + 1], *one.span()) for one in _TAG.finditer(text))
    elif "{" in text:
        yield from _in_one_pass(text)


def _in_one_pass(text: str) -> Iterator[Tag]:
    closing = {kind: _Places(text, mark) for kind, mark in _CLOSING.items()}
    opening = _Places(text, "{%")
    place = 0
    while found := _OPENED.search(text, place):
        start, kind = found.start(), text[found.end() - 1]
        closed = closing[kind].after(start + 2)
        if closed == len(text) or (kind != "#" and opening.after(start + 2) < closed):
            place = start + 1
            continue
        place = closed + 2
        yield Tag(kind, start, place)
