"""Where else the files of a new version may be: the Python index's own names first, then the usual ones."""

import posixpath
from collections.abc import Iterator

from wheelyard.recipes.answers import Answers
from wheelyard.recipes.parse import ParsedRecipe
from wheelyard.recipes.requirements import output_name, outputs
from wheelyard.recipes.scalars import unquoted
from wheelyard.recipes.urls import OF_AN_INDEX, further_urls, transformed_urls
from wheelyard.recipes.written import Values, Written

_ARCHIVES = (".tar.gz", ".tar.bz2", ".tar.xz", ".zip", ".tgz")
_NAMES = (
    "{{ name }}",
    "{{ name | lower }}",
    "{{ name | replace('-', '_') }}",
    "{{ name | replace('_', '-') }}",
    "{{ name | replace('-', '_') | lower }}",
    "{{ name | replace('_', '-') | lower }}",
)


def template_text(text: str) -> str:
    """Give an address as a template of Jinja, without quotes and without recipe.yaml's dollar."""
    return unquoted(text).replace("${{", "{{")


def candidates(
    recipe: ParsedRecipe, one: Written, version: str, values: Values, answers: Answers
) -> Iterator[str]:
    """Give templates (with ``{{ … }}``) of addresses to try for a source, the likeliest first."""
    template = template_text(one.text)
    if OF_AN_INDEX in template:
        yield from _of_the_index(recipe, template, version, values, answers)
    yield from transformed_urls(template)
    yield from further_urls(template)


def _of_the_index(
    recipe: ParsedRecipe, template: str, version: str, values: Values, answers: Answers
) -> Iterator[str]:
    for project in _projects(recipe, template, values):
        files = answers.files(project)
        if files is None:
            continue
        for archive in _ARCHIVES:
            for file in files:
                if file.endswith(f"{version}{archive}"):
                    yield posixpath.join(
                        posixpath.dirname(template), _named(file, version, archive, values)
                    )
        return


def _projects(recipe: ParsedRecipe, template: str, values: Values) -> list[str]:
    """Give the names that a project may have on the index, the shortest first."""
    said = [
        values.rendered(template.rstrip("/").split("/")[-2]) or "",
        values.rendered("{{ name }}") or "",
    ]
    named = (*recipe.document.find("package", "name"), *recipe.document.find("recipe", "name"))
    said += [values.rendered(template_text(entry.value)) or "" for entry in named]
    said += [
        values.rendered(output_name(output).replace("${{", "{{")) or ""
        for output in outputs(recipe)
    ]
    return sorted({one for one in said if one}, key=lambda one: (len(one), one))


def _named(file: str, version: str, archive: str, values: Values) -> str:
    """Write a file's name with the recipe's variables."""
    stem = file.removesuffix(f"{version}{archive}")
    for each in _NAMES:
        if stem == f"{values.rendered(each)}-":
            return f"{each}-{{{{ version }}}}{archive}"
    return file.replace(version, "{{ version }}")
