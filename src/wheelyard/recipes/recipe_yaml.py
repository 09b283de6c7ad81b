"""A recipe.yaml for one variant: YAML, then ``context`` in order, conditions and ${{ … }}."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from jinja2 import nodes

from wheelyard.errors import RecipeError
from wheelyard.recipes.document import Document
from wheelyard.recipes.evaluated import Variant
from wheelyard.recipes.platforms import selector_names
from wheelyard.recipes.statements import Setting, reaching
from wheelyard.recipes.stubs import RecipeStubs, with_functions
from wheelyard.recipes.templates.bounds import Budget, TemplateError, shown
from wheelyard.recipes.templates.carrying_out import Carrying
from wheelyard.recipes.templates.expressions import Expressions
from wheelyard.recipes.templates.missing import Missing
from wheelyard.recipes.templates.reading import RECIPE, read_expression, read_scalar
from wheelyard.recipes.version_order import satisfies
from wheelyard.recipes.yaml_values import YamlError, recipe_values


def recipe_tree(
    document: Document, variant: Variant, *, name: str
) -> tuple[Mapping[str, object], Mapping[str, object]]:
    """Give the values of a recipe.yaml, and its context. Raises RecipeError with file and line."""
    try:
        tree = recipe_values(document.text)
    except YamlError as error:
        raise error.said(name) from error
    if not isinstance(tree, dict):
        raise RecipeError(
            f"{name}: it holds no mapping",
            hint="A recipe begins with keys such as package: and build:.",
        )
    evaluation = Context(document=document, name=name, names=recipe_names(variant))
    context = tree.get("context")
    if isinstance(context, dict):
        for key, held in context.items():
            evaluation.names[str(key)] = evaluation.value(held)
    answer = {str(key): evaluation.value(held) for key, held in tree.items() if key != "context"}
    for held in (answer, *_outputs(answer)):
        build = held.get("build")
        if isinstance(build, dict) and "skip" in build:
            build["skip"] = evaluation.conditions(build["skip"])
    return answer, evaluation.names


def recipe_names(variant: Variant) -> dict[str, object]:
    """Give all that templates of a recipe.yaml know in a variant."""
    names = with_functions(selector_names(variant), RecipeStubs.of(variant, _matches))
    names["host_platform"] = variant.platform
    # YAML 1.2's booleans are in lower case; True is a text there.
    names.update({key: held for key, held in variant.values.items() if held in ("True", "False")})
    return names


def _outputs(tree: Mapping[str, object]) -> list[dict[str, object]]:
    held = tree.get("outputs")
    return [one for one in held if isinstance(one, dict)] if isinstance(held, list) else []


def _matches(held: object, specification: object) -> bool:
    if isinstance(held, Missing):
        return False
    version = shown(held).split(maxsplit=1)
    return bool(version) and satisfies(
        version[0].lstrip("=").removesuffix(".*"), shown(specification)
    )


def _split(held: object, separator: object = None, *_: object) -> list[str]:
    return shown(held).split(None if separator is None else shown(separator))


FILTERS: Mapping[str, Callable[..., object]] = {
    "version_to_buildstring": lambda held: "".join(shown(held).split(".")[:2]).split(" ")[0],
    "split": _split,
    "bool": lambda held: shown(held).lower() in ("true", "1", "yes", "on"),
}


@dataclass(kw_only=True)
class Context:
    """The names of one evaluation of one recipe, and what values come to with them."""

    document: Document
    name: str
    names: dict[str, object]

    def __post_init__(self) -> None:
        self._budget = Budget.of(self.document.text)

    def value(self, held: object) -> object:
        """Give a value with its templates and conditions followed."""
        self._budget.spend()
        if isinstance(held, str):
            return self._scalar(held) if "${{" in held else held
        if isinstance(held, list):
            return self._list(held)
        if isinstance(held, dict):
            if "if" in held and ("then" in held or "else" in held):
                chosen = self._chosen(held)
                return chosen[0] if len(chosen) == 1 else chosen
            return {self._key(key): self.value(one) for key, one in held.items()}
        return held

    def text(self, scalar: str) -> str:
        """Give what a scalar comes to, as text."""
        answer = self.value(scalar)
        return "" if answer is None else shown(answer)

    def _key(self, key: object) -> str:
        return shown(self._scalar(key)) if isinstance(key, str) and "${{" in key else str(key)

    def _list(self, held: list[object]) -> list[object]:
        answer: list[object] = []
        for one in held:
            if isinstance(one, dict) and "if" in one and ("then" in one or "else" in one):
                answer += self._chosen(one)
                continue
            item = self.value(one)
            if item is not None and not isinstance(item, Missing) and item != "":
                answer.append(item)
        return answer

    def _chosen(self, held: Mapping[str, object]) -> list[object]:
        branch = held.get("then") if self.condition(held["if"]) else held.get("else")
        answer = self._list(branch if isinstance(branch, list) else [branch])
        return [one for one in answer if one is not None]

    def conditions(self, held: object) -> bool:
        """Say whether any of ``skip``'s conditions holds."""
        every = held if isinstance(held, list) else [held]
        return any(self.condition(one) for one in every)

    def condition(self, held: object) -> bool:
        """Say whether a bare expression holds."""
        if not isinstance(held, str):
            return bool(held)
        if held.lower() in ("true", "false", ""):
            return held.lower() == "true"
        if "${{" in held:
            return self.condition(self._scalar(held))
        try:
            expressions = Expressions(
                environment=RECIPE, names=self.names, budget=self._budget, filters=FILTERS
            )
            return bool(expressions.value(read_expression(held)))
        except TemplateError as error:
            raise self._said(error, held) from error

    def _scalar(self, text: str) -> object:
        try:
            template = read_scalar(text)
            carrying = Carrying(
                environment=RECIPE, names=self.names, budget=self._budget, filters=FILTERS
            )
            alone = _alone(template)
            if alone is not None:
                answer = carrying.expressions.value(alone)
                return None if isinstance(answer, Missing) else answer
            return carrying.render(template).text
        except TemplateError as error:
            raise self._said(error, text) from error

    def _said(self, error: TemplateError, text: str) -> RecipeError:
        place = self.document.text.find(text.split("\n", 1)[0])
        line = self.document.line_of(place) if place >= 0 else 1
        return RecipeError(f"{self.name}:{line}: {error.message}", hint=error.hint)


def _alone(template: nodes.Template) -> nodes.Expr | None:
    """Give the one expression that a scalar is, whose value keeps its kind."""
    if len(template.body) == 1 and isinstance(template.body[0], nodes.Output):
        inner = template.body[0].nodes
        if len(inner) == 1 and not isinstance(inner[0], nodes.TemplateData):
            return inner[0]
    return None


def context_of(
    document: Document,
    every: tuple[Setting, ...],
    names: frozenset[str],
    variant: Variant,
    *,
    name: str,
) -> "Context":
    """Give as much of the context as some names need. Raises RecipeError."""
    evaluation = Context(document=document, name=name, names=recipe_names(variant))
    needed = reaching(names, every)
    for one in every:
        if one.targets[0] in needed:
            try:
                held = recipe_values(one.text)
            except YamlError as error:
                raise error.said(name, one.line) from error
            evaluation.names[one.targets[0]] = evaluation.value(held)
    return evaluation
