"""What a recipe sets by name: ``{% set … %}`` of meta.yaml and ``context:`` of recipe.yaml."""

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from wheelyard.recipes.document import Document
from wheelyard.recipes.rows import RowKind
from wheelyard.recipes.scalars import quote_of, unquoted
from wheelyard.recipes.selectors import selector_of
from wheelyard.recipes.spans import Replacement, Span, replaced_within
from wheelyard.recipes.templates.tags import tags

_SET = re.compile(r"\{%[-+]?\s*set\s+([A-Za-z_][\w.]*(?:\s*,\s*[A-Za-z_]\w*)*)\s*=(?!=)\s*")
_BLOCK_SET = re.compile(r"\{%[-+]?\s*set\s+([A-Za-z_]\w*)\s*[-+]?%\}")
_END_SET = re.compile(r"\{%[-+]?\s*endset\b")
_STATEMENT = re.compile(r"\{%[-+]?\s*(?!set\b)\w+")
_STRING = re.compile(r"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'")
_IDENTIFIER = re.compile(r"(?<![.\w])[A-Za-z_]\w*")
_WHOLE = re.compile(r"""(?<![\w.])(?:(["'])(\d+)\1|\d+)(?![\w.])""")
_CONSTANT = re.compile(r"""(["']?)(\d+)\1""")


MOST_DIGITS = 18


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """A name that a recipe sets, and the expression or scalar it is set to."""

    targets: tuple[str, ...]
    expression: Span
    text: str
    line: int
    selector: str | None
    whole: Span = field(repr=False)
    names: frozenset[str] = field(default=frozenset(), repr=False, compare=False)

    @property
    def constant(self) -> str | None:
        """The text of a literal in quotes (or of a bare scalar), without its quotes; None for an expression."""
        if self.text[:1] in "\"'" and _STRING.fullmatch(self.text):
            return unquoted(self.text)
        return None

    def edited(self, edits: Sequence[Replacement]) -> "Setting":
        """Give it as it is once some edits are made."""
        text = replaced_within(self.text, self.expression.start, edits) if edits else self.text
        return self if text == self.text else replace(self, text=text)

    def number_spans(self) -> tuple[Span, ...]:
        """Where whole numbers stand in it, in quotes or without."""
        if "{{" in self.text and quote_of(self.text):
            return number_spans(self.text[1:-1], self.expression.start + 1)
        return number_spans(self.text, self.expression.start)


def settings_of_meta(document: Document) -> Iterator[Setting]:
    """Give everything that a meta.yaml sets, in order."""
    text = document.text
    if "{%" not in text:
        return
    starts = [row.start for row in document.rows]
    for name, expression, whole in sorted(_sets(text), key=lambda each: each[2].start):
        at = bisect_right(starts, whole.start) - 1
        row = document.rows[at]
        if row.kind is RowKind.COMMENT:
            continue
        last = document.rows[max(row.last, at)]
        said = expression.of(text)
        yield Setting(
            targets=tuple(each.strip() for each in name.split(",")),
            expression=expression,
            text=said,
            line=at + 1,
            selector=selector_of(text[last.start : last.end]),
            whole=whole,
            names=identifiers(said),
        )


def _sets(text: str) -> Iterator[tuple[str, Span, Span]]:
    """Give what each ``{% set … %}`` sets, where the expression stands, and where all of it."""
    block: re.Match[str] | None = None
    for tag in tags(text):
        if tag.kind != "%":
            continue
        if found := _SET.match(text, tag.start, tag.end - 2):
            end = tag.end - 3 if text[tag.end - 3] in "-+" else tag.end - 2
            yield found[1], _stripped(text, found.end(), end), Span(start=tag.start, end=tag.end)
        elif block is None:
            block = _BLOCK_SET.match(text, tag.start, tag.end)
        elif _END_SET.match(text, tag.start, tag.end):
            whole = Span(start=block.start(), end=tag.end)
            yield block[1], _stripped(text, block.end(), tag.start), whole
            block = None


def _stripped(text: str, start: int, end: int) -> Span:
    """Give a place without the blanks at its ends."""
    held = text[start:end]
    start += len(held) - len(held.lstrip())
    return Span(start=start, end=max(start, start + len(held.strip())))


def settings_of_context(document: Document) -> Iterator[Setting]:
    """Give the context of a recipe.yaml, in order."""
    for context in document.find("context"):
        for entry in context.entries:
            yield Setting(
                targets=(entry.key,),
                expression=entry.value_span,
                text=entry.value,
                line=entry.line,
                selector=None,
                whole=entry.span,
                names=identifiers(entry.scalar) if "{{" in entry.value else frozenset(),
            )


def number_spans(text: str, offset: int) -> tuple[Span, ...]:
    """Give where whole numbers stand in an expression: literals, and texts that are digits alone."""
    strings = [one.span() for one in _STRING.finditer(text)]
    spans = []
    for found in _WHOLE.finditer(text):
        group = 2 if found[1] else 0
        start, end = found.span(group)
        if end - start > MOST_DIGITS:
            continue
        if not found[1]:
            at = bisect_right(strings, (start, 0)) - 1
            if at >= 0 and strings[at][0] < start < strings[at][1]:
                continue
        spans.append(Span(start=offset + start, end=offset + end))
    return tuple(spans)


def identifiers(expression: str) -> frozenset[str]:
    """Give the names that an expression uses; what stands in quotes is none."""
    return frozenset(_IDENTIFIER.findall(_STRING.sub("''", expression)))


def tag_identifiers(text: str) -> frozenset[str]:
    """Give the names that conditions and loops of a template use."""
    return frozenset().union(
        *(
            identifiers(text[found.end() : tag.end - 2])
            for tag in tags(text)
            if tag.kind == "%" and (found := _STATEMENT.match(text, tag.start, tag.end))
        )
    )


def is_whole(text: str) -> bool:
    """Say whether an expression is a whole number, in quotes or without."""
    return len(text) <= MOST_DIGITS + 2 and bool(_CONSTANT.fullmatch(text))


def reaching(names: Iterable[str], every: Iterable[Setting]) -> frozenset[str]:
    """Give the names that some names depend on, themselves among them."""
    by_name: dict[str, set[str]] = {}
    for one in every:
        for target in one.targets:
            by_name.setdefault(target.partition(".")[0], set()).update(one.names)
    found: set[str] = set()
    pending = list(names)
    while pending:
        name = pending.pop()
        if name not in found:
            found.add(name)
            pending += by_name.get(name, ())
    return frozenset(found)


def constant_settings(every: Iterable[Setting], name: str) -> tuple[Setting, ...]:
    """Give what sets a name, wherever it does."""
    return tuple(one for one in every if name in (each.partition(".")[0] for each in one.targets))


def string_spans(text: str, offset: int) -> tuple[tuple[Span, str], ...]:
    """Give the texts in quotes of an expression, without their quotes, and where they stand."""
    return tuple(
        (Span(start=offset + found.start() + 1, end=offset + found.end() - 1), found[0][1:-1])
        for found in _STRING.finditer(text)
    )
