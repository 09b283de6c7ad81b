"""Adding and removing whole lines of a recipe, with its own indentation and ends of lines."""

import re

from wheelyard.recipes.document import Document, Entry
from wheelyard.recipes.rows import RowKind
from wheelyard.recipes.spans import Replacement, Span

_OPENED = re.compile(r"\{%[-+]?\s*(?:if|for|macro|call|filter|with)\b")
_CLOSED = re.compile(r"\{%[-+]?\s*end(?:if|for|macro|call|filter|with)\b")


def inserted(document: Document, number: int, lines: list[str]) -> Replacement:
    """Insert lines before a row (or at the end of the text, whose last line is ended then)."""
    rows, text, newline = document.rows, document.text, document.newline
    if number < len(rows):
        start = rows[number].start
        return Replacement(
            span=Span(start=start, end=start), text="".join(each + newline for each in lines)
        )
    end = len(text)
    if not text or text.endswith(("\n", "\r")):
        return Replacement(
            span=Span(start=end, end=end), text="".join(each + newline for each in lines)
        )
    # A text without an end of its last line stays without one.
    return Replacement(
        span=Span(start=end, end=end), text="".join(newline + each for each in lines)
    )


def row_after(entry: Entry) -> int:
    """Give the row where something can be added after all that an entry holds, outside of its ``if``s."""
    document = entry.document
    depth = 0
    number, stop = entry.number, entry.stop
    while number < len(document.rows):
        row = document.rows[number]
        if number >= stop and (depth == 0 or row.kind is RowKind.ENTRY):
            break
        if row.kind is not RowKind.COMMENT:
            text = document.text[row.start : row.end]
            depth += len(_OPENED.findall(text)) - len(_CLOSED.findall(text))
        number += 1
    if depth == 0:
        last = stop - 1
        # What is blank at the end stays at the end; a closed block does not.
        while number - 1 > last and document.rows[number - 1].kind in (
            RowKind.BLANK,
            RowKind.COMMENT,
        ):
            number -= 1
        return number
    return stop


def removed(entry: Entry) -> Replacement:
    """Remove the whole lines of an entry."""
    return Replacement(span=entry.span, text="")


def removed_item(entry: Entry) -> Replacement:
    """Remove an entry that may stand on the line of a dash: ``- key: value`` keeps its dash for the next key."""
    row = entry.row
    if entry.is_item or not row.dashes:
        return removed(entry)
    span = entry.span
    rows = entry.document.rows
    after = next((each for each in rows[entry.stop :] if each.kind is RowKind.ENTRY), None)
    own = entry.column
    if after is not None and after.indent == own and not after.dashes:
        return Replacement(span=Span(start=row.content, end=after.content), text="")
    return Replacement(span=span, text="")
