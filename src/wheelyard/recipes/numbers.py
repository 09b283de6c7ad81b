"""Where a recipe writes its build numbers, and what they come to in a variant.

Only what the numbers depend on is evaluated: the statements that set what they use, and the
conditions around them. That is a few lines of any recipe, so that proving an edit on every variant
costs less than reading the file.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache

from jinja2 import nodes

from wheelyard.errors import RecipeError
from wheelyard.recipes.document import Entry
from wheelyard.recipes.evaluated import Variant
from wheelyard.recipes.meta import names_of, selected
from wheelyard.recipes.parse import Form, ParsedRecipe
from wheelyard.recipes.recipe_yaml import context_value
from wheelyard.recipes.requirements import outputs
from wheelyard.recipes.rows import RowKind
from wheelyard.recipes.scalars import unquoted
from wheelyard.recipes.spans import Span
from wheelyard.recipes.statements import Setting, identifiers, reaching, settings, tag_identifiers
from wheelyard.recipes.templates.bounds import TemplateError
from wheelyard.recipes.templates.carrying_out import Carrying
from wheelyard.recipes.templates.reading import META, read_template

_FLOW_NUMBER = re.compile(r"(?<![\w-])number\s*:\s*(\"[^\"]*\"|'[^']*'|[^,{}\s]+)")
_ANCHORED = re.compile(r"&\S+\s+")
_MARKED = re.compile("\x01(\\d+)\x01([^\x02]*)\x02")


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenNumber:
    """One place where a build number is written: the scalar, with its quotes."""

    text: str
    span: Span
    line: int
    entry: Entry = field(repr=False, compare=False)

    @property
    def scalar(self) -> str:
        """The scalar without quotes."""
        return unquoted(self.text)

    @property
    def is_template(self) -> bool:
        """Whether a template gives it."""
        return "{{" in self.text or "{%" in self.text


def written_numbers(recipe: ParsedRecipe) -> tuple[WrittenNumber, ...]:
    """Give every build number as it is written, of the top level and of the outputs, in order."""
    found = [*_of_builds(recipe, recipe.document.find("build"))]
    for output in outputs(recipe):
        found += _of_builds(recipe, output.child("build"))
        if recipe.form is Form.META:
            found += [one for number in output.child("number") for one in _scalars(recipe, number)]
    return tuple(sorted(found, key=lambda one: one.span.start))


def _of_builds(recipe: ParsedRecipe, builds: Iterable[Entry]) -> Iterator[WrittenNumber]:
    for build in builds:
        if build.value.startswith("{") and not build.value.startswith("{{"):
            for found in _FLOW_NUMBER.finditer(build.value):
                yield _number(build, found[1], build.row.value_start + found.start(1))
            continue
        for entry in build.through():
            if entry.key == "number":
                yield from _scalars(recipe, entry)
            elif entry.key in ("then", "else") and recipe.form is Form.RECIPE:
                for number in entry.child("number"):
                    yield from _scalars(recipe, number)


def _scalars(recipe: ParsedRecipe, entry: Entry) -> Iterator[WrittenNumber]:
    """Give the scalar of a number, or those of the branches that it has."""
    value = entry.value
    if value.startswith("*"):
        anchor = re.search(rf"&{re.escape(value[1:])}\s+(\S+)", recipe.text)
        if anchor:
            yield _number(entry, anchor[1], anchor.start(1))
        return
    anchored = _ANCHORED.match(value)
    if value:
        start = anchored.end() if anchored else 0
        yield _number(entry, value[start:], entry.row.value_start + start)
        return
    for inner in entry.through():
        if inner.key in ("then", "else"):
            yield from _scalars(recipe, inner)


def _number(entry: Entry, text: str, start: int) -> WrittenNumber:
    line = entry.document.line_of(start)
    return WrittenNumber(text=text, span=Span(start=start, end=start + len(text)), line=line, entry=entry)


def numbers_in(
    recipe: ParsedRecipe, written: tuple[WrittenNumber, ...], variants: Iterable[Variant]
) -> list[list[tuple[int, str]]]:
    """Give, for each variant, which number stands in it and what it comes to. Raises RecipeError."""
    if recipe.form is Form.META:
        bones = skeleton(recipe, written)
        return [_of_meta(bones, variant, name=recipe.name) for variant in variants]
    every = settings(recipe)
    return [
        [(at, context_value(recipe.document, every, one.scalar, variant, name=recipe.name)) for at, one in enumerate(written)]
        for variant in variants
    ]


def skeleton(recipe: ParsedRecipe, written: tuple[WrittenNumber, ...]) -> str:
    """Give the lines that the build numbers depend on, each where it stands, and no other."""
    text, rows = recipe.text, recipe.document.rows
    lines = [""] * len(rows)
    needed = needed_names(recipe, written)
    spare = _spare_rows(recipe, needed)
    for at, row in enumerate(rows):
        if at in spare:
            continue
        if row.kind is RowKind.STATEMENT:
            for each in range(at, max(row.last, at) + 1):
                lines[each] = text[rows[each].start : rows[each].end]
        elif row.kind is not RowKind.COMMENT and "{%" in text[row.start : row.end] and not lines[at]:
            lines[at] = text[row.start : row.end]
    for at, one in enumerate(written):
        row = rows[one.line - 1]
        comment = text[row.comment : row.end] if row.comment >= 0 else ""
        lines[one.line - 1] += f"\x01{at}\x01{one.scalar}\x02  {comment}"
    return "\n".join(lines)


def needed_names(recipe: ParsedRecipe, written: tuple[WrittenNumber, ...]) -> frozenset[str]:
    """Give the names that the numbers and the conditions around them depend on."""
    used = frozenset().union(*(identifiers(one.text) for one in written))
    return reaching(used | tag_identifiers(recipe.text), settings(recipe))


def _spare_rows(recipe: ParsedRecipe, needed: frozenset[str]) -> frozenset[int]:
    """Give the statements that set nothing that is needed, and stand on lines of their own."""
    spare = set()
    for one in settings(recipe):
        row = recipe.document.rows[one.line - 1]
        alone = recipe.text[row.start : one.whole.start].strip() == ""
        last = recipe.document.rows[max(row.last, one.line - 1)]
        rest = recipe.text[one.whole.end : last.end]
        if alone and "{%" not in rest and "{%" not in one.text and not needed & {
            each.partition(".")[0] for each in one.targets
        }:
            spare.add(one.line - 1)
    return frozenset(spare)


@lru_cache(maxsize=128)
def _template(text: str) -> nodes.Template:
    return read_template(text)


def _of_meta(bones: str, variant: Variant, *, name: str) -> list[tuple[int, str]]:
    names = names_of(variant)
    text = selected(bones, names, name=name) if "]" in bones else bones
    if "{" in text:
        try:
            text = Carrying(environment=META, names=names).render(_template(text)).text
        except TemplateError as error:
            raise RecipeError(f"{name}:{error.line or 1}: {error.message}", hint=error.hint) from error
    return [(int(found[1]), unquoted(found[2].strip())) for found in _MARKED.finditer(text)]


def constant_settings(every: Iterable[Setting], name: str) -> tuple[Setting, ...]:
    """Give what sets a name, wherever it does."""
    return tuple(one for one in every if name in (each.partition(".")[0] for each in one.targets))
