"""The lines of a recipe, each with the places of its parts.

The scan is by lines, tolerant and linear: what a tool accepts after evaluation need not be YAML
before it (statements of Jinja, one key under two selectors), so nothing is refused here. Offsets are
characters of the whole text; a line's end never belongs to a part.
"""

import re
from enum import IntEnum
from typing import NamedTuple


class RowKind(IntEnum):
    """What a line is."""

    BLANK = 0
    COMMENT = 1
    STATEMENT = 2  # it begins with a tag of Jinja: {% … %} or {# … #}
    ENTRY = 3  # a key, an item of a sequence, or a scalar of its own
    MORE = 4  # it goes on with what an earlier line began
    MARKER = 5  # --- or ...


class Row(NamedTuple):
    """One line. ``indent`` is a column; every other place is an offset in the text.

    ``dashes`` counts the "- " before the content, ``key_start == key_end`` says that there is no key,
    ``comment`` is where a comment starts, or -1. ``last`` is the number of the last row of the value.
    """

    kind: RowKind
    start: int
    end: int
    indent: int
    dashes: int
    content: int
    key_start: int
    key_end: int
    value_start: int
    value_end: int
    comment: int
    last: int


_KEY = re.compile(
    r"""("(?:[^"\\]|\\.)*"|'[^']*'|(?:\{\{|[^\s#"'&*!|>%@`\[\]{},:?-]|[:?-](?=\S))"""
    r"""(?:\{\{(?:(?!\}\}).)*\}\}|(?!\{\{)[^:#]|:(?=\S)|(?<=\S)\#)*?)[ \t]*:(?=[ \t]|$)[ \t]*"""
)
_BLOCK = re.compile(r"(?:[&!]\S+[ \t]+)*[|>][-+0-9]{0,3}[ \t]*(?:#.*)?$")
_COMMENT = re.compile(r"[ \t]#(?!\})")
_QUOTED = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|\'[^\']*(?:\'\'[^\']*)*\'', re.DOTALL)
_BRACKETS = re.compile(r"""["'\[\]{}]|(?<=\s)\#.*""")
_ENDS_A_KEY = re.compile(r":(?:[ \t]|$)")
MOST_SCANNED = 500_000
LONGEST_KEY = 1024
MOST_DASHES = 101
_CHARACTERS_A_STEP = 10
_LONE_RETURN = re.compile(r"\r(?!\n)")


def scan(text: str) -> tuple[Row, ...]:
    """Read every line of a text."""
    flat = _LONE_RETURN.sub("\n", text) if "\r" in text else text
    return _Scan(flat).rows()


