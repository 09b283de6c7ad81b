"""Conditions of a recipe.yaml: neighbours that ask the same become one.

Tools that turn selectors into conditions write one for each line. Here neighbours of one condition are
joined, those of a condition and its negation become ``then`` and ``else``, and a condition that
narrows its neighbour's goes inside it. Comments stay with what they stand above.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import ClassVar

from jinja2 import Environment, TemplateError, nodes

from wheelyard.migrate.amendment import Amendment
from wheelyard.migrate.feedstock import Feedstock
from wheelyard.migrate.migrator import CleanUp
from wheelyard.recipes.document import Document, Entry
from wheelyard.recipes.scalars import unquoted
from wheelyard.recipes.spans import Span

_OPPOSITES = {
    "eq": "ne", "gt": "lteq", "lt": "gteq", "in": "notin",
    "ne": "eq", "lteq": "gt", "gteq": "lt", "notin": "in",
}  # fmt: skip
_ENVIRONMENT = Environment(autoescape=False)  # noqa: S701 - it reads expressions and renders nothing


@dataclass(kw_only=True)
class _Item:
    """An item of a list. ``lines`` are its own, without the indent of its dash; a condition has branches."""

    lines: list[str]
    above: list[str] = field(default_factory=list)
    condition: str = ""
    branches: dict[str, "str | list[_Item]"] = field(default_factory=dict)
    above_branch: dict[str, list[str]] = field(default_factory=dict)

    def parsed(self) -> nodes.Expr | None:
        """Give the condition as a tree; None where it is none that can be read."""
        return _parsed(unquoted(self.condition.strip())) if self.condition else None

    def rendered(self, column: int) -> list[str]:
        """Give its lines at a column."""
        indent = " " * column
        head = [f"{indent}{line}" if line else "" for line in self.above]
        if not self.condition:
            return [*head, *(f"{indent}{line}" if line else "" for line in self.lines)]
        done = [*head, f"{indent}- if: {self.condition}"]
        for word, held in self.branches.items():
            done += [f"{indent}  {line}" for line in self.above_branch.get(word, [])]
            if isinstance(held, str):
                done.append(f"{indent}  {word}: {held}")
            else:
                done.append(f"{indent}  {word}:")
                done += [line for item in held for line in item.rendered(column + 4)]
        return done


def _parsed(text: str) -> nodes.Expr | None:
    try:
        body = _ENVIRONMENT.parse("{{ (" + text + ") }}").body
    except TemplateError:
        return None
    output = body[0] if len(body) == 1 else None
    if isinstance(output, nodes.Output) and len(output.nodes) == 1:
        return output.nodes[0]
    return None


class V1Conditions(CleanUp):
    """Joins neighbouring conditions of lists."""

    name: ClassVar[str] = "v1-conditions"
    summary: ClassVar[str] = "join neighbouring `if`s of a recipe.yaml that ask the same"
    after: ClassVar[bool] = True
    forms: ClassVar[tuple[int, ...]] = (1,)

    def edit(self, feedstock: Feedstock) -> Feedstock:
        """Join them, list by list, the outer ones first."""
        return feedstock.with_recipe(joined(feedstock.document))


def joined(document: Document) -> str:
    """Give the text with the conditions of every list joined."""
    amendment = Amendment(document)
    for holder in _holders(document.entries):
        items = [entry for entry in holder.entries if entry.is_item]
        read = _read(document, items)
        before = [item.rendered(0) for item in read]
        _join(read)
        if [item.rendered(0) for item in read] == before:
            continue
        column = items[0].column
        span = Span(start=items[0].row.start, end=items[-1].span.end)
        lines = [line for item in read for line in item.rendered(column)]
        end = document.newline if span.of(document.text).endswith("\n") else ""
        amendment.write(span, document.newline.join(lines) + end)
    return amendment.text


def _holders(entries: tuple[Entry, ...]) -> Iterator[Entry]:
    """Give every entry that holds a list with conditions that may be joined, the outer ones first."""
    for entry in entries:
        asked = [item for item in entry.entries if item.is_item and item.child("if")]
        if asked[1:]:
            yield entry
        yield from _holders(entry.entries)


def _read(document: Document, items: list[Entry]) -> list[_Item]:
    found = []
    previous: Entry | None = None
    for entry in items:
        item = _item(document, entry)
        if previous is not None:
            between = Span(start=previous.span.end, end=entry.row.start).of(document.text)
            item.above = [line.strip() for line in between.splitlines()]
        found.append(item)
        previous = entry
    return found


def _item(document: Document, entry: Entry) -> _Item:
    lines = [_dedented(line, entry.column) for line in entry.span.of(document.text).splitlines()]
    keys = {child.key: child for child in entry.entries if not child.is_item}
    if "if" not in keys or set(keys) == {"if"} or not set(keys) <= {"if", "then", "else"}:
        return _Item(lines=lines)
    branches: dict[str, str | list[_Item]] = {}
    for word, child in keys.items():
        if word == "if":
            continue
        inner = [each for each in child.entries if each.is_item]
        comment = f"  {child.comment}" if child.comment else ""
        if inner:
            branches[word] = _read(document, inner)
        elif child.value and "\n" not in child.value:
            branches[word] = child.value + comment
        else:
            return _Item(lines=lines)
    condition = keys["if"]
    comment = f"  {condition.comment}" if condition.comment else ""
    if "\n" in condition.value or comment:
        return _Item(lines=lines)
    return _Item(lines=lines, condition=condition.value, branches=branches)


def _dedented(line: str, column: int) -> str:
    return line[column:] if not line[:column].strip() else line.lstrip()


def _join(items: list[_Item]) -> None:
    """Join neighbours: first those that lie inside one another, then those that are the same."""
    for at in reversed(range(1, len(items))):
        if at < len(items):
            _nest(items, at)
    for at in reversed(range(1, len(items))):
        _fold(items, at)
    for item in items:
        for held in item.branches.values():
            if not isinstance(held, str):
                _join(held)


def _nest(items: list[_Item], at: int) -> None:
    before, item = items[at - 1], items[at]
    for inner, outer, last in ((item, before, True), (before, item, False)):
        sub, whole = inner.parsed(), outer.parsed()
        if not isinstance(sub, nodes.And) or whole not in (sub.left, sub.right):
            continue
        rest = _without(unquoted(inner.condition), unquoted(outer.condition))
        # An `else` of the inner one would be asked less often than before.
        if rest is None or "else" in inner.branches or "then" not in outer.branches:
            continue
        if not last and outer.above:
            continue
        quote = inner.condition[:1] if inner.condition[:1] in {"'", '"'} else ""
        inner.condition = f"{quote}{_requoted(rest, quote)}{quote}"
        held = _as_items(outer.branches["then"])
        if not last:
            outer.above, inner.above = inner.above, []
        outer.branches["then"] = [*held, inner] if last else [inner, *held]
        items.remove(inner)
        return


def _requoted(text: str, quote: str) -> str:
    if quote == '"':
        return text.replace("\\", "\\\\").replace('"', '\\"')
    return text.replace("'", "''") if quote else text


def _without(narrow: str, wide: str) -> str | None:
    """Give what is left of ``A and B`` without one of them, as it is written."""
    one = rf"(?P<open>\()?\s*{re.escape(wide.strip())}\s*(?(open)\))"
    for pattern in (
        rf"\s*{one}\s+and\s+(?P<rest>.+?)\s*",
        rf"\s*(?P<rest>.+?)\s+and\s+{one}\s*",
    ):
        found = re.fullmatch(pattern, narrow)
        if found:
            rest = found.group("rest").strip()
            inner = rest[1:-1] if rest.startswith("(") and rest.endswith(")") else rest
            return inner if _parsed(inner) is not None else rest
    return None


def _as_items(held: "str | list[_Item]") -> list[_Item]:
    return [_Item(lines=[f"- {held}"])] if isinstance(held, str) else held


def _fold(items: list[_Item], at: int) -> None:
    before, item = items[at - 1], items[at]
    first, second = before.parsed(), item.parsed()
    if first is None or second is None:
        return
    if first == second:
        words = {"then": "then", "else": "else"}
    elif _opposite(first, second):
        words = {"then": "else", "else": "then"}
    else:
        return
    above = item.above
    for word in ("then", "else"):
        if word not in item.branches:
            continue
        held, target = item.branches[word], words[word]
        if above and target not in before.branches and isinstance(held, str):
            before.above_branch[target] = above
        elif above:
            held = _as_items(held)
            held[0].above = [*above, *held[0].above]
        above = []
        if target not in before.branches:
            before.branches[target] = held
        else:
            before.branches[target] = [*_as_items(before.branches[target]), *_as_items(held)]
    del items[at]


def _opposite(first: nodes.Expr, second: nodes.Expr) -> bool:
    if nodes.Not(first) == second or first == nodes.Not(second):
        return True
    if isinstance(first, nodes.Not) and isinstance(second, nodes.Not):
        first, second = first.node, second.node
    return (
        isinstance(first, nodes.Compare)
        and isinstance(second, nodes.Compare)
        and len(first.ops) == len(second.ops) == 1
        and first.expr == second.expr
        and first.ops[0].expr == second.ops[0].expr
        and first.ops[0].op == _OPPOSITES.get(second.ops[0].op)
    )
