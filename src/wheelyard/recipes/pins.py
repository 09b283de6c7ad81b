"""conda_build_config.yaml: the variants that it names, per platform."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product

from wheelyard.errors import RecipeError
from wheelyard.recipes.evaluated import Variant
from wheelyard.recipes.meta import selected
from wheelyard.recipes.parse import VARIANTS, ParsedRecipe
from wheelyard.recipes.platforms import selector_names
from wheelyard.recipes.recipe_yaml import Context, recipe_names
from wheelyard.recipes.yaml_values import YamlError, meta_values, recipe_values

_SPECIAL = frozenset(
    {"zip_keys", "pin_run_as_build", "extend_keys", "ignore_version", "ignore_build_only_deps"}
)
MOST_VARIANTS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Pins:
    """Keys with their values, and the groups of keys that move together."""

    values: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    zipped: tuple[tuple[str, ...], ...] = ()

    def variants(
        self, *, platform: str, used: frozenset[str], build_platform: str = ""
    ) -> tuple[Variant, ...]:
        """Give a variant for every combination of the keys that a recipe uses.

        Keys that move together move together; the others keep their first value. Raises RecipeError
        where the keys of a group don't have as many values, or the combinations are too many.
        """
        groups = [group for group in self.zipped if used & set(group)]
        grouped = {key for group in groups for key in group}
        free = sorted((used & self.values.keys()) - grouped)
        axes: list[list[dict[str, str]]] = [
            [{key: value} for value in self.values[key]] for key in free if self.values[key]
        ]
        axes += [self._rows(group) for group in groups]
        base = {key: held[0] for key, held in self.values.items() if held}
        count = 1
        for axis in axes:
            count *= max(len(axis), 1)
        if count > MOST_VARIANTS:
            raise RecipeError(
                f"the pins make {count:,} variants",
                hint="Group keys that belong together in zip_keys.",
            )
        return tuple(
            Variant(
                platform=platform,
                build_platform=build_platform,
                values=base | {key: value for one in chosen for key, value in one.items()},
            )
            for chosen in product(*axes)
        )

    def _rows(self, group: tuple[str, ...]) -> list[dict[str, str]]:
        present = [key for key in group if self.values.get(key)]
        lengths = {len(self.values[key]) for key in present}
        if len(lengths) > 1:
            raise RecipeError(
                f"the keys {', '.join(present)} move together and don't have as many values",
                hint="Give each key of a group of zip_keys the same number of values.",
            )
        return [
            {key: self.values[key][at] for key in present}
            for at in range(lengths.pop() if lengths else 0)
        ]


def read_pins(recipe: ParsedRecipe, *, platform: str = "linux-64") -> Pins:
    """Read a conda_build_config.yaml for a platform. Raises RecipeError with file and line."""
    names = selector_names(Variant(platform=platform))
    try:
        if recipe.name.lower().endswith(VARIANTS):
            variant = Variant(platform=platform)
            evaluation = Context(
                document=recipe.document, name=recipe.name, names=recipe_names(variant)
            )
            tree = evaluation.value(recipe_values(recipe.text))
        else:
            tree = meta_values(selected(recipe.text, names, name=recipe.name))
    except YamlError as error:
        raise error.said(recipe.name) from error
    if tree is None:
        return Pins()
    if not isinstance(tree, dict):
        raise RecipeError(
            f"{recipe.name}: it holds no mapping", hint="Write keys with lists of values."
        )
    values = {
        str(key): tuple(_values(held))
        for key, held in tree.items()
        if key not in _SPECIAL and not isinstance(held, dict)
    }
    return Pins(values=values, zipped=tuple(_groups(tree.get("zip_keys"))))


def _values(held: object) -> Iterator[str]:
    for one in held if isinstance(held, list) else [held]:
        if one is not None:
            yield str(one).lower() if isinstance(one, bool) else str(one)


def _groups(held: object) -> Iterator[tuple[str, ...]]:
    if isinstance(held, list):
        if held and all(isinstance(one, str) for one in held):
            yield tuple(map(str, held))
            return
        for one in held:
            if isinstance(one, list):
                yield tuple(map(str, one))
