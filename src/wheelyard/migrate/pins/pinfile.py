"""A pin file: which versions an ecosystem builds against, read with the place of each.

Blocks follow one another: a key at the start of a line, and what is indented below it. A key may
stand more than once, under different selectors; each is a block of its own.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from yaml.nodes import Node, SequenceNode

from wheelyard.migrate.pins.yaml_nodes import (
    Entry,
    compose,
    entries,
    is_null,
    line_of,
    plain,
    scalars,
    selector_of,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PinValue:
    """One value of a pin, the selector of its line, and that line (from 1)."""

    text: str
    selector: str = ""
    line: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Pin:
    """One block: a key with its values. ``start`` and ``end`` are lines from 0, ``end`` excluded.

    Comments and empty lines below the last value belong to what follows.
    """

    key: str
    values: tuple[PinValue, ...]
    selector: str = ""
    start: int
    end: int

    @property
    def texts(self) -> tuple[str, ...]:
        """The values alone."""
        return tuple(value.text for value in self.values)


@dataclass(frozen=True, slots=True, kw_only=True)
class PinFile:
    """A pin file, or the pins of a migration. ``name`` is said in messages."""

    name: str
    text: str
    pins: tuple[Pin, ...]
    zip_keys: tuple[tuple[str, ...], ...] = ()
    run_as_build: Mapping[str, object]

    @classmethod
    def parse(cls, text: str, *, name: str) -> "PinFile":
        """Read a pin file. Raises InvalidMigrationError with the line of a fault."""
        found = tuple(entries(compose(text, name), name))
        lines = text.splitlines()
        return cls(
            name=name,
            text=text,
            pins=tuple(_pins(found, lines)),
            zip_keys=tuple(_groups(found)),
            run_as_build={
                key: value
                for entry in found
                if entry.key == "pin_run_as_build"
                for key, value in _mapping(entry.value).items()
            },
        )

    def names(self) -> tuple[str, ...]:
        """Give the keys, each once, in the order of the file."""
        return tuple(dict.fromkeys(pin.key for pin in self.pins))

    def of(self, key: str) -> tuple[PinValue, ...]:
        """Give the values of a key, of all its blocks."""
        return tuple(
            PinValue(text=value.text, selector=_both(pin.selector, value.selector), line=value.line)
            for pin in self.pins
            if pin.key == key
            for value in pin.values
        )

    def zipped_with(self, key: str) -> tuple[str, ...]:
        """Give the keys that move together with one, itself among them."""
        for group in self.zip_keys:
            if key in group:
                return group
        return (key,)


def _both(outer: str, inner: str) -> str:
    if outer and inner and outer != inner:
        return f"({outer}) and ({inner})"
    return outer or inner


def _mapping(node: Node) -> dict[str, object]:
    held = plain(node)
    return held if isinstance(held, dict) else {}


def _pins(found: Iterable[Entry], lines: list[str]) -> Iterable[Pin]:
    """Give a block for each key that holds values; lists of lists and mappings are no pins."""
    for entry in found:
        own = _own_values(entry.value, lines)
        if own is None:
            continue
        start = entry.line - 1
        yield Pin(
            key=entry.key,
            values=tuple(own),
            selector=selector_of(lines[start]) if start < len(lines) else "",
            start=start,
            end=block_end(lines, start),
        )


def _own_values(node: Node, lines: list[str]) -> list[PinValue] | None:
    if isinstance(node, SequenceNode):
        if any(isinstance(each, SequenceNode) for each in node.value):
            return None
        return [
            PinValue(
                text="" if is_null(each) else str(each.value),
                selector=selector_of(lines[line_of(each) - 1]),
                line=line_of(each),
            )
            for each in scalars(node)
        ]
    one = scalars(node)
    if one:
        return [PinValue(text=str(one[0].value), line=line_of(one[0]))]
    return [] if is_null(node) else None


def _groups(found: Iterable[Entry]) -> Iterable[tuple[str, ...]]:
    for entry in found:
        if entry.key == "zip_keys" and isinstance(entry.value, SequenceNode):
            for group in entry.value.value:
                names = tuple(str(each.value) for each in scalars(group))
                if names:
                    yield names


def begins_block(line: str) -> bool:
    """Say whether a line begins a key of the file itself."""
    return bool(line) and (line[0].isalnum() or line[0] in "_'\"")


def block_end(lines: list[str], start: int) -> int:
    """Give the line after the last that belongs to the block that begins at ``start``."""
    end = start + 1
    for at in range(start + 1, len(lines)):
        line = lines[at]
        if begins_block(line):
            break
        if line.strip() and not line.startswith("#"):
            end = at + 1
    return end
