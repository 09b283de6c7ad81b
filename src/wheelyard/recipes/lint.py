"""Looking a recipe over: what its tool would refuse, and what people trip over."""

import re
from bisect import bisect_left
from collections.abc import Callable, Iterator
from itertools import islice

from wheelyard.errors import RecipeError, nearest
from wheelyard.recipes.answers import LENGTHS
from wheelyard.recipes.build_number import rebuild
from wheelyard.recipes.conditions import variants_of
from wheelyard.recipes.document import Entry
from wheelyard.recipes.evaluate import evaluate
from wheelyard.recipes.findings import Finding, Severity
from wheelyard.recipes.known_keys import FORGE_KEYS, META_KEYS, RECIPE_KEYS, SECTION_KEYS
from wheelyard.recipes.numbers import written_numbers
from wheelyard.recipes.parse import Form, ParsedRecipe
from wheelyard.recipes.pins import read_pins
from wheelyard.recipes.requirements import requirements
from wheelyard.recipes.sources import written_sources
from wheelyard.recipes.templates.bounds import ENDLESS
from wheelyard.recipes.yaml_values import YamlError, recipe_values

MOST_FINDINGS = 500
_LINE = re.compile(r":(\d+): ")

Rule = Callable[[ParsedRecipe], Iterator[Finding]]


def lint(recipe: ParsedRecipe) -> tuple[Finding, ...]:
    """Give every finding, in the order of the lines."""
    rules = _OF_RECIPES if recipe.form in (Form.META, Form.RECIPE) else _OF_CONFIGURATION
    found = {one for rule in rules for one in _some(rule(recipe))}
    return tuple(sorted(found))


def _some(findings: Iterator[Finding]) -> Iterator[Finding]:
    """Give the first findings of a rule, and say where there are more than anybody reads."""
    last = None
    for last in islice(findings, MOST_FINDINGS):
        yield last
    if last is not None and next(findings, None) is not None:
        yield Finding(
            line=last.line, rule=last.rule,
            message=f"there are more than {MOST_FINDINGS} such findings; the others are not named",
        )  # fmt: skip


def _error(line: int, rule: str, message: str, hint: str = "") -> Finding:
    return Finding(line=line, rule=rule, message=message, hint=hint, severity=Severity.ERROR)


def _of(error: RecipeError, rule: str) -> Finding:
    """Give a finding for an error that names file and line."""
    found = _LINE.search(error.message)
    line = int(found[1]) if found else 1
    message = (
        error.message[found.end() :] if found else error.message.partition(": ")[2] or error.message
    )
    return _error(line, rule, message, error.hint)


def _evaluates(recipe: ParsedRecipe) -> Iterator[Finding]:
    """Evaluate every variant; what fails in one is an error there."""
    seen: set[str] = set()
    named = False
    for variant in variants_of(recipe):
        try:
            answer = evaluate(recipe, variant)
        except RecipeError as error:
            if error.message not in seen:
                seen.add(error.message)
                yield _of(error, "evaluation")
            if error.hint == ENDLESS:
                return  # each variant would take as long
            continue
        named = (
            named
            or bool(answer.name)
            or (recipe.form is Form.RECIPE and bool(answer.outputs[0].name))
        )
    if not named and not seen and not _is_named_elsewhere(recipe):
        yield _error(1, "name", "the package has no name", "Write name: under package:.")


def _is_named_elsewhere(recipe: ParsedRecipe) -> bool:
    """Say whether a template gives the name, perhaps from a file that is not here."""
    return any("{{" in one.value for one in recipe.document.find("package", "name"))


def _tabs(recipe: ParsedRecipe) -> Iterator[Finding]:
    for number, row in enumerate(recipe.document.rows, 1):
        if row.indent and "\t" in recipe.text[row.start : row.start + row.indent]:
            yield Finding(
                line=number,
                rule="tab",
                message="it is indented with a tab",
                hint="YAML wants spaces.",
            )


def _keys(recipe: ParsedRecipe) -> Iterator[Finding]:
    known = META_KEYS if recipe.form is Form.META else RECIPE_KEYS
    for entry in recipe.document.entries:
        if entry.key and entry.key not in known and "{{" not in entry.key:
            yield Finding(
                line=entry.line, rule="key", message=f"{entry.key!r} is not a key of a recipe",
                hint=nearest(entry.key, known),
            )  # fmt: skip
    tops = [*recipe.document.find("requirements"), *recipe.document.find("outputs", "requirements")]
    for section in (one for top in tops for one in top.entries if not one.is_item):
        if section.key not in SECTION_KEYS:
            yield _error(
                section.line, "section", f"{section.key!r} is not a section of requirements",
                nearest(section.key, SECTION_KEYS),
            )  # fmt: skip


