"""A recipe as a package of the graph: what it puts out, and what it needs where.

It is evaluated for some platforms; what holds on all of them holds everywhere.
"""

import re
from collections.abc import Iterable, Sequence

from wheelyard.errors import RecipeError
from wheelyard.graph.packages import EdgeKind, Need, Package, RunExport
from wheelyard.recipes.evaluate import evaluate
from wheelyard.recipes.evaluated import EvaluatedRecipe, Variant, package_name
from wheelyard.recipes.parse import ParsedRecipe, parse_recipe

PLATFORMS = ("linux-64", "linux-aarch64", "osx-arm64", "win-64")
"""The platforms that recipes are read for where nobody names others."""
_SECTIONS = {
    "build": EdgeKind.BUILD,
    "host": EdgeKind.HOST,
    "run": EdgeKind.RUN,
    "test": EdgeKind.TEST,
}
# What can be other on another platform: selectors, conditions, and variables that tell where it is.
_TELLS_PLATFORMS = re.compile(
    r"#\s*\[|\bif\b|\b(?:target_platform|build_platform|linux|unix|osx|win|aarch64|ppc64le|arm64)\b"
)


def package_of(
    name: str,
    text: str,
    *,
    path: str = "meta.yaml",
    archived: bool = False,
    platforms: Sequence[str] = PLATFORMS,
) -> Package:
    """Read a recipe. One that cannot be read is a package that says why (``broken``).

    ``name`` is that of the package; empty: the recipe's own.
    """
    try:
        parsed = parse_recipe(text, name=path)
        if not _TELLS_PLATFORMS.search(text):
            return _package(name, [_for(parsed, platforms[0])], (), archived=archived)
        evaluated = _where_it_can(parsed, platforms)
    except RecipeError as error:
        return Package(name=name, archived=archived, broken=error.message)
    return _package(name, evaluated, platforms, archived=archived)


def _where_it_can(parsed: ParsedRecipe, platforms: Sequence[str]) -> list[EvaluatedRecipe]:
    """Evaluate a recipe for the platforms for which that goes: lines of another one may be no YAML.

    Raises RecipeError where it goes for none, with the fault of the first.
    """
    found, faults = [], list[RecipeError]()
    for platform in platforms:
        try:
            found.append(_for(parsed, platform))
        except RecipeError as error:
            faults.append(error)
    if not found:
        raise faults[0]
    return found


def _for(parsed: ParsedRecipe, platform: str) -> EvaluatedRecipe:
    return evaluate(parsed, Variant(platform=platform))


def _package(
    name: str, recipes: Sequence[EvaluatedRecipe], platforms: Sequence[str], *, archived: bool
) -> Package:
    built = [one for one in recipes if not one.skipped] or list(recipes)
    first = built[0]
    places = frozenset(one.variant.platform for one in built) if platforms else frozenset[str]()
    everywhere = frozenset(platforms)
    return Package(
        name=name or first.name,
        needs=tuple(_needs(built, places)),
        outputs=_once(output.name for one in built for output in one.outputs if output.name),
        exports=tuple(dict.fromkeys(export for one in built for export in _exports(one))),
        noarch=first.noarch or _noarch_of_outputs(first),
        platforms=frozenset() if places == everywhere else places,
        archived=archived,
    )


def _needs(recipes: Sequence[EvaluatedRecipe], places: frozenset[str]) -> Iterable[Need]:
    found: dict[tuple[str, EdgeKind], set[str]] = {}
    for recipe in recipes:
        for section, kind in _SECTIONS.items():
            for specification in recipe.every_requirement(section):
                named = package_name(specification)
                if named:
                    found.setdefault((named, kind), set()).add(recipe.variant.platform)
    for (named, kind), where in found.items():
        yield Need(
            name=named, kind=kind, platforms=frozenset() if where >= places else frozenset(where)
        )


def _exports(recipe: EvaluatedRecipe) -> Iterable[RunExport]:
    made = [(recipe.name, recipe.run_exports)]
    made += [(output.name, output.run_exports) for output in recipe.outputs]
    for output, exports in made:
        for specifications, strong in ((exports.strong, True), (exports.weak, False)):
            for specification in specifications:
                named = package_name(specification)
                if output and named:
                    yield RunExport(output=output, name=named, strong=strong)


def _noarch_of_outputs(recipe: EvaluatedRecipe) -> str:
    """Return the kind that all outputs are of, if they are: one that is not has to be built everywhere."""
    kinds = {output.noarch for output in recipe.outputs}
    return kinds.pop() if len(kinds) == 1 else ""


def _once(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))


def stands_at(text: str, *, path: str, platform: str = PLATFORMS[0]) -> str:
    """Say at which version and build number a recipe stands; empty where it cannot be read."""
    try:
        recipe = _for(parse_recipe(text, name=path), platform)
    except RecipeError:
        return ""
    numbers = [recipe.build_number, *(output.build_number for output in recipe.outputs)]
    told = dict.fromkeys(str(number) for number in numbers if number is not None)
    return " ".join([recipe.version, *told])
