"""A recipe as whoever looks for its new versions sees it."""

from dataclasses import dataclass

from wheelyard.migrate.feedstock import FORGE, Feedstock
from wheelyard.migrate.newest.choosing import Wish
from wheelyard.recipes.evaluate import evaluate
from wheelyard.recipes.evaluated import Variant
from wheelyard.recipes.yaml_values import YamlError, recipe_values


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """What a recipe is about: its name, its version, and the addresses of its sources for that."""

    name: str
    version: str
    urls: tuple[str, ...] = ()
    git_urls: tuple[str, ...] = ()
    wish: Wish


def watched_of(feedstock: Feedstock) -> Watched:
    """Read a recipe and its settings. Raises RecipeError with the line that cannot be read."""
    recipe = evaluate(feedstock.parsed, Variant())
    try:
        settings = recipe_values(feedstock.files.get(FORGE, ""))
    except YamlError as error:
        raise error.said(FORGE) from error
    return Watched(
        name=recipe.name or feedstock.name,
        version=recipe.version,
        urls=tuple(url for source in recipe.sources for url in source.urls),
        git_urls=tuple(source.git_url for source in recipe.sources if source.git_url),
        wish=Wish.parse(settings if isinstance(settings, dict) else {}),
    )
