"""Proving that a package gets the version that was asked for.

The variable of a version need not be the version: it may hold a "v" before it, which the package's own
version leaves out.
"""

import re

from wheelyard.errors import InvalidNameError, RefusedEditError
from wheelyard.recipes.conditions import variants_in, variants_of
from wheelyard.recipes.parse import Form, ParsedRecipe
from wheelyard.recipes.spans import Replacement
from wheelyard.recipes.version_order import Version, version_of
from wheelyard.recipes.version_variable import VersionVariable, version_replacements, versions_of
from wheelyard.recipes.written import Written, skeleton, values_in, written_at

_SEPARATOR = re.compile(r"[-_]")
_BEFORE = re.compile(r"\D*")


def proven_version(
    recipe: ParsedRecipe, variable: VersionVariable, said: str
) -> tuple[str, list[Replacement]]:
    """Give what to write into the variable for the package to have a version, and the replacements.

    Raises RefusedEditError where the package would have another version, or a lower one.
    """
    alone = re.compile(rf"\$?\{{\{{\s*{re.escape(variable.name)}\s*\}}\}}")
    written = tuple(
        written_at(one)
        for one in versions_of(recipe)
        if "{{" in one.value and not alone.fullmatch(one.scalar)
    )
    if not written:
        return said, version_replacements(variable, said)
    found = _BEFORE.match(variable.value)
    before = found[0] if found else ""
    asked = _order(said)
    for candidate in dict.fromkeys((said, before + said)):
        edits = version_replacements(variable, candidate)
        if all(_order(one) == asked for one in _evaluated(recipe, written, edits)):
            return candidate, edits
    edits = version_replacements(variable, said)
    for old, new in zip(
        _evaluated(recipe, written, ()), _evaluated(recipe, written, edits), strict=True
    ):
        lower, higher = _order(old), _order(new)
        if lower is not None and (higher is None or not higher > lower):
            raise RefusedEditError(
                f"{recipe.name}:{written[0].line}: the package would have the version {new!r} after {old!r}",
                hint=f"The version is {written[0].scalar}; give the variable {variable.name!r} the version alone.",
            )
    return said, edits


def _evaluated(
    recipe: ParsedRecipe, written: tuple[Written, ...], edits: list[Replacement] | tuple[()]
) -> list[str]:
    """Give the versions in every variant that their conditions tell apart."""
    if not written:
        return []
    of_meta = recipe.form is Form.META
    variants = variants_in(skeleton(recipe, written)) if of_meta else variants_of(recipe)
    return [value for one in values_in(recipe, written, variants, edits) for _, value in one.held]


def _order(text: str) -> Version | None:
    """Give the place of a version in the order, whatever parts its numbers; None where it is none."""
    try:
        return version_of(_SEPARATOR.sub(".", text))
    except InvalidNameError:
        return None
