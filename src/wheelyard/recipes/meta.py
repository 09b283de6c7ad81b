"""A meta.yaml for one variant: selectors, then Jinja, then selectors again, then YAML.

The order is conda-build's: it reads a recipe through a loader that keeps the selected lines only.
"""

from collections.abc import Callable, Mapping

from wheelyard.errors import RecipeError
from wheelyard.recipes.document import Document
from wheelyard.recipes.evaluated import Variant
from wheelyard.recipes.platforms import selector_names
from wheelyard.recipes.selectors import selects, split_selector
from wheelyard.recipes.stubs import stubs, with_functions
from wheelyard.recipes.templates.bounds import Budget, TemplateError
from wheelyard.recipes.templates.carrying_out import Carrying, Rendered
from wheelyard.recipes.templates.reading import META, read_template
from wheelyard.recipes.yaml_values import YamlError, meta_values

Select = Callable[[str, Mapping[str, object]], bool]


def names_of(variant: Variant) -> dict[str, object]:
    """Give all that templates of a meta.yaml know in a variant."""
    return with_functions(selector_names(variant), stubs(variant))


def selected(text: str, names: Mapping[str, object], *, name: str) -> str:
    """Give a text with the lines that stand in a variant; the others are left empty."""
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n").split("\n")
    for number, line in enumerate(lines):
        if "#" in line and line.lstrip()[:1] == "#":
            lines[number] = ""
        elif "]" in line and (found := split_selector(line)):
            try:
                lines[number] = found[0] if selects(found[1], names) else ""
            except TemplateError as error:
                raise RecipeError(
                    f"{name}:{number + 1}: {error.message}", hint=error.hint
                ) from error
    return "\n".join(lines)


def rendered(text: str, variant: Variant, *, name: str) -> Rendered:
    """Give the text of a meta.yaml that YAML reads. Raises RecipeError with file and line."""
    names = names_of(variant)
    chosen = selected(text, names, name=name)
    try:
        carrying = Carrying(environment=META, names=names, budget=Budget.of(text))
        if "{" not in chosen:
            return Rendered(text=chosen, names={}, places=())
        return carrying.render(read_template(chosen))
    except TemplateError as error:
        raise RecipeError(f"{name}:{error.line or 1}: {error.message}", hint=error.hint) from error


def meta_tree(
    document: Document, variant: Variant, *, name: str
) -> tuple[Mapping[str, object], Mapping[str, object]]:
    """Give the values of a meta.yaml, and the names that its templates set. Raises RecipeError."""
    answer = rendered(document.text, variant, name=name)
    text = answer.text
    if "]" in text:
        text = selected(text, names_of(variant) | dict(answer.names), name=name)
    try:
        tree = meta_values(text)
    except YamlError as error:
        raise error.said(name, answer.line_of(error.line)) from error
    if not isinstance(tree, dict):
        raise RecipeError(
            f"{name}: it holds no mapping",
            hint="A recipe begins with keys such as package: and build:.",
        )
    return tree, answer.names
