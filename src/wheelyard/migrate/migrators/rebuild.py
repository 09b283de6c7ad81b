"""Rebuilding as it is, and carrying a recipe to a new version."""

from dataclasses import dataclass, field
from typing import ClassVar

from wheelyard.errors import RecipeError
from wheelyard.migrate.feedstock import Feedstock
from wheelyard.recipes.answers import Answers, RecordedAnswers
from wheelyard.recipes.edits import rebuild, to_version
from wheelyard.recipes.evaluate import evaluate
from wheelyard.recipes.evaluated import Variant


@dataclass(frozen=True, kw_only=True)
class Rebuild:
    """Builds a recipe again, by the next build number."""

    name: ClassVar[str] = "rebuild"
    summary: ClassVar[str] = "raise the build number"
    by: int = 1

    def wants(self, feedstock: Feedstock) -> bool:
        """Say yes: what is to be rebuilt was chosen by somebody."""
        return bool(feedstock.recipe)

    def edit(self, feedstock: Feedstock) -> Feedstock:
        """Raise the build number."""
        return raised(feedstock, self.by)


@dataclass(frozen=True, kw_only=True)
class NewVersion:
    """Carries a recipe to a version, with the digests of its sources."""

    name: ClassVar[str] = "version"
    summary: ClassVar[str] = "go to a new version, with the digests of its sources"
    to: str
    answers: Answers = field(default_factory=RecordedAnswers)

    def wants(self, feedstock: Feedstock) -> bool:
        """Say whether the recipe does not say this version already."""
        try:
            said = evaluate(feedstock.parsed, Variant()).version
        except RecipeError:
            # What cannot be evaluated is for the edit to refuse, with its line.
            return True
        return said.replace("-", "_") != self.to.replace("-", "_")

    def edit(self, feedstock: Feedstock) -> Feedstock:
        """Write version, digests and build number 0."""
        return feedstock.with_recipe(to_version(feedstock.parsed, self.to, self.answers))


def raised(feedstock: Feedstock, by: int = 1) -> Feedstock:
    """Give a feedstock with its build number raised; 0 leaves it as it is."""
    return feedstock.with_recipe(rebuild(feedstock.parsed, by=by)) if by else feedstock
