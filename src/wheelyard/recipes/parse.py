"""Reading a recipe's text, whichever of the field's files it is."""

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from wheelyard.errors import RecipeError
from wheelyard.recipes.document import Document
from wheelyard.recipes.spans import Span
from wheelyard.recipes.statements import (
    Setting,
    settings_of_context,
    settings_of_meta,
    tag_identifiers,
)

LARGEST = 6_000_000
DEEPEST = 100
VARIANTS = ("variants.yaml", "variants.yml")
"""What rattler-build reads beside a recipe.yaml."""


_ANCHOR = re.compile(r"(?<!\S)&(\S+)\s+(\S+)")


class Form(StrEnum):
    """Which file of a feedstock a text is."""

    META = "meta.yaml"
    RECIPE = "recipe.yaml"
    PINS = "conda_build_config.yaml"
    FORGE = "conda-forge.yml"


@dataclass(frozen=True, kw_only=True)
class ParsedRecipe:
    """A recipe's text with its positions; what edits take. ``name`` is said in messages."""

    name: str
    form: Form
    document: Document

    @property
    def text(self) -> str:
        """The text as it was read, byte for byte."""
        return self.document.text

    @cached_property
    def settings(self) -> tuple[Setting, ...]:
        """Everything that it sets by name: ``{% set %}``, or the context."""
        if self.form is Form.META:
            return tuple(settings_of_meta(self.document))
        return tuple(settings_of_context(self.document))

    @cached_property
    def anchors(self) -> dict[str, Span]:
        """Where the word behind each anchor of YAML stands."""
        if "&" not in self.text:
            return {}
        found = reversed(tuple(_ANCHOR.finditer(self.text)))
        return {one[1]: Span(start=one.start(2), end=one.end(2)) for one in found}

    @cached_property
    def tag_names(self) -> frozenset[str]:
        """The names that conditions and loops of its templates use."""
        return tag_identifiers(self.text)

    @cached_property
    def settings_by_name(self) -> dict[str, tuple[Setting, ...]]:
        """What sets each name, wherever it does."""
        held: dict[str, list[Setting]] = {}
        for one in self.settings:
            for name in {each.partition(".")[0] for each in one.targets}:
                held.setdefault(name, []).append(one)
        return {name: tuple(every) for name, every in held.items()}


def parse_recipe(text: str, *, name: str) -> ParsedRecipe:
    """Read a recipe; the last part of ``name`` says which form, else what the text looks like.

    Raises RecipeError with the line where the text can be no recipe (a NUL, over 6 MB, nested over 100
    levels deep).
    """
    if len(text) > LARGEST:
        raise RecipeError(
            f"{name}:1: {len(text):,} characters are more than a recipe may have ({LARGEST:,})"
        )
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise RecipeError(f"{name}:{line}: there is a NUL in it", hint="A recipe is text.")
    document = Document.parse(text)
    deep = document.deeper_than(DEEPEST)
    if deep is not None:
        raise RecipeError(f"{name}:{deep + 1}: it is nested more than {DEEPEST} levels deep")
    return ParsedRecipe(name=name, form=form_of(name, text), document=document)


def form_of(name: str, text: str) -> Form:
    """Say which form a file has, by its name, else by its text."""
    last = name.replace("\\", "/").rpartition("/")[2].lower()
    if last in VARIANTS:
        return Form.PINS
    for form in Form:
        if last in (
            form.value,
            form.value.replace(".yaml", ".yml"),
            form.value.replace(".yml", ".yaml"),
        ):
            return form
    if "${{" in text or "\nschema_version:" in f"\n{text}" or "\ncontext:" in f"\n{text}":
        return Form.RECIPE
    return Form.META
