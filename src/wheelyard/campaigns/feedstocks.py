"""Repositories of a forge as feedstocks: the files of one commit, as migrators read and change them."""

from wheelyard.errors import RefusedEditError
from wheelyard.graph.packages import Package
from wheelyard.migrate.feedstock import Feedstock
from wheelyard.migrate.reading import package_of, stands_at
from wheelyard.model.proposal import FileEdit, Tree

PATTERNS = (
    "recipe/*",
    ".ci_support/*",
    "conda-forge.yml",
    "meta.yaml",
    "recipe.yaml",
)
"""What is looked at of a repository."""


def package_name_of(repository: str) -> str:
    """Return what a repository's package is called: ``…/zlib-feedstock.git`` has zlib."""
    last = repository.rstrip("/").rpartition("/")[2]
    return last.removesuffix(".git").removesuffix("-feedstock")


def feedstock_of(tree: Tree) -> Feedstock:
    """Return the text files of a commit; what is no text is left out."""
    files = {}
    for path, content in tree.files:
        try:
            files[path] = content.decode()
        except UnicodeDecodeError:
            continue
    return Feedstock(name=package_name_of(tree.repository), files=files)


def package_in(feedstock: Feedstock) -> Package:
    """Read the recipe of a feedstock as a package of the graph."""
    try:
        path = feedstock.recipe_path
    except RefusedEditError as error:
        return Package(name=feedstock.name, broken=error.message)
    return package_of(feedstock.name, feedstock.files[path], path=path)


def standing_of(feedstock: Feedstock) -> str:
    """Say at which version and build number a feedstock stands; empty where that cannot be read."""
    try:
        path = feedstock.recipe_path
    except RefusedEditError:
        return ""
    return stands_at(feedstock.files[path], path=path)


def edits_between(before: Feedstock, after: Feedstock) -> tuple[FileEdit, ...]:
    """Return the files that one feedstock has otherwise than the other."""
    paths = sorted({*before.files, *after.files})
    return tuple(
        FileEdit(path=path, content=None if (text := after.text(path)) is None else text.encode())
        for path in paths
        if before.text(path) != after.text(path)
    )
