"""Edits of a recipe: each takes a parsed recipe and gives the new text, or refuses and says why.

Every one raises RefusedEditError (message with file and line, hint) and changes nothing then; what it
gives differs from the old text in what was meant and in not one other byte. Parse the answer again
for the next edit.
"""

from collections.abc import Sequence

from wheelyard.recipes.answers import Answers
from wheelyard.recipes.evaluated import Variant
from wheelyard.recipes.parse import ParsedRecipe


def rebuild(recipe: ParsedRecipe, *, by: int = 1, variants: Sequence[Variant] = ()) -> str:
    """Raise the build number of every package by ``by``; proven on each variant (default: all that the text tells)."""
    raise NotImplementedError


def reset_build_number(recipe: ParsedRecipe, *, to: int = 0) -> str:
    """Set the build number (each literal, or the variable behind it) to a value."""
    raise NotImplementedError


def to_version(recipe: ParsedRecipe, version: str, answers: Answers) -> str:
    """Carry a recipe to a new version: the version, each source's digest, the build number to 0."""
    raise NotImplementedError


def add_requirement(
    recipe: ParsedRecipe,
    section: str,
    text: str,
    *,
    output: str | None = None,
    condition: str | None = None,
) -> str:
    """Add a requirement at the end of a section, which is made where there is none.

    ``condition`` is a selector (v0) or an ``if`` (v1). Refuses what is there already.
    """
    raise NotImplementedError


def remove_requirement(
    recipe: ParsedRecipe, name: str, *, section: str | None = None, output: str | None = None
) -> str:
    """Remove every requirement of a package from a section (default: from all), of every output or one.

    A list that would be empty goes with its key. ``name`` is a package name or a whole template text.
    """
    raise NotImplementedError


def replace_requirement(
    recipe: ParsedRecipe,
    name: str,
    text: str,
    *,
    section: str | None = None,
    output: str | None = None,
    keep_pin: bool = True,
) -> str:
    """Write another name for a package; with ``keep_pin`` its version stays, else ``text`` is the whole item."""
    raise NotImplementedError


def move_requirement(
    recipe: ParsedRecipe, name: str, *, source: str, target: str, output: str | None = None
) -> str:
    """Move a package from one section to another, as it is written."""
    raise NotImplementedError


def set_key(recipe: ParsedRecipe, path: Sequence[str], value: str) -> str:
    """Set a key of conda-forge.yml (or of any plain YAML) to a scalar, written as YAML; keys on the way are made."""
    raise NotImplementedError


def remove_key(recipe: ParsedRecipe, path: Sequence[str]) -> str:
    """Remove a key with all it holds; a mapping that would be empty goes too. Refuses a key that is not there."""
    raise NotImplementedError
