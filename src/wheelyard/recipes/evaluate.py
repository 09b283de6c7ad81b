"""Evaluating a parsed recipe for one variant."""

from collections.abc import Mapping

from wheelyard.errors import RecipeError
from wheelyard.recipes.evaluated import (
    EvaluatedOutput,
    EvaluatedRecipe,
    EvaluatedSource,
    Requirements,
    RunExports,
    Variant,
)
from wheelyard.recipes.meta import meta_tree
from wheelyard.recipes.parse import Form, ParsedRecipe
from wheelyard.recipes.recipe_yaml import recipe_tree

HASHES = ("sha256", "sha512", "sha384", "sha224", "sha1", "md5", "blake2b")


def evaluate(recipe: ParsedRecipe, variant: Variant) -> EvaluatedRecipe:
    """Give what a variant makes of a recipe (meta.yaml or recipe.yaml).

    Functions that need a machine (compilers, environment, ``load_setup_py_data``) are stubs. Raises
    RecipeError with file and line where the text is broken, or its templates never end.
    """
    if recipe.form is Form.META:
        tree, _ = meta_tree(recipe.document, variant, name=recipe.name)
    elif recipe.form is Form.RECIPE:
        tree, _ = recipe_tree(recipe.document, variant, name=recipe.name)
    else:
        raise RecipeError(
            f"{recipe.name} is not a recipe", hint="It is configuration: read it as such."
        )
    return _recipe(tree, variant)


def _recipe(tree: Mapping[str, object], variant: Variant) -> EvaluatedRecipe:
    package = mapping(tree.get("package")) or mapping(tree.get("recipe"))
    name, version = text(package.get("name")), text(package.get("version"))
    build = mapping(tree.get("build"))
    outputs = tuple(
        _output(one, name=name, version=version, build=build)
        for one in listed(tree.get("outputs"))
        if isinstance(one, dict)
    )
    held = EvaluatedRecipe(
        name=name,
        version=version,
        variant=variant,
        build_number=number(build.get("number")),
        noarch=_noarch(build),
        skipped=_skipped(build),
        sources=_sources(tree.get("source")),
        requirements=_requirements(tree),
        run_exports=_run_exports(tree, build),
        outputs=outputs,
        tree=tree,
    )
    if outputs:
        return held
    itself = EvaluatedOutput(
        name=name, version=version, build_number=held.build_number, noarch=held.noarch,
        skipped=held.skipped, requirements=held.requirements, run_exports=held.run_exports,
    )  # fmt: skip
    return EvaluatedRecipe(
        **{each: getattr(held, each) for each in EvaluatedRecipe.__slots__ if each != "outputs"},
        outputs=(itself,),
    )


def _output(
    tree: Mapping[str, object], *, name: str, version: str, build: Mapping[str, object]
) -> EvaluatedOutput:
    package = mapping(tree.get("package")) or mapping(tree.get("staging"))
    own = mapping(tree.get("build"))
    own_number = own.get("number", tree.get("number"))
    return EvaluatedOutput(
        name=text(tree.get("name") or package.get("name")) or name,
        version=text(tree.get("version") or package.get("version")) or version,
        build_number=number(build.get("number") if own_number is None else own_number),
        noarch=_noarch(own) or text(tree.get("noarch")),
        skipped=_skipped(own) or _skipped(build),
        requirements=_requirements(tree),
        run_exports=_run_exports(tree, own),
    )


def _noarch(build: Mapping[str, object]) -> str:
    held = build.get("noarch")
    if held is True or build.get("noarch_python") is True:
        return "python" if build.get("noarch_python") else "generic"
    return text(held) if isinstance(held, str) else ""


def _skipped(build: Mapping[str, object]) -> bool:
    held = build.get("skip")
    return any(one is True or text(one).lower() in ("true", "1", "yes") for one in listed(held))


def _requirements(tree: Mapping[str, object]) -> Requirements:
    held = tree.get("requirements")
    test = [text(one) for one in listed(mapping(tree.get("test")).get("requires"))]
    for one in listed(tree.get("tests")):
        test += [
            text(each) for each in listed(mapping(mapping(one).get("requirements")).get("run"))
        ]
    if not isinstance(held, dict):
        return Requirements(run=_specifications(held), test=tuple(test))
    return Requirements(
        build=_specifications(held.get("build")),
        host=_specifications(held.get("host")),
        run=_specifications(held.get("run")),
        run_constrained=_specifications(held.get("run_constrained") or held.get("run_constraints")),
        test=tuple(one for one in test if one),
    )


def _specifications(held: object) -> tuple[str, ...]:
    return tuple(said for one in listed(held) if (said := " ".join(text(one).split())))


def _run_exports(tree: Mapping[str, object], build: Mapping[str, object]) -> RunExports:
    held = build.get("run_exports") or tree.get("run_exports")
    held = held or mapping(tree.get("requirements")).get("run_exports")
    if not isinstance(held, dict):
        return RunExports(weak=_specifications(held))
    return RunExports(
        weak=_specifications(held.get("weak")),
        strong=_specifications(held.get("strong")),
        noarch=_specifications(held.get("noarch")),
        weak_constrains=_specifications(
            held.get("weak_constrains") or held.get("weak_constraints")
        ),
        strong_constrains=_specifications(
            held.get("strong_constrains") or held.get("strong_constraints")
        ),
    )


def _sources(held: object) -> tuple[EvaluatedSource, ...]:
    return tuple(
        EvaluatedSource(
            urls=tuple(text(each) for each in listed(one.get("url"))),
            git_url=text(one.get("git_url") or one.get("git")),
            path=text(one.get("path")),
            hashes={kind: text(one[kind]) for kind in HASHES if one.get(kind)},
            patches=tuple(text(each) for each in listed(one.get("patches"))),
        )
        for one in listed(held)
        if isinstance(one, dict)
    )


def mapping(held: object) -> Mapping[str, object]:
    """Give a mapping, or an empty one for whatever else stands there."""
    return held if isinstance(held, dict) else {}


def listed(held: object) -> list[object]:
    """Give a list, flat; one value is a list of itself and nothing is an empty one."""
    if held is None:
        return []
    if not isinstance(held, list):
        return [held]
    return [
        one
        for each in held
        for one in (listed(each) if isinstance(each, list) else [each])
        if one is not None
    ]


def text(held: object) -> str:
    """Give a scalar as text; nothing and what is no scalar are empty."""
    if held is None or isinstance(held, dict | list):
        return ""
    return str(held).lower() if isinstance(held, bool) else str(held)


def number(held: object) -> int | None:
    """Give a whole number, or None."""
    try:
        return int(text(held).strip())
    except ValueError:
        return None
