"""The requirements of a parsed recipe, as they are written."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from wheelyard.recipes.document import Entry
from wheelyard.recipes.evaluated import package_name
from wheelyard.recipes.flow import flow_items, is_flow
from wheelyard.recipes.parse import Form, ParsedRecipe
from wheelyard.recipes.scalars import unquoted
from wheelyard.recipes.spans import Span

SECTIONS = (
    "build",
    "host",
    "run",
    "run_constrained",
    "run_constraints",
    "run_exports",
    "ignore_run_exports",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenRequirement:
    """One item of a requirements list.

    ``text`` is the specification as written, without quotes ("{{ compiler('c') }}", "numpy >=1.20");
    ``name`` its package name in lower case, empty where a template gives it. ``output`` is the name
    of the output whose list it is, None at the top level. ``condition`` is the selector (v0) or the
    ``if`` (v1) it stands under. ``section`` is build, host, run, run_constrained, test.
    """

    text: str
    name: str
    section: str
    output: str | None
    condition: str | None
    line: int
    span: Span
    entry: Entry = field(repr=False, compare=False)


def requirements(recipe: ParsedRecipe) -> tuple[WrittenRequirement, ...]:
    """Give every requirement of a recipe, of the top level and of its outputs, in order."""
    found = list(_of(recipe, recipe.document.entries, None))
    for output in outputs(recipe):
        found += _of(recipe, output.entries, output_name(output))
    return tuple(sorted(found, key=lambda one: one.span.start))


def outputs(recipe: ParsedRecipe) -> tuple[Entry, ...]:
    """Give the items of ``outputs``, looking into branches of ``if``."""
    return tuple(one for top in recipe.document.find("outputs") for one in _items(top))


def _items(entry: Entry) -> Iterator[Entry]:
    for item in entry.entries:
        branches = [one for one in item.entries if one.key in ("then", "else")]
        if item.child("if") and branches:
            for branch in branches:
                if any(one.is_item for one in branch.entries):
                    yield from _items(branch)
                else:
                    yield branch
        else:
            yield item


def output_name(output: Entry) -> str:
    """Give the name of an output as it is written."""
    for one in output.child("name"):
        return one.scalar
    for package in (*output.child("package"), *output.child("staging")):
        for one in package.child("name"):
            return one.scalar
    return ""


def _of(
    recipe: ParsedRecipe, entries: tuple[Entry, ...], output: str | None
) -> Iterator[WrittenRequirement]:
    for one in entries:
        if one.key == "requirements":
            sections = [child for child in one.entries if not child.is_item]
            for section in sections:
                yield from _written(section, section.key, output, None)
            if not sections:
                # An output may name its run requirements without a section.
                yield from _written(one, "run", output, None)
        elif one.key == "test" and recipe.form is Form.META:
            for section in one.child("requires"):
                yield from _written(section, "test", output, None)
        elif one.key == "tests":
            for needs in (each for each in one.through() if each.key == "requirements"):
                for section in needs.child("run"):
                    yield from _written(section, "test", output, None)


def _written(
    entry: Entry, section: str, output: str | None, condition: str | None
) -> Iterator[WrittenRequirement]:
    """Give the items of a list, or the one scalar that stands for it."""
    if is_flow(entry.value):
        for one in flow_items(entry.value, entry.row.value_start):
            yield _requirement(entry, section, output, condition, one.span, in_flow=True)
        return
    if entry.value and not entry.value.startswith(("&", "|", ">")):
        yield _requirement(entry, section, output, condition)
        return
    for item in entry.entries:
        tests = item.child("if")
        if item.is_item and tests:
            for branch in item.entries:
                if branch.key in ("then", "else"):
                    said = tests[0].scalar if branch.key == "then" else f"not ({tests[0].scalar})"
                    inner = said if condition is None else f"({condition}) and ({said})"
                    yield from _written(branch, section, output, inner)
        elif item.is_item and item.value and not item.has_key:
            yield _requirement(item, section, output, condition)


def _requirement(  # noqa: PLR0913 - one parameter a part of it
    entry: Entry,
    section: str,
    output: str | None,
    condition: str | None,
    span: Span | None = None,
    *,
    in_flow: bool = False,
) -> WrittenRequirement:
    span = span or entry.value_span
    text = unquoted(span.of(entry.document.text))
    return WrittenRequirement(
        text=text,
        name="" if text.startswith(("{{", "${{")) else package_name(text),
        section=section,
        output=output,
        condition=condition if condition is not None or in_flow else entry.selector,
        line=entry.line,
        span=span,
        entry=entry,
    )
