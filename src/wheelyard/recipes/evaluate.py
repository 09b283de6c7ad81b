"""Evaluating a parsed recipe for one variant."""

from wheelyard.recipes.evaluated import EvaluatedRecipe, Variant
from wheelyard.recipes.parse import ParsedRecipe


def evaluate(recipe: ParsedRecipe, variant: Variant) -> EvaluatedRecipe:
    """Give what a variant makes of a recipe (meta.yaml or recipe.yaml).

    Functions that need a machine (compilers, environment, ``load_setup_py_data``) are stubs. Raises
    RecipeError with file and line where the text is broken, or its templates never end.
    """
    raise NotImplementedError


def variants_of(recipe: ParsedRecipe) -> tuple[Variant, ...]:
    """Give variants that together take every condition of a recipe both ways, 64 at most."""
    raise NotImplementedError
