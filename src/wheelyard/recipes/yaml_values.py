"""YAML to values, with the rules of the tools that read it.

Numbers stay as they are written, as conda-build has them: a version "3.10" is no number.
"""

import re
from typing import Any

import yaml

from wheelyard.errors import RecipeError

_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
MOST_VALUES = 500_000


class _MetaLoader(_Base):  # type: ignore[misc]
    """Numbers and dates stay text; yes and no are booleans, as in YAML 1.1."""


class _RecipeLoader(_Base):  # type: ignore[misc]
    """YAML 1.2's core: true and false alone are booleans; whole numbers are numbers."""


def _resolvers(*, keep: tuple[str, ...]) -> dict[str, list[tuple[str, re.Pattern[str]]]]:
    kept: dict[str, list[tuple[str, re.Pattern[str]]]] = {}
    for first, rules in _Base.yaml_implicit_resolvers.items():
        found = [(tag, rule) for tag, rule in rules if tag.rpartition(":")[2] in keep]
        if found:
            kept[first] = found
    return kept


_MetaLoader.yaml_implicit_resolvers = _resolvers(keep=("bool", "null", "merge"))
_RecipeLoader.yaml_implicit_resolvers = _resolvers(keep=("null", "merge"))
_RecipeLoader.add_implicit_resolver(
    "tag:yaml.org,2002:bool", re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF")
)
_RecipeLoader.add_implicit_resolver(
    "tag:yaml.org,2002:int", re.compile(r"^[-+]?(?:0|[1-9][0-9]{0,17})$"), list("-+0123456789")
)


def _anything(loader: Any, _suffix: str, node: yaml.Node) -> object:
    """Read a value whose tag is unknown as if it had none."""
    if isinstance(node, yaml.MappingNode):
        return loader.construct_mapping(node, deep=True)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    return loader.construct_scalar(node)


for _loader in (_MetaLoader, _RecipeLoader):
    _loader.add_multi_constructor("", _anything)


def meta_values(text: str) -> object:
    """Read an evaluated meta.yaml. Raises YamlError."""
    return _load(text, _MetaLoader)


def recipe_values(text: str) -> object:
    """Read a recipe.yaml or a configuration. Raises YamlError."""
    return _load(text, _RecipeLoader)


class YamlError(Exception):
    """A text that is no YAML: what is wrong, and its line from 1."""

    def __init__(self, message: str, line: int) -> None:
        super().__init__(message)
        self.message = message
        self.line = line

    def said(self, name: str, line: int | None = None) -> RecipeError:
        """Give the error to show, for a file and a line."""
        return RecipeError(f"{name}:{line or self.line}: {self.message}")


def _load(text: str, loader: Any) -> object:
    if text.count("\n") + text.count(",") + text.count("- ") > MOST_VALUES:
        raise YamlError(f"it holds more than {MOST_VALUES:,} values", 1)
    held = _composed(text, loader)
    if "&" in text and "*" in text and _is_endless(held):
        raise YamlError(f"its aliases make more than {MOST_VALUES:,} values of it", 1)
    return held


def _is_endless(held: object) -> bool:
    """Say whether aliases make too much of a value: each counts as often as it would be written."""
    pending, count = [held], 0
    while pending and count <= MOST_VALUES:
        one = pending.pop()
        count += 1
        if isinstance(one, dict | list):
            count += len(one)
            if count <= MOST_VALUES:
                pending += one.values() if isinstance(one, dict) else one
    return count > MOST_VALUES


def _composed(text: str, loader: Any) -> object:
    reader = None
    try:
        reader = loader(text)
        return reader.get_single_data()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        said = " ".join(part for part in (error.context, error.problem) if part)
        raise YamlError(said or "the YAML cannot be read", mark.line + 1 if mark else 1) from error
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise YamlError(
            f"the character {error.character!r} is not allowed in YAML", line
        ) from error
    except (RecursionError, ValueError, TypeError, UnicodeEncodeError) as error:
        said = "the YAML is nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise YamlError(said, 1) from error
    finally:
        if reader is not None:
            reader.dispose()
