"""The variable that a recipe's version comes from."""

from dataclasses import dataclass

from wheelyard.errors import InvalidNameError, RefusedEditError
from wheelyard.recipes.document import Entry
from wheelyard.recipes.parse import Form, ParsedRecipe
from wheelyard.recipes.scalars import unquoted
from wheelyard.recipes.spans import Replacement, Span
from wheelyard.recipes.statements import (
    Setting,
    constant_settings,
    identifiers,
    reaching,
)
from wheelyard.recipes.version_order import version_of

_CRAN = ("cran.r-project.org/src/contrib", "cran_mirror")


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionVariable:
    """The settings of the variable, all of one value."""

    name: str
    value: str
    settings: tuple[Setting, ...]


def version_variable(recipe: ParsedRecipe) -> VersionVariable:
    """Find the variable of the version. Raises RefusedEditError where there is none that is constant."""
    every = recipe.settings
    for entry in versions_of(recipe):
        if entry.value and "{{" not in entry.value and constant_settings(every, "version"):
            raise RefusedEditError(
                f"{recipe.name}:{entry.line}: the version {entry.scalar!r} doesn't come from the variable",
                hint="Write version: {{ version }} there.",
            )
    used = _names_of_the_version(recipe)
    reached = reaching(used, every) if used else frozenset({"version"})
    for name in sorted(reached, key=lambda each: (each != "version", each not in used, each)):
        held = constant_settings(every, name)
        values = [_constant(one, recipe.form) for one in held]
        if not held or None in values:
            continue
        if not used and name != "version":
            break
        return _agreed(
            recipe, name, held, [value for value in values if value is not None], reached
        )
    raise RefusedEditError(
        f"{recipe.name}: there is no variable of the version",
        hint='Set it once: {% set version = "1.0" %}, or version: "1.0" under context:.',
    )


def versions_of(recipe: ParsedRecipe) -> tuple[Entry, ...]:
    """Give where the version of the package is written."""
    return (
        *recipe.document.find("package", "version"),
        *recipe.document.find("recipe", "version"),
    )


def _names_of_the_version(recipe: ParsedRecipe) -> frozenset[str]:
    entries = versions_of(recipe)
    return frozenset().union(*(identifiers(one.scalar) for one in entries if "{{" in one.value))


def _agreed(
    recipe: ParsedRecipe,
    name: str,
    held: tuple[Setting, ...],
    values: list[str],
    reached: frozenset[str],
) -> VersionVariable:
    if len(set(values)) > 1:
        raise RefusedEditError(
            f"{recipe.name}:{held[0].line}: {name!r} is set to {' and '.join(dict.fromkeys(values))}",
            hint="One version at a time can be changed; set it once.",
        )
    if name != "version" and not any(character.isdigit() for character in values[0]):
        raise RefusedEditError(f"{recipe.name}:{held[0].line}: {values[0]!r} is not a version")
    if (
        name != "version"
        and len([each for each in reached if constant_settings(recipe.settings, each)]) > 1
    ):
        raise RefusedEditError(
            f"{recipe.name}: the version is put together from several variables",
            hint="Set the whole version as one variable, and take its parts from it.",
        )
    return VersionVariable(name=name, value=values[0], settings=held)


def _constant(one: Setting, form: Form) -> str | None:
    """Give the value of a setting that is a literal."""
    if form is Form.RECIPE:
        return (
            None
            if "{{" in one.text or one.text[:1] in ("", "|", ">", "[", "{")
            else unquoted(one.text)
        )
    if one.constant is not None:
        return one.constant
    bare = one.text.replace(".", "", 1)
    return one.text if bare.isdigit() else None


def written_version(recipe: ParsedRecipe, variable: VersionVariable, version: str) -> str:
    """Give a version as this recipe writes it: an R package's has ``-`` or ``_`` as it had.

    Raises RefusedEditError for what is no version, or not a newer one.
    """
    said = version.strip()
    if "_" in said or "-" in said:
        said = _of_r(recipe, variable, said)
    try:
        newer = version_of(said) > version_of(variable.value)
    except InvalidNameError as error:
        raise RefusedEditError(f"{recipe.name}: {error.message}", hint=error.hint) from error
    if not newer:
        same = version_of(said) == version_of(variable.value)
        raise RefusedEditError(
            f"{recipe.name}:{variable.settings[0].line}: {said} is {'no other' if same else 'an older'} version "
            f"than {variable.value}",
            hint="A version only goes up.",
        )
    return said


def _of_r(recipe: ParsedRecipe, variable: VersionVariable, said: str) -> str:
    if not any(one in recipe.text for one in _CRAN):
        return said
    if "_" in variable.value or "-" in variable.value:
        sign = "_" if "_" in variable.value else "-"
    else:
        entries = versions_of(recipe)
        sign = "-" if any("replace" in one.value for one in entries) else "_"
    return said.replace("-", sign).replace("_", sign)


def version_replacements(variable: VersionVariable, version: str) -> list[Replacement]:
    """Give the replacements that write a version wherever the variable is set.

    A version that stood without quotes gets them: 1.10 would be a number otherwise.
    """
    found = []
    for one in variable.settings:
        quoted = one.text[:1] in "\"'" and len(one.text) > 1
        span = (
            Span(start=one.expression.start + 1, end=one.expression.end - 1)
            if quoted
            else one.expression
        )
        found.append(Replacement(span=span, text=version if quoted else f'"{version}"'))
    return found