def _numbers(recipe: ParsedRecipe) -> Iterator[Finding]:
    if not written_numbers(recipe):
        yield Finding(
            line=1,
            rule="build-number",
            message="there is no build number",
            hint="Write number: 0 under build:.",
        )
        return
    try:
        rebuild(recipe)
    except RecipeError as error:
        one = _of(error, "build-number")
        yield Finding(line=one.line, rule=one.rule, message=one.message, hint=one.hint)


def _sources(recipe: ParsedRecipe) -> Iterator[Finding]:
    for source in written_sources(recipe):
        if source.urls and not source.hashes:
            yield Finding(
                line=source.urls[0].line,
                rule="digest",
                message="the source has no digest",
                hint="Write sha256: beside url:.",
            )
        for kind, one in source.hashes:
            if not one.is_template and len(one.scalar) != LENGTHS.get(kind, len(one.scalar)):
                yield _error(
                    one.line,
                    "digest",
                    f"{one.scalar!r} is no {kind}",
                    f"It has {LENGTHS[kind]} characters.",
                )
        for one in source.urls:
            if one.scalar.startswith("http://"):
                yield Finding(
                    line=one.line,
                    rule="address",
                    message="the source is fetched without TLS",
                    hint="Write https://.",
                )


def _duplicates(recipe: ParsedRecipe) -> Iterator[Finding]:
    """Find one requirement twice in a list under the same condition."""
    seen: dict[tuple[str, str, str | None, str | None], int] = {}
    tagged = recipe.document.tagged
    for one in requirements(recipe):
        key = (one.text, one.section, one.output, one.condition)
        first = seen.setdefault(key, one.line)
        if first != one.line and not _is_between(tagged, first, one.line):
            yield Finding(
                line=one.line, rule="duplicate",
                message=f"{one.text!r} stands in {one.section} on line {first} already",
            )  # fmt: skip


def _double_keys(recipe: ParsedRecipe) -> Iterator[Finding]:
    """Find one key twice under no selector: the last one counts, and the first is forgotten."""
    pending: list[tuple[Entry, ...]] = [recipe.document.entries]
    tagged = recipe.document.tagged
    while pending:
        entries = pending.pop()
        seen: dict[tuple[str, str | None], Entry] = {}
        for one in entries:
            if one.key and not one.is_item:
                first = seen.setdefault((one.key, one.selector), one)
                if first is not one and not _is_between(tagged, first.line, one.line):
                    yield Finding(
                        line=one.line, rule="double-key",
                        message=f"{one.key!r} stands on line {first.line} already; only this one counts",
                        severity=Severity.ERROR if recipe.form is Form.RECIPE else Severity.WARNING,
                    )  # fmt: skip
            pending.append(one.entries)


def _is_between(tagged: tuple[int, ...], first: int, last: int) -> bool:
    """Say whether a statement of Jinja stands on one of some lines (both included)."""
    at = bisect_left(tagged, first - 1)
    return at < len(tagged) and tagged[at] <= last - 1


def _about(recipe: ParsedRecipe) -> Iterator[Finding]:
    for about in recipe.document.find("about"):
        keys = {one.key for one in about.entries}
        if "license" not in keys:
            yield Finding(
                line=about.line,
                rule="licence",
                message="no licence is named",
                hint="Write license: under about:.",
            )
        elif "license_file" not in keys:
            yield Finding(
                line=about.line, rule="licence", message="no licence file is named",
                hint="Write license_file: under about:.",
            )  # fmt: skip


def _configuration(recipe: ParsedRecipe) -> Iterator[Finding]:
    if recipe.form is Form.PINS:
        try:
            read_pins(recipe)
        except RecipeError as error:
            yield _of(error, "pins")
        return
    try:
        recipe_values(recipe.text)
    except YamlError as error:
        yield _error(error.line, "yaml", error.message)
    for entry in recipe.document.entries:
        if entry.key and entry.key not in FORGE_KEYS:
            yield Finding(
                line=entry.line, rule="key", message=f"{entry.key!r} is not a key of conda-forge.yml",
                hint=nearest(entry.key, FORGE_KEYS),
            )  # fmt: skip


_OF_RECIPES: tuple[Rule, ...] = (
    _evaluates, _tabs, _keys, _numbers, _sources, _duplicates, _double_keys, _about,
)  # fmt: skip
_OF_CONFIGURATION: tuple[Rule, ...] = (_configuration, _double_keys)
