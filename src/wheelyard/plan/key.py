"""The build key: the hash of everything that shapes the result of a job.

Build requirements enter by name, version and where they come from (the digest of their source, or of
the wheel), not by their own build keys: a new release of a tool's tool rebuilds nothing. What of a
machine shapes compiled code only is kept apart, so that a wheel without any is found again when that
changed (``docs/decisions/0003``). Only whether there is a compiler decides over that one, too.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache

from wheelyard.model.job import BuildKey
from wheelyard.model.recipe import DEFAULT_RECIPE, Recipe
from wheelyard.model.release import Release
from wheelyard.targets.target import Target

_SCHEME = "wheelyard-key-3"


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """The names of a job: ``exact``, and ``portable``, which leaves out what shapes compiled code only.

    ``ordinary`` is what ``exact`` would be but for a rebuild: the name that any later run asks for.
    """

    exact: BuildKey
    ordinary: BuildKey
    portable: BuildKey


@dataclass(frozen=True, slots=True, order=True)
class Ingredient:
    """One build requirement as it enters a key; ``identity`` is ``source:…``, ``wheel:…`` or ``seed:…``."""

    release: str
    identity: str


def digest_of(fields: Iterable[str]) -> str:
    """Hash fields so that no two different lists of them run together."""
    state = hashlib.sha256()
    for field in fields:
        encoded = field.encode()
        state.update(b"%d:" % len(encoded))
        state.update(encoded)
    return state.hexdigest()


def _settings(settings: Mapping[str, str | tuple[str, ...]]) -> list[str]:
    fields = []
    for name in sorted(settings):
        value = settings[name]
        values = (value,) if isinstance(value, str) else value
        fields += [name, str(len(values)), *values]
    return fields


def recipe_digest(recipe: Recipe) -> str:
    """Hash what of a recipe shapes the wheel, and the test without which none counts.

    What only says more about a failure, or which modules are imported, does not.
    """
    # Nearly every release of a large plan has the default one.
    return _default_digest() if recipe is DEFAULT_RECIPE else _digest_of_recipe(recipe)


@cache
def _default_digest() -> str:
    return _digest_of_recipe(DEFAULT_RECIPE)


def _digest_of_recipe(recipe: Recipe) -> str:
    fields = [str(len(recipe.patches))]
    for patch in recipe.patches:
        fields += [patch.name, str(patch.strip), patch.text]
    fields += ["environment", *_settings(recipe.environment)]
    fields += ["config", *_settings(recipe.config_settings)]
    fields += ["requires", *sorted(recipe.build_requires)]
    fields += ["constraints", *sorted(recipe.build_constraints)]
    if recipe.bill_of_materials:
        fields.append("bill-of-materials")
    fields += _across(recipe)
    if recipe.test:
        fields += ["test", recipe.test, *sorted(recipe.test_requires)]
    return digest_of(fields)


def _across(recipe: Recipe) -> list[str]:
    """Name what is said of compilers and of other machines, where anything is."""
    lists = {
        "cflags": recipe.cflags,
        "cxxflags": recipe.cxxflags,
        "ldflags": recipe.ldflags,
        "before": (recipe.before,),
        "after": (recipe.after,),
        "host-requires": recipe.host_requires,
        "host-packages": recipe.host_packages or (),
        "exports": recipe.exports,
        "vendor": recipe.vendor,
        "keep": recipe.keep,
        "allow-warnings": recipe.allow_warnings,
    }
    flags = {
        "drop-tests": recipe.drop_tests,
        "pure": recipe.pure,
        "pretend": recipe.pretend,
        "emulate": recipe.emulate,
    }
    fields = [name for name in sorted(flags) if flags[name]]
    for name, values in lists.items():
        if any(values):
            fields += [name, str(len(values)), *values]
    return fields


def build_keys(  # noqa: PLR0913 - all that shapes a result, by name
    *,
    release: Release,
    source_digest: str,
    subdirectory: str,
    recipe: Recipe,
    target: Target,
    isolation: str,
    toolchain: str,
    ingredients: Iterable[Ingredient],
    tools: Iterable[str] = (),
    rebuild: str = "",
    way: str = "",
) -> Keys:
    """Name a job.

    ``isolation`` is what kept the build apart from the machine; ``toolchain`` describes compilers, C
    library and interpreter, ``tools`` names the compilers that are there at all: without one, an
    optional extension is left out. ``rebuild`` tells one rebuild of the same inputs from another. ``way`` is empty
    for what is built natively.
    """
    fields = [_SCHEME, str(release), source_digest, subdirectory, recipe_digest(recipe)]
    present = sorted(tools)
    fields += [str(target), isolation, str(len(present)), *present]
    if way:
        fields += ["way", way]
    for ingredient in sorted(ingredients):
        fields += [ingredient.release, ingredient.identity]
    portable = digest_of(fields)
    ordinary = BuildKey(digest_of((portable, toolchain)))
    exact = BuildKey(digest_of((ordinary, rebuild))) if rebuild else ordinary
    return Keys(exact=exact, ordinary=ordinary, portable=BuildKey(portable))
