"""A feedstock: the files from which one recipe's packages are made, as a value.

Paths are relative to its root, as conda-forge lays it out: ``recipe/meta.yaml`` (or ``recipe.yaml``),
``recipe/build.sh``, ``conda-forge.yml``. An edit gives another value and leaves this one alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from wheelyard.errors import RefusedEditError
from wheelyard.migrate.requirement_lines import Section, names_in, sections
from wheelyard.recipes.document import Document
from wheelyard.recipes.parse import Form, ParsedRecipe, parse_recipe

RECIPES = ("recipe/meta.yaml", "recipe/recipe.yaml")
FORGE = "conda-forge.yml"
VARIANTS = "recipe/conda_build_config.yaml"
BUILD_SH = "recipe/build.sh"
BLD_BAT = "recipe/bld.bat"


@dataclass(frozen=True, kw_only=True)
class Feedstock:
    """The text files of a feedstock that a migrator may read and change.

    ``source_files`` are the names of what the recipe's source archive holds, where somebody has
    looked; None means that nobody has. ``remarks`` say what people should look at in what was made.
    """

    name: str
    files: Mapping[str, str]
    source_files: tuple[str, ...] | None = None
    remarks: tuple[str, ...] = ()

    @cached_property
    def recipe_path(self) -> str:
        """Where its recipe is. Raises RefusedEditError where it has none."""
        for path in (*RECIPES, "meta.yaml", "recipe.yaml"):
            if path in self.files:
                return path
        raise RefusedEditError(
            f"{self.name} has no recipe",
            hint="It wants a recipe/meta.yaml or a recipe/recipe.yaml.",
        )

    @property
    def recipe(self) -> str:
        """The text of its recipe."""
        return self.files[self.recipe_path]

    @cached_property
    def parsed(self) -> ParsedRecipe:
        """Its recipe with positions."""
        return parse_recipe(self.recipe, name=self.recipe_path)

    @property
    def document(self) -> Document:
        """Its recipe as a tree of what is written."""
        return self.parsed.document

    @cached_property
    def sections(self) -> tuple[Section, ...]:
        """The lists of requirements of its recipe, of the top level and of every output."""
        return sections(self.document)

    def names(self, *wanted: str) -> set[str]:
        """Give the names of requirements in some sections (all, where none is named)."""
        return names_in(self.sections, *wanted)

    @property
    def is_v1(self) -> bool:
        """Whether its recipe is a ``recipe.yaml``."""
        return self.parsed.form is Form.RECIPE

    def text(self, path: str) -> str | None:
        """Give a file's text; None where there is no such file."""
        return self.files.get(path)

    def with_file(self, path: str, text: str | None) -> "Feedstock":
        """Give the feedstock with a file written, or (None) removed."""
        if self.files.get(path) == text:
            return self
        files = {each: held for each, held in self.files.items() if each != path}
        if text is not None:
            files[path] = text
        return replace(self, files=files)

    def with_recipe(self, text: str) -> "Feedstock":
        """Give the feedstock with another text of its recipe."""
        return self.with_file(self.recipe_path, text)

    def remarked(self, remark: str) -> "Feedstock":
        """Give the feedstock with one more remark."""
        return self if remark in self.remarks else replace(self, remarks=(*self.remarks, remark))
