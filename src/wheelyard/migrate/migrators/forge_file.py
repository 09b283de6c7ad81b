"""Reading and writing keys of conda-forge.yml, the rest untouched."""

from wheelyard.migrate.pins.yaml_nodes import compose, entries, plain
from wheelyard.recipes.edits import remove_key, set_key
from wheelyard.recipes.parse import parse_recipe

_NAME = "conda-forge.yml"


def loaded(text: str) -> dict[str, object]:
    """Give a YAML mapping as mappings, lists and text. Raises InvalidMigrationError."""
    return {entry.key: plain(entry.value) for entry in entries(compose(text, _NAME), _NAME)}


def mapping_at(text: str, key: str) -> dict[str, object]:
    """Give the mapping that a key of the top level holds; empty where there is none."""
    held = loaded(text).get(key)
    return held if isinstance(held, dict) else {}


def with_key(text: str, path: tuple[str, ...], value: str) -> str:
    """Give the text with a key set."""
    return set_key(parse_recipe(text, name=_NAME), path, value)


def without_key(text: str, path: tuple[str, ...]) -> str:
    """Give the text without a key."""
    return remove_key(parse_recipe(text, name=_NAME), path)
