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
from wheelyard.recipes.parse import Form, form_of

_ALWAYS = re.compile(r"build\.sh|bld\.bat|conda_build_config\.yaml|yum_requirements\.txt")
"""What is read beside a recipe wherever it lies; a folder named recipe holds nothing else than its files."""
_BESIDE = re.compile(r"[^/]+\.(yaml|yml|sh|bat|txt|patch|diff|py|R|pl|toml|cfg)|[^/.]+")
_LARGEST = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedstockFiles:
    """Where the files of a feedstock are: its root, the folder of its recipe, and the recipe itself.

    A recipe may have any name; as a file of the feedstock it has that of its form.
    """

    root: Path
    recipe: Path
    file: Path
    name: str

    def path(self, name: str) -> Path:
        """Give the place of a file of the feedstock."""
        if name == self.name:
            return self.file
        inside, _, rest = name.partition("/")
        return self.recipe / rest if inside == "recipe" and rest else self.root / name


def read_feedstock(path: Path) -> tuple[Feedstock, FeedstockFiles]:
    """Read the feedstock of a recipe, or of a folder. Raises RecipeError."""
    recipe = _recipe_in(path)
    folder = recipe.resolve().parent
    root = folder.parent if folder.name == "recipe" else folder
    text = read_text(recipe)
    form = form_of(recipe.name, text)
    own = RECIPES[1] if form is Form.RECIPE else RECIPES[0]
    places = FeedstockFiles(root=root, recipe=folder, file=recipe, name=own)
    files = {own: text}
    for name, place in _beside(places, recipe):
        # What is no text is no file that a migrator reads.
        with suppress(RecipeError):
            files[name] = read_text(place)
    name = root.name.removesuffix("-feedstock")
    if not root.name.endswith("-feedstock"):
        name = _package_name(text) or name
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


def _is_small(place: Path) -> bool:
    return place.is_file() and place.stat().st_size <= _LARGEST


def _beside(places: FeedstockFiles, recipe: Path) -> Iterator[tuple[str, Path]]:
    forge = places.root / FORGE
    if forge.is_file():
        yield FORGE, forge
    for place in sorted(places.recipe.iterdir()):
        wanted = _BESIDE if places.recipe.name == "recipe" else _ALWAYS
        if (
            place not in {recipe.resolve(), forge}
            and wanted.fullmatch(place.name)
            and _is_small(place)
        ):
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
