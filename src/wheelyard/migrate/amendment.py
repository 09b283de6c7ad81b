"""Many small changes of one text, each bound to a place, made together.

Whole lines come and go; everything else stays byte for byte. Lines are given without their end: the
text's own is added.
"""

from wheelyard.recipes.document import Document, Entry
from wheelyard.recipes.spans import Span


class Amendment:
    """Collects changes of a document's text; ``text`` is the outcome."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._written: dict[tuple[int, int], str] = {}
        self._inserted: dict[int, list[str]] = {}

    def write(self, span: Span, text: str) -> None:
        """Replace a span."""
        self._written[(span.start, span.end)] = text

    def drop(self, entry: Entry) -> None:
        """Remove the lines of an entry."""
        self.write(entry.span, "")

    def drop_row(self, number: int) -> None:
        """Remove one line, by its number from 0."""
        self.write(self.row_span(number), "")

    def before(self, entry: Entry, *lines: str) -> None:
        """Insert lines above an entry."""
        self._inserted.setdefault(entry.row.start, []).extend(lines)

    def after(self, entry: Entry, *lines: str) -> None:
        """Insert lines below an entry and all that it holds."""
        self._inserted.setdefault(entry.span.end, []).extend(lines)

    def below_key(self, entry: Entry, *lines: str) -> None:
        """Insert lines directly below the line that an entry begins on."""
        self._inserted.setdefault(self.row_span(entry.number).end, []).extend(lines)

    def row_span(self, number: int) -> Span:
        """Give a whole line with its end."""
        rows = self._document.rows
        end = rows[number + 1].start if number + 1 < len(rows) else len(self._document.text)
        return Span(start=rows[number].start, end=end)

    @property
    def text(self) -> str:
        """The text with every change made; inserted lines come before what is written at their place."""
        text, newline = self._document.text, self._document.newline
        if not self._inserted and not self._written:
            return text
        changes = [(start, start, 0, lines) for start, lines in self._inserted.items()]
        changes += [(start, end, 1, [new]) for (start, end), new in self._written.items()]
        parts: list[str] = []
        at = 0
        for start, end, kind, new in sorted(changes, key=lambda each: each[:3]):
            if start < at:
                continue  # it lies within what is gone already
            parts.append(text[at:start])
            if kind:
                parts += new
            else:
                if start and text[start - 1] != "\n":
                    parts.append(newline)
                parts += [line + newline for line in new]
            at = end
        return "".join(parts) + text[at:]


def column_of_items(entry: Entry) -> int:
    """Give the column at which the items of a list are (or would be) written."""
    for item in entry.entries:
        if item.is_item:
            return item.column
    return entry.column + 2


def column_of_keys(entry: Entry) -> int:
    """Give the column at which the keys of a mapping are (or would be) written."""
    for child in entry.entries:
        if not child.is_item:
            return child.column
    return entry.column + 2


def with_comment_kept(line: str, old: str, new: str) -> str:
    """Write ``new`` for ``old`` in a line and keep its comment in its column, where there is room."""
    changed = line.replace(old, new, 1)
    place = line.find("#", line.find(old) + len(old))
    if place < 0:
        return changed
    head = changed[: changed.find("#", changed.find(new) + len(new))].rstrip()
    return f"{head:<{place}}{line[place:]}" if len(head) < place - 1 else f"{head}  {line[place:]}"
