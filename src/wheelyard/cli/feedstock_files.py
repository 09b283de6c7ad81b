"""A feedstock on disk: read as a value, and written back where it changed.

A recipe need not lie in a folder named ``recipe``: what lies beside it counts as lying there.
"""

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from wheelyard.cli.recipe_file import read_text, write_text
from wheelyard.errors import ConfigurationError, RecipeError
from wheelyard.migrate.feedstock import FORGE, RECIPES, Feedstock

_BESIDE = re.compile(r"[^/]+\.(yaml|yml|sh|bat|txt|patch|diff|py|R|pl|toml|cfg)|[^/.]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedstockFiles:
    """Where the files of a feedstock are: its root, and the folder of its recipe."""

    root: Path
    recipe: Path

    def path(self, name: str) -> Path:
        """Give the place of a file of the feedstock."""
        inside, _, rest = name.partition("/")
        return self.recipe / rest if inside == "recipe" and rest else self.root / name


def read_feedstock(path: Path) -> tuple[Feedstock, FeedstockFiles]:
    """Read the feedstock of a recipe, or of a folder. Raises RecipeError."""
    recipe = _recipe_in(path)
    folder = recipe.parent
    root = folder.parent if folder.name == "recipe" else folder
    places = FeedstockFiles(root=root, recipe=folder)
    files = {f"recipe/{recipe.name}": read_text(recipe)}
    for name, place in _beside(places, recipe):
        # What is no text is no file that a migrator reads.
        with suppress(RecipeError):
            files[name] = read_text(place)
    name = root.resolve().name.removesuffix("-feedstock")
    if not root.resolve().name.endswith("-feedstock"):
        name = _package_name(files[f"recipe/{recipe.name}"]) or name
    return Feedstock(name=name, files=files), places


def _recipe_in(path: Path) -> Path:
    if not path.is_dir():
        if path.is_file():
            return path
        raise RecipeError(
            f"{path} is not there", hint="Name a recipe, or the folder of a feedstock."
        )
    for name in (*RECIPES, "meta.yaml", "recipe.yaml"):
        if (path / name).is_file():
            return path / name
    raise RecipeError(f"{path} holds no recipe", hint="Name a meta.yaml or a recipe.yaml.")


def _beside(places: FeedstockFiles, recipe: Path) -> Iterator[tuple[str, Path]]:
    forge = places.root / FORGE
    if forge.is_file():
        yield FORGE, forge
    for place in sorted(places.recipe.iterdir()):
        if place.is_file() and place not in {recipe, forge} and _BESIDE.fullmatch(place.name):
            yield f"recipe/{place.name}", place
    for folder in (places.recipe / "migrations", places.root / ".ci_support"):
        for place in sorted(folder.rglob("*.yaml")) if folder.is_dir() else ():
            start = "recipe" if folder.name == "migrations" else ""
            base = places.recipe if start else places.root
            yield "/".join(filter(None, (start, place.relative_to(base).as_posix()))), place


def _package_name(text: str) -> str:
    """Give the package's name as far as it is written out."""
    found = re.search(r"^package:\s*\n(?:\s+.*\n)*?\s+name:\s*(.+)$", text, re.MULTILINE)
    written = found.group(1).split("#")[0].strip().strip("'\"") if found else ""
    if "{{" not in written:
        return written.lower()
    set_name = re.search(
        r"\{%-?\s*set name\s*=\s*['\"]([^'\"]+)|^  name:\s*['\"]?([\w.-]+)", text, re.MULTILINE
    )
    return (set_name.group(1) or set_name.group(2)).lower() if set_name else ""


def changes(before: Feedstock, after: Feedstock) -> dict[str, str | None]:
    """Give what changed: a file's new text, or None where it goes."""
    names = dict.fromkeys([*before.files, *after.files])
    return {
        name: after.files.get(name)
        for name in names
        if before.files.get(name) != after.files.get(name)
    }


def write(places: FeedstockFiles, changed: dict[str, str | None]) -> None:
    """Write what changed. Raises ConfigurationError."""
    for name, text in changed.items():
        place = places.path(name)
        try:
            if text is None:
                place.unlink()
                continue
            place.parent.mkdir(parents=True, exist_ok=True)
            place.touch()
        except OSError as error:
            raise ConfigurationError(f"'{place}' cannot be written: {error.strerror}") from error
        write_text(place, text)
