"""Scalars as a recipe writes them, and what they come to in a variant.

Only what they depend on is evaluated: the statements that set what they use, and the conditions
around them. That is a few lines of any recipe, so that proving an edit on every variant costs less
than reading the file.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from wheelyard.errors import RecipeError
from wheelyard.recipes.document import Entry
from wheelyard.recipes.evaluated import Variant
from wheelyard.recipes.meta import names_of, selected
from wheelyard.recipes.parse import Form, ParsedRecipe
from wheelyard.recipes.recipe_yaml import FILTERS, context_of
from wheelyard.recipes.rows import RowKind
from wheelyard.recipes.scalars import quote_of, scalar_of, unquoted
from wheelyard.recipes.selectors import selector_of
from wheelyard.recipes.spans import Replacement, Span, in_order, replaced_within
from wheelyard.recipes.statements import (
    identifiers,
    number_spans,
    reaching,
)
from wheelyard.recipes.templates.bounds import Budget, TemplateError
from wheelyard.recipes.templates.carrying_out import Carrying
from wheelyard.recipes.templates.reading import META, read_template

_MARKED = re.compile("\x01(\\d+)\x01([^\x02]*)\x02")


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A scalar where it is written, with its quotes; ``conditions`` are the ``if``s of recipe.yaml around it."""

    text: str
    span: Span
    line: int
    entry: Entry = field(repr=False, compare=False)
    conditions: tuple[str, ...] = ()

    @property
    def scalar(self) -> str:
        """The scalar without quotes."""
        return scalar_of(self.text)

    @property
    def names(self) -> frozenset[str]:
        """The names that it uses, where it is a template."""
        return identifiers(self.scalar) if self.is_template else frozenset()

    def number_spans(self) -> tuple[Span, ...]:
        """Where whole numbers stand in it, in quotes or without."""
        if self.is_template and quote_of(self.text):
            return number_spans(self.text[1:-1], self.span.start + 1)
        return number_spans(self.text, self.span.start)

    def edited(self, edits: Sequence[Replacement]) -> str:
        """Give the scalar, without quotes, as it is once some edits are made."""
        return (
            scalar_of(replaced_within(self.text, self.span.start, edits)) if edits else self.scalar
        )

    @property
    def is_template(self) -> bool:
        """Whether a template gives it."""
        return "{{" in self.text or "{%" in self.text


def written_at(entry: Entry) -> "Written":
    """Give the whole value of an entry."""
    return written(entry, entry.value, entry.row.value_start)


@dataclass(frozen=True, slots=True, kw_only=True)
class Values:
    """What scalars come to in one variant: those that stand in it, and the names that they may use."""

    held: tuple[tuple[int, str], ...]
    names: Mapping[str, object] = field(repr=False)

    def by_index(self) -> Mapping[int, list[str]]:
        """Give the values of each scalar that stands in this variant: more than one, where it is in a loop."""
        found: dict[int, list[str]] = {}
        for at, value in self.held:
            found.setdefault(at, []).append(value)
        return found

    def rendered(self, template: str) -> str | None:
        """Give what a template of Jinja comes to with these names, or None where it can't be carried out."""
        if "{{" not in template:
            return template
        try:
            carrying = Carrying(environment=META, names=self.names, filters=FILTERS)
            return carrying.render(read_template(template)).text
        except TemplateError:
            return None


def written(entry: Entry, text: str, start: int, conditions: tuple[str, ...] = ()) -> Written:
    """Give a part of an entry's value that begins at an offset of the text."""
    return Written(
        text=text,
        span=Span(start=start, end=start + len(text)),
        line=entry.document.line_of(start) if "\n" in entry.value else entry.line,
        entry=entry,
        conditions=conditions,
    )


def values_in(
    recipe: ParsedRecipe,
    every: tuple[Written, ...],
    variants: Iterable[Variant],
    edits: Sequence[Replacement] = (),
) -> list[Values]:
    """Give, for each variant, what stands in it and what it comes to, once some edits are made.

    Raises RecipeError.
    """
    edits = in_order(edits)
    if recipe.form is Form.META:
        bones = skeleton(recipe, every, edits)
        return [_of_meta(bones, variant, name=recipe.name) for variant in variants]
    return [_of_recipe(recipe, every, variant, edits) for variant in variants]


def _of_recipe(
    recipe: ParsedRecipe, every: tuple[Written, ...], variant: Variant, edits: Sequence[Replacement]
) -> Values:
    used = (
        name
        for one in every
        for text in (one.scalar, *one.conditions)
        for name in identifiers(text)
    )
    held_settings = tuple(one.edited(edits) for one in recipe.settings)
    context = context_of(recipe.document, held_settings, frozenset(used), variant, name=recipe.name)
    held = tuple(
        (at, context.text(one.edited(edits)))
        for at, one in enumerate(every)
        if all(context.condition(each) for each in one.conditions)
    )
    return Values(held=held, names=context.names)


def skeleton(
    recipe: ParsedRecipe, every: tuple[Written, ...], edits: Sequence[Replacement] = ()
) -> str:
    """Give the lines that some scalars depend on, each where it stands, once some edits are made."""
    text, rows = recipe.text, recipe.document.rows
    lines = [""] * len(rows)
    needed = needed_names(recipe, every)
    spare = _spare_rows(recipe, needed)
    for at in recipe.document.tagged:
        if at not in spare:
            row = rows[at]
            last = max(row.last, at) if row.kind is RowKind.STATEMENT else at
            lines[at] = replaced_within(text[row.start : rows[last].end], row.start, edits)
    for at, one in enumerate(every):
        row = rows[one.line - 1]
        selector = selector_of(text[row.start : row.end])
        condition = f"  # [{selector}]" if selector else ""
        lines[one.line - 1] += f"\x01{at}\x01{one.edited(edits)}\x02{condition}"
    return "\n".join(lines)


def needed_names(recipe: ParsedRecipe, every: tuple[Written, ...]) -> frozenset[str]:
    """Give the names that scalars and the conditions around them depend on."""
    used = frozenset().union(*(one.names for one in every))
    return reaching(used | recipe.tag_names, recipe.settings)


def _spare_rows(recipe: ParsedRecipe, needed: frozenset[str]) -> frozenset[int]:
    """Give the statements that set nothing that is needed, and stand on lines of their own."""
    spare = set()
    for one in recipe.settings:
        row = recipe.document.rows[one.line - 1]
        alone = recipe.text[row.start : one.whole.start].strip() == ""
        last = recipe.document.rows[max(row.last, one.line - 1)]
        rest = recipe.text[one.whole.end : last.end]
        if (
            alone
            and "{%" not in rest
            and "{%" not in one.text
            and not needed & {each.partition(".")[0] for each in one.targets}
        ):
            spare.add(one.line - 1)
    return frozenset(spare)


def _of_meta(bones: str, variant: Variant, *, name: str) -> Values:
    names = names_of(variant)
    text = selected(bones, names, name=name) if "]" in bones else bones
    if "{" in text:
        try:
            carrying = Carrying(environment=META, names=names, budget=Budget.of(text))
            answer = carrying.render(read_template(text))
        except TemplateError as error:
            raise RecipeError(
                f"{name}:{error.line or 1}: {error.message}", hint=error.hint
            ) from error
        text = answer.text
        names |= dict(answer.names)
    held = tuple((int(found[1]), unquoted(found[2].strip())) for found in _MARKED.finditer(text))
    return Values(held=held, names=names)
