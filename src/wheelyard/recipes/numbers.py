"""Where a recipe writes its build numbers."""

import re
from collections.abc import Iterable, Iterator

from wheelyard.recipes.document import Entry
from wheelyard.recipes.flow import FlowItem, flow_items, is_flow
from wheelyard.recipes.parse import Form, ParsedRecipe
from wheelyard.recipes.requirements import outputs
from wheelyard.recipes.written import Written, written

_FLOW_NUMBER = re.compile(r"(?<![\w-])number\s*:\s*(\"[^\"]*\"|'[^']*'|[^,{}\s]+)")
_ANCHORED = re.compile(r"(?:[&!]\S+\s+)+")


def written_numbers(recipe: ParsedRecipe) -> tuple[Written, ...]:
    """Give every build number as it is written, of the top level and of the outputs, in order."""
    found = [*_of_builds(recipe, recipe.document.find("build"))]
    for flow in (one for one in recipe.document.find("outputs") if is_flow(one.value)):
        found += _in_flow(flow, flow_items(flow.value, flow.row.value_start))
    for output in outputs(recipe):
        if is_flow(output.value) and not output.has_key:
            found += _in_flow(output, flow_items(output.value, output.row.value_start))
        found += _of_builds(recipe, output.child("build"))
        if recipe.form is Form.META:
            found += [one for number in output.child("number") for one in _scalars(recipe, number)]
    return tuple(sorted(found, key=lambda one: one.span.start))


def _in_flow(entry: Entry, items: tuple[FlowItem, ...]) -> Iterator[Written]:
    """Give the build numbers of outputs that are written in brackets."""
    text = entry.document.text
    for one in items:
        value = one.value.of(text)
        if one.key in ("", "build") and is_flow(value):
            yield from _in_flow(entry, flow_items(value, one.value.start))
        elif one.key == "number":
            yield written(entry, value, one.value.start)


def _of_builds(recipe: ParsedRecipe, builds: Iterable[Entry]) -> Iterator[Written]:
    for build in builds:
        if build.value.startswith("{") and not build.value.startswith("{{"):
            for found in _FLOW_NUMBER.finditer(build.value):
                yield written(build, found[1], build.row.value_start + found.start(1))
            continue
        for entry in build.through():
            if entry.key == "number":
                yield from _scalars(recipe, entry)
            elif entry.key in ("then", "else") and recipe.form is Form.RECIPE:
                for number in entry.child("number"):
                    yield from _scalars(recipe, number)


def _scalars(recipe: ParsedRecipe, entry: Entry) -> Iterator[Written]:
    """Give the scalar of a number, or those of the branches that it has."""
    value = entry.value
    if value.startswith("*"):
        anchor = recipe.anchors.get(value[1:])
        if anchor:
            yield written(entry, anchor.of(recipe.text), anchor.start)
        return
    anchored = _ANCHORED.match(value)
    if value:
        start = anchored.end() if anchored else 0
        yield written(entry, value[start:], entry.row.value_start + start)
        return
    for inner in entry.through():
        if inner.key in ("then", "else"):
            yield from _scalars(recipe, inner)
