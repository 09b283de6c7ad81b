"""Recipe files on disk: read as they are, written as a whole or not at all."""

import os
import tempfile
from contextlib import suppress
from pathlib import Path

from wheelyard.errors import ConfigurationError, RecipeError
from wheelyard.recipes.parse import ParsedRecipe, parse_recipe

SUFFIXES = frozenset({".yaml", ".yml", ".toml"})


def is_recipe_file(argument: str) -> bool:
    """Say whether an argument names a recipe file rather than a release."""
    path = Path(argument)
    return path.suffix.lower() in SUFFIXES or path.is_file()


def read_recipe(path: Path) -> ParsedRecipe:
    """Read a recipe; a folder stands for the recipe in it. Raises RecipeError and ConfigurationError."""
    return parse_recipe(read_text(path), name=str(path))


def read_text(path: Path) -> str:
    """Read a text as it is: ends of lines stay. Raises RecipeError with the line that is no UTF-8."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ConfigurationError(
            f"'{path}' cannot be read: {error.strerror}", hint="Name a recipe file that is there."
        ) from error
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise RecipeError(f"{path}:{line}: it is not UTF-8", hint="Save it as UTF-8.") from error


def write_text(path: Path, text: str) -> None:
    """Write a file in one step, where a link points to; who may read it stays. Raises ConfigurationError."""
    place = path.resolve()
    made = ""
    try:
        mode = place.stat().st_mode & 0o7777
        handle, made = tempfile.mkstemp(dir=place.parent, prefix=f".{place.name}.")
        with os.fdopen(handle, "wb") as file:
            file.write(text.encode("utf-8"))
            file.flush()
            os.fsync(file.fileno())
        Path(made).chmod(mode)
        Path(made).replace(place)
    except OSError as error:
        if made:
            with suppress(OSError):
                Path(made).unlink()
        raise ConfigurationError(
            f"'{path}' cannot be written: {error.strerror}",
            hint="Check its folder's permissions; --stdout prints instead.",
        ) from error
