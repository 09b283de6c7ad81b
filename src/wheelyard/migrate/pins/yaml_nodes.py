"""YAML as a tree of text with line numbers.

Pins are versions: ``3.10`` must stay that and never become 3.1, keys may stand twice under different
selectors, and a fault needs its line. So files are composed, not loaded.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from wheelyard.errors import InvalidMigrationError

_LOADER = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
_DEEPEST = 100
_SELECTOR = re.compile(r"#[^\[]*\[([^\[\]]+)\](?=[^()]*$)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One key of a mapping: where it begins, and its value."""

    key: str
    line: int
    value: Node


def compose(text: str, name: str) -> Node | None:
    """Read a YAML text as nodes. Raises InvalidMigrationError with the line of a fault."""
    try:
        return yaml.compose(text.lstrip("\ufeff"), Loader=_LOADER)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f":{mark.line + 1}" if mark is not None else ""
        raise InvalidMigrationError(
            f"{name}{line}: this is not YAML: {error.problem or error.context}",
            hint="Mend that line; a value that begins with *, & or % wants quotes.",
        ) from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise InvalidMigrationError(f"{name}: this is not YAML: {error}") from error


def entries(node: Node | None, name: str) -> Iterator[Entry]:
    """Give the keys of a mapping in order. Raises InvalidMigrationError where it is none."""
    if node is None or (isinstance(node, ScalarNode) and is_null(node)):
        return
    if not isinstance(node, MappingNode):
        raise InvalidMigrationError(
            f"{name}:{line_of(node)}: a mapping of keys to values is wanted here",
            hint="Write `key:` and its values below it.",
        )
    for key, value in node.value:
        if not isinstance(key, ScalarNode):
            raise InvalidMigrationError(f"{name}:{line_of(key)}: a key is a word")
        yield Entry(key=str(key.value), line=line_of(key), value=value)


def line_of(node: Node) -> int:
    """Say on which line, from 1, a node begins."""
    return int(node.start_mark.line) + 1


def is_null(node: Node) -> bool:
    """Say whether a scalar was left empty, or says ``null`` or ``~`` without quotes."""
    return (
        isinstance(node, ScalarNode)
        and node.style is None
        and str(node.value) in {"", "null", "~", "Null", "NULL"}
    )


def scalars(node: Node) -> tuple[ScalarNode, ...]:
    """Give the scalars of a list, or a scalar alone; what is nested deeper is left out."""
    if isinstance(node, SequenceNode):
        return tuple(each for each in node.value if isinstance(each, ScalarNode))
    if isinstance(node, ScalarNode) and not is_null(node):
        return (node,)
    return ()


_MOST_NODES = 100_000
"""How many nodes are followed: aliases can make few lines into more than any memory holds."""


def plain(node: Node) -> object:
    """Give a node as mappings, lists and text, every scalar as it was written."""
    return _plain(node, iter(range(_MOST_NODES)), 0)


def _plain(node: Node, budget: Iterator[int], depth: int) -> object:
    if next(budget, None) is None or depth > _DEEPEST:
        raise InvalidMigrationError(
            f"line {line_of(node)}: this YAML holds too much, by its aliases or its depth"
        )
    if isinstance(node, MappingNode):
        return {str(key.value): _plain(held, budget, depth + 1) for key, held in node.value}
    if isinstance(node, SequenceNode):
        return [_plain(each, budget, depth + 1) for each in node.value]
    return str(node.value)


def selector_of(line: str) -> str:
    """Give the selector of a line (``# [linux]`` gives ``linux``); empty where there is none."""
    found = _SELECTOR.search(line)
    return found.group(1).strip() if found else ""
