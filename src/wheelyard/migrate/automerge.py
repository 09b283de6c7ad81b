"""Whether a proposal may be merged without a person, once its checks have passed.

A recipe says so itself: ``bot.automerge`` of its ``conda-forge.yml`` is true, or names the kind of change.
"""

from collections.abc import Mapping
from enum import StrEnum

from wheelyard.migrate.feedstock import FORGE, Feedstock
from wheelyard.recipes.yaml_values import YamlError, recipe_values


class Automerge(StrEnum):
    """Who is asked whether a proposal may be merged by itself: nobody may be, the recipe says, or all may."""

    NEVER = "never"
    RECIPE = "recipe"
    ALWAYS = "always"


class Change(StrEnum):
    """The kinds of change that ``bot.automerge`` tells apart."""

    VERSION = "version"
    MIGRATION = "migration"


def merges_itself(policy: Automerge, feedstock: Feedstock, change: Change) -> bool:
    """Whether a change of a feedstock may be merged once its checks have passed; what cannot be read says no."""
    match policy:
        case Automerge.NEVER:
            return False
        case Automerge.ALWAYS:
            return True
        case Automerge.RECIPE:
            return _said(feedstock) in {True, change.value}


def _said(feedstock: Feedstock) -> object:
    try:
        settings = recipe_values(feedstock.files.get(FORGE, ""))
    except YamlError:
        return False
    bot = settings.get("bot") if isinstance(settings, Mapping) else None
    said = bot.get("automerge") if isinstance(bot, Mapping) else None
    return said if isinstance(said, bool | str) else False