class _Scan:
    """One pass over a text."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._rows: list[Row] = []
        lines = text.split("\n")
        if not lines[-1]:
            lines.pop()
        self._starts: list[int] = []
        at = 0
        for line in lines:
            self._starts.append(at)
            at += len(line) + 1
        if "\r" in text:
            lines = [line.removesuffix("\r") for line in lines]
        if text.startswith("\ufeff"):
            self._starts[0] = 1  # a byte order mark is no part of the first line
            lines[0] = lines[0][1:]
        self._ends = [start + len(line) for start, line in zip(self._starts, lines, strict=True)]
        self._bares = [line.lstrip(" \t") for line in lines]
        self._indents = [
            len(line) - len(bare) for line, bare in zip(lines, self._bares, strict=True)
        ]
        self._steps = MOST_SCANNED
        self._unclosed = {"%}": len(text), "#}": len(text)}

    def rows(self) -> tuple[Row, ...]:
        number, count = 0, len(self._starts)
        while number < count:
            number = self._row(number)
        return tuple(self._rows)

    def _plain(
        self, kind: RowKind, number: int, *, indent: int = 0, last: int | None = None
    ) -> None:
        """Add a row that has no parts."""
        start, end = self._starts[number], self._ends[number]
        content = start + indent
        self._rows.append(
            Row(kind, start, end, indent, 0, content, content, content, content, end, -1,
                number if last is None else last)
        )  # fmt: skip

    def _row(self, number: int) -> int:
        """Read what begins on a line; give the number of the line after it."""
        bare, indent = self._bares[number], self._indents[number]
        if not bare:
            self._plain(RowKind.BLANK, number)
            return number + 1
        first = bare[0]
        if first == "#":
            self._plain(RowKind.COMMENT, number, indent=indent)
            return number + 1
        if first == "{" and bare[1:2] in ("%", "#"):
            return self._statement(number, indent)
        if not indent and first in "-.%" and _is_marker(bare.rstrip()):
            self._plain(RowKind.MARKER, number)
            return number + 1
        return self._entry(number, bare, indent)

    def _statement(self, number: int, indent: int) -> int:
        """Read a tag of Jinja, over as many lines as it has."""
        at = self._starts[number] + indent
        closed = self._closing_tag("%}" if self._text[at + 1] == "%" else "#}", at + 2)
        last = number
        if closed >= 0:
            while last + 1 < len(self._starts) and self._starts[last + 1] <= closed:
                last += 1
        self._plain(RowKind.STATEMENT, number, indent=indent, last=last)
        return self._more(number + 1, last)

    def _closing_tag(self, mark: str, at: int) -> int:
        """Give where a tag is closed, or -1; that none is left is found out once."""
        if at >= self._unclosed[mark]:
            return -1
        found = self._text.find(mark, at)
        if found < 0:
            self._unclosed[mark] = at
        return found

    def _more(self, number: int, last: int) -> int:
        while number <= last:
            self._plain(RowKind.MORE, number)
            number += 1
        return number

    def _entry(self, number: int, bare: str, indent: int) -> int:
        start, end = self._starts[number], self._ends[number]
        content, dashes, parent = start + indent, 0, indent
        while bare[0] == "-" and bare[1:2] in (" ", "\t", "") and dashes < MOST_DASHES:
            parent = content - start
            rest = bare[1:].lstrip(" \t")
            content += len(bare) - len(rest)
            dashes += 1
            bare = rest
            if not bare:
                break
        key_start = key_end = value = content
        # Most lines of a list have no key; the expression is dear on them.
        if ":" in bare and (found := _key(bare)):
            key_start, key_end = content, content + found.end(1)
            value = content + found.end()
            parent = content - start
        value_end, comment, last = self._value(number, value, end, parent)
        self._rows.append(
            Row(RowKind.ENTRY, start, end, indent, dashes, content, key_start, key_end, value,
                value_end, comment, last)
        )  # fmt: skip
        return self._continued(number + 1, last)

    def _continued(self, number: int, last: int) -> int:
        """Add the lines of a value after its first; what is a comment or a statement stays one."""
        while number <= last:
            if self._bares[number].startswith(("{%", "{#")):
                number = self._statement(number, self._indents[number])
                continue
            self._plain(RowKind.MORE, number)
            number += 1
        return number

    def _value(self, number: int, value: int, end: int, parent: int) -> tuple[int, int, int]:
        """Find where a value ends: its end, the place of its comment, the number of its last line."""
        text = self._text
        if value >= end:
            return value, -1, number
        first = text[value]
        if first == "#":
            return value, value, number
        if first in "|>&!" and _BLOCK.match(text, value, end):
            return self._block(number, value, end, parent)
        if first in "\"'":
            closed = _closing_quote(text, value)
            after = text[closed : self._end_of(closed)].strip(" \t") if closed > 0 else ""
            # Where more follows the quote, a template stands in between.
            if closed > 0 and (not after or after[0] == "#"):
                return self._until(number, closed)
        elif first in "[{" and text[value : value + 2] not in ("{{", "{%"):
            closed = self._closing_bracket(value)
            if closed > 0:
                return self._until(number, closed)
        return self._plain_value(number, value, end, parent)

    def _plain_value(self, number: int, value: int, end: int, parent: int) -> tuple[int, int, int]:
        bare = self._text[value:end]
        found = _COMMENT.search(bare) if "#" in bare else None
        if found:
            # YAML ends a plain scalar at a comment; a selector's is gone before YAML reads it.
            stop = value + len(bare[: found.start()].rstrip(" \t"))
            return stop, value + found.start() + 1, number
        note = bare.find("{#")
        stop = value + len((bare[:note] if note > 0 else bare).rstrip(" \t"))
        if bare[0] in "&!" and " " not in bare:
            return stop, -1, number
        following = number + 1
        if following == len(self._bares) or self._indents[following] <= parent:
            return stop, -1, number
        return self._plain_lines(number, stop, parent)

    def _end_of(self, at: int) -> int:
        found = self._text.find("\n", at)
        return len(self._text) if found < 0 else found - (self._text[found - 1 : found] == "\r")

    def _until(self, number: int, closed: int) -> tuple[int, int, int]:
        """End a value at an offset that may stand some lines below."""
        last = number
        while last + 1 < len(self._starts) and self._starts[last + 1] < closed:
            last += 1
        found = self._text.find("#", closed, self._ends[last])
        return closed, found, last

    def _block(self, number: int, value: int, end: int, parent: int) -> tuple[int, int, int]:
        """End a block scalar: before the next line that stands no deeper than its parent."""
        last = self._deeper(number, parent)
        found = _COMMENT.search(self._text, value, end)
        if last == number:
            stop = found.start() if found else end
            return (
                value + len(self._text[value:stop].rstrip(" \t")),
                found.start() + 1 if found else -1,
                number,
            )
        return self._ends[last], found.start() + 1 if found else -1, last

    def _deeper(self, number: int, parent: int) -> int:
        """Give the last line of a block: blanks, comments and tags inside it don't end it."""
        last = number
        for each in range(number + 1, len(self._bares)):
            bare = self._bares[each]
            if not bare:
                continue
            if self._indents[each] > parent:
                last = each
            elif not bare.startswith(("#", "{%", "{#")):
                break
        return last

    def _plain_lines(self, number: int, stop: int, parent: int) -> tuple[int, int, int]:
        """End a plain scalar that may go on over deeper lines."""
        last = number
        for each in range(number + 1, len(self._bares)):
            bare, indent = self._bares[each], self._indents[each]
            if not bare or indent <= parent or bare.startswith(("#", "{%", "{#")):
                break
            last = each
            start = self._starts[each] + indent
            found = _COMMENT.search(bare)
            stop = start + len((bare[: found.start()] if found else bare).rstrip(" \t"))
            if found:
                return stop, start + found.start() + 1, last
        return stop, -1, last

    def _closing_bracket(self, at: int) -> int:
        """Give the offset after the bracket that closes the one at an offset, or -1."""
        depth, place, text = 0, at, self._text
        while self._steps > 0 and (found := _BRACKETS.search(text, place)):
            self._steps -= 1 + (found.start() - place) // _CHARACTERS_A_STEP
            sign, place = found[0], found.end()
            if sign in "[{":
                depth += 1
            elif sign in "]}":
                depth -= 1
                if not depth:
                    return place
            elif sign in "\"'" and text[found.start() - 1] in "[{,: \t\n(=":
                closed = _closing_quote(text, found.start())
                if closed < 0:
                    break
                place = closed
        if self._steps > 0:
            self._steps -= 1 + (len(text) - place) // _CHARACTERS_A_STEP
        return -1


def _key(bare: str) -> re.Match[str] | None:
    """Find the key that a line begins with. YAML has none that is longer."""
    if len(bare) > LONGEST_KEY:
        bare = bare[:LONGEST_KEY].rstrip(":")
    return _KEY.match(bare) if _ENDS_A_KEY.search(bare) else None


def _is_marker(word: str) -> bool:
    """Say whether a line begins or ends a document, or is a directive of YAML."""
    return word in ("---", "...") or word.startswith(("--- ", "%YAML", "%TAG"))


def _closing_quote(text: str, at: int) -> int:
    """Give the offset after the quote that closes the one at an offset, or -1."""
    found = _QUOTED.match(text, at)
    return found.end() if found else -1
