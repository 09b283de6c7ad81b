"""The requirements of a recipe as they are written: each with its line, section and output.

Both branches of a selector and of an ``{% if %}`` are there; so are both of a ``recipe.yaml``'s
``if``. Names are as far known as text says them: ``{{ compiler('c') }}`` is ``compiler(c)``.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from wheelyard.recipes.document import Document, Entry

TOP = -1
"""The output number of what stands at the top level of a recipe."""

_CALL = re.compile(r"\$?\{\{\s*(\w+)\(\s*(?:\w+\s*=\s*)?['\"]([^'\"]+)['\"].*?\}\}")
_NAME = re.compile(r"[^\s=<>!~\[,|#]+")
_SECTIONS = {"run_constraints": "run_constrained", "run_constrained": "run_constrained"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One requirement. ``entry`` is what is written; ``branches`` the entries of the ``if``s around it."""

    entry: Entry
    branches: tuple[Entry, ...] = ()

    @property
    def specification(self) -> str:
        """The requirement as written, without quotes."""
        return self.entry.scalar.strip()

    @property
    def name(self) -> str:
        """Its package's name in lower case, ``compiler(c)`` and the like for calls."""
        return name_of(self.specification)


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A list of requirements: ``build``, ``host``, ``run``, ``run_constrained`` or ``test``.

    ``key`` is the entry of its key, of which there may be more than one for a section.
    """

    name: str
    output: int
    key: Entry
    lines: tuple[Line, ...]

    def names(self) -> set[str]:
        """Give the names of what it lists."""
        return {line.name for line in self.lines}


@lru_cache(maxsize=65536)
def name_of(specification: str) -> str:
    """Give the name of what a requirement asks for."""
    call = _CALL.match(specification)
    if call is not None and call.group(1) in _CALLS:
        return f"{call.group(1)}({call.group(2)})".lower()
    found = _NAME.match(specification.rpartition("::")[2])
    return found.group().lower() if found else ""


_CALLS = {"compiler", "stdlib", "cdt", "pin_compatible", "pin_subpackage"}


def sections(document: Document) -> tuple[Section, ...]:
    """Give every list of requirements of a recipe, in the order of its text within each part."""
    found = list(_of_part(document.entries, TOP))
    number = 0
    for outputs in (entry for entry in document.entries if entry.key == "outputs"):
        for item in outputs.entries:
            if item.is_item:
                found += _of_part(item.entries, number)
                number += 1
    return tuple(found)


def _of_part(entries: tuple[Entry, ...], output: int) -> Iterator[Section]:
    for entry in entries:
        if entry.key == "requirements":
            yield from _of_requirements(entry, output)
        elif entry.key == "test":
            for child in (*entry.child("requires"), *entry.child("requirements")):
                yield _section("test", output, child)
        elif entry.key == "tests":
            for item in entry.entries:
                for requirements in (each for each in item.through() if each.key == "requirements"):
                    for child in requirements.entries:
                        yield _section("test", output, child)


def _of_requirements(entry: Entry, output: int) -> Iterator[Section]:
    children = entry.entries
    if any(child.is_item for child in children):
        # An output may list what it needs to run without a section.
        yield _section("run", output, entry)
        return
    for child in children:
        name = _SECTIONS.get(child.key, child.key)
        if name in {"build", "host", "run", "run_constrained"}:
            yield _section(name, output, child)


def _section(name: str, output: int, key: Entry) -> Section:
    lines = tuple(_lines(key.entries, ()))
    if not lines and key.value and not key.value.startswith(("[", "{", "|", ">")):
        lines = (Line(entry=key),)
    return Section(name=name, output=output, key=key, lines=lines)


def _lines(entries: tuple[Entry, ...], branches: tuple[Entry, ...]) -> Iterator[Line]:
    for entry in entries:
        if not entry.is_item:
            continue
        keys = {child.key: child for child in entry.entries if not child.is_item}
        if "if" in keys:
            for word in ("then", "else"):
                for branch in (child for child in entry.entries if child.key == word):
                    yield from _branch(branch, (*branches, entry))
        elif not entry.entries:
            yield Line(entry=entry, branches=branches)


def _branch(branch: Entry, branches: tuple[Entry, ...]) -> Iterator[Line]:
    if branch.entries:
        yield from _lines(branch.entries, branches)
    elif branch.value:
        yield Line(entry=branch, branches=branches)


def names_in(found: Iterable[Section], *wanted: str) -> set[str]:
    """Give the names in some sections (all, where none is named)."""
    return {
        line.name
        for section in found
        if not wanted or section.name in wanted
        for line in section.lines
    }
