"""A recipe's text, evaluated."""

from wheelyard.recipes.evaluate import evaluate
from wheelyard.recipes.evaluated import EvaluatedRecipe, Variant
from wheelyard.recipes.parse import parse_recipe


def evaluated(
    text: str, platform: str = "linux-64", name: str = "meta.yaml", **values: str
) -> EvaluatedRecipe:
    return evaluate(parse_recipe(text, name=name), Variant(platform=platform, values=values))
