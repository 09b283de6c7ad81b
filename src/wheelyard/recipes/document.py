"""A recipe's text as a tree of entries that know where they stand.

An entry is a key of a mapping or an item of a sequence, as it is *written*: one key under two
selectors is two entries, and both branches of an ``{% if %}`` are there. Children are found when they
are asked for, so that an edit of one line costs little more than reading the lines.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

from wheelyard.recipes.rows import Row, RowKind, scan
from wheelyard.recipes.scalars import unquoted
from wheelyard.recipes.selectors import selector_of
from wheelyard.recipes.spans import Span

_MACRO = re.compile(r"\{%[-+]?\s*macro\b")
_END_MACRO = re.compile(r"\{%[-+]?\s*endmacro\b")


def _is_open(line: str) -> bool:
    """Say whether a line begins a macro that it doesn't end."""
    begun = max((one.start() for one in _MACRO.finditer(line)), default=-1)
    return begun >= 0 and line.find("endmacro", begun) < 0


@dataclass(frozen=True, kw_only=True)
class Document:
    """A text and its rows; ``text`` is kept byte for byte."""

    text: str
    rows: tuple[Row, ...] = field(repr=False)

    @classmethod
    def parse(cls, text: str) -> "Document":
        """Read a text; nothing is refused."""
        return cls(text=text, rows=scan(text))

    @cached_property
    def entries(self) -> "tuple[Entry, ...]":
        """The keys (or items) of the top level, in the order of the text."""
        return tuple(self._entries(0, len(self.rows)))

    @cached_property
    def tagged(self) -> tuple[int, ...]:
        """The numbers of the rows with statements of Jinja, without the later lines of one."""
        if "{%" not in self.text:
            return ()
        found, inside = [], False
        for number, row in enumerate(self.rows):
            has_tag = row.kind in (RowKind.STATEMENT, RowKind.ENTRY) and (
                self.text.find("{%", row.start, row.end) >= 0
            )
            if has_tag:
                line = self.text[row.start : row.end]
                inside = _is_open(line) or (inside and not _END_MACRO.search(line))
            # What a macro holds belongs to its statement.
            if has_tag or row.kind is RowKind.STATEMENT or (inside and row.kind is RowKind.ENTRY):
                found.append(number)
        return tuple(found)

    def deeper_than(self, most: int) -> int | None:
        """Give the number of the first row that stands more than so many levels deep, or None."""
        if max((row.indent + row.dashes for row in self.rows), default=0) <= most:
            return None
        columns: list[int] = []
        for number, row in enumerate(self.rows):
            if row.kind is RowKind.ENTRY:
                while columns and columns[-1] >= row.indent:
                    columns.pop()
                columns.append(row.indent)
                if len(columns) + row.dashes > most:
                    return number
        return None

    @cached_property
    def newline(self) -> str:
        """How this text ends its lines."""
        return "\r\n" if "\r\n" in self.text else "\n"

    def find(self, *keys: str) -> "tuple[Entry, ...]":
        """Give every entry at a path of keys, as often as it is written; lists are looked through."""
        found: tuple[Entry, ...] = self.entries
        for depth, key in enumerate(keys):
            if depth:
                found = tuple(child for one in found for child in one.through())
            found = tuple(one for one in found if one.key == key)
        return found

    def line_of(self, offset: int) -> int:
        """Give the number of the line, from 1, that an offset stands on."""
        return self.text.count("\n", 0, offset) + 1

    def _entries(self, first: int, stop: int) -> "Iterator[Entry]":
        """Give the entries that begin in a range of rows, without those inside them."""
        number = first
        while number < stop:
            row = self.rows[number]
            if row.kind is not RowKind.ENTRY:
                number += 1
                continue
            entry = _entry(self, number, 0)
            yield entry
            number = entry.stop


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A key with its value, or an item of a sequence (``key`` is empty).

    ``column`` is where the key or the dash stands, ``number`` the row it begins on, ``stop`` the row
    after its last.
    """

    document: Document = field(repr=False)
    number: int
    depth: int  # which of the row's dashes it is; the number of dashes for the key after them
    key: str
    column: int
    stop: int

    @property
    def row(self) -> Row:
        """The row that it begins on."""
        return self.document.rows[self.number]

    @property
    def line(self) -> int:
        """The number of its line, from 1."""
        return self.number + 1

    @property
    def is_item(self) -> bool:
        """Whether it is an item of a sequence."""
        return self.depth < self.row.dashes

    @property
    def key_span(self) -> Span:
        """Where the key is written, with its quotes."""
        return Span(start=self.row.key_start, end=self.row.key_end)

    @property
    def value_span(self) -> Span:
        """Where the scalar is written, with its quotes; empty where children follow instead."""
        return Span(start=self.row.value_start, end=self.row.value_end)

    @property
    def value(self) -> str:
        """The scalar as it is written, with its quotes and over all its lines."""
        return self.value_span.of(self.document.text)

    @property
    def scalar(self) -> str:
        """The scalar without its quotes."""
        return unquoted(self.value)

    @property
    def has_key(self) -> bool:
        """Whether this row has a key after its dashes."""
        return self.row.key_end > self.row.key_start

    @property
    def selector(self) -> str | None:
        """The selector of its first line, as conda-build reads it ("win and py<39")."""
        return selector_of(self.document.text[self.row.start : self.row.end])

    @property
    def comment(self) -> str:
        """The comment at the end of its first line, with its sign."""
        return "" if self.row.comment < 0 else self.document.text[self.row.comment : self.row.end]

    @property
    def span(self) -> Span:
        """Its whole lines, with the end of the last one."""
        rows, text = self.document.rows, self.document.text
        last = self.stop - 1
        while last > self.number and rows[last].kind in (
            RowKind.BLANK,
            RowKind.COMMENT,
            RowKind.STATEMENT,
        ):
            last -= 1
        end = rows[last + 1].start if last + 1 < len(rows) else len(text)
        return Span(start=self.row.start, end=end)

    @cached_property
    def entries(self) -> "tuple[Entry, ...]":
        """What it holds: the keys of its mapping, or the items of its sequence."""
        row, document = self.row, self.document
        if self.is_item:
            if self.depth + 1 < row.dashes:
                return (_entry(document, self.number, self.depth + 1), *self._below())
            if self.has_key:
                return (_entry(document, self.number, row.dashes), *self._below())
            if row.value_end > row.value_start:
                return ()
        return tuple(self._below())

    def _below(self) -> "Iterator[Entry]":
        first = self.number + 1
        if self.is_item and self.has_key:
            first = _entry(self.document, self.number, self.row.dashes).stop
        yield from self.document._entries(first, self.stop)  # noqa: SLF001 - one value in two classes

    def through(self) -> "tuple[Entry, ...]":
        """Give the keys it holds, looking through the items of sequences."""
        return tuple(
            inner
            for child in self.entries
            for inner in (child.through() if child.is_item else (child,))
        )

    def child(self, key: str) -> "tuple[Entry, ...]":
        """Give the entries of a key that it holds itself."""
        return tuple(one for one in self.entries if one.key == key)


def _entry(document: Document, number: int, depth: int) -> Entry:
    """Build the entry at a row: the one of its first dash, or a deeper one."""
    row = document.rows[number]
    if depth < row.dashes:
        column = row.indent if depth == 0 else _dash_column(document.text, row, depth)
        key = ""
    else:
        column = row.content - row.start
        key = unquoted(document.text[row.key_start : row.key_end])
    return Entry(
        document=document, number=number, depth=depth, key=key, column=column,
        stop=_stop(document, number, column, is_item=depth < row.dashes),
    )  # fmt: skip


def _dash_column(text: str, row: Row, depth: int) -> int:
    place = row.start + row.indent
    for _ in range(depth):
        place += 1
        while text[place] in " \t":
            place += 1
    return place - row.start


def _stop(document: Document, number: int, column: int, *, is_item: bool) -> int:
    """Find the row after an entry: the next that stands as far left, or less deep."""
    rows = document.rows
    own = rows[number]
    holds_items = not is_item and own.value_end <= own.value_start
    last = own.last + 1
    for each in range(own.last + 1, len(rows)):
        row = rows[each]
        if row.kind is RowKind.ENTRY:
            if row.indent < column or (row.indent == column and not (holds_items and row.dashes)):
                return last if last > number else each
            last = each + 1
        elif row.kind is RowKind.MARKER:
            return last
        elif row.kind is RowKind.MORE:
            last = each + 1
    return last
