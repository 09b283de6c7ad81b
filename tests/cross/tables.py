"""Golden tables: what a build calls, and below what is run instead, or why nothing is.

What each kind of command ends with is written ``{c}``, ``{c++}``, ``{link}``…, as ``endings`` says.
"""

import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cross.crossings import CROSSINGS
from wheelyard.cross.description import Crossing
from wheelyard.cross.lines import lines
from wheelyard.cross.rewrite import Command, Refused, Rewritten
from wheelyard.cross.rules import Rules, parse

FOLDER = "/build/source"
MESON, CMAKE = "/build/across/cross-file.ini", "/build/across/toolchain.cmake"
TABLES = Path(__file__).parent.parent / "data" / "cross"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One command of a table."""

    kind: str
    line: int
    called: str
    expected: str

    @property
    def command(self) -> Command:
        return Command(argv=tuple(shlex.split(self.called)), folder=FOLDER)

    @property
    def crossing(self) -> Crossing:
        return CROSSINGS[self.kind]

    def __str__(self) -> str:
        return f"{self.kind}:{self.line}"


def rules_of(kind: str) -> Rules:
    return parse(lines(CROSSINGS[kind], meson=MESON, cmake=CMAKE))


def rows(kind: str) -> Iterator[Row]:
    text = (TABLES / f"{kind}.txt").read_text().splitlines()
    for number, line in enumerate(text):
        if line.startswith("$ "):
            expected = text[number + 1].strip()
            yield Row(kind=kind, line=number + 1, called=line[2:], expected=expected)


def all_rows() -> list[Row]:
    return [row for kind in CROSSINGS for row in rows(kind)]


def endings(kind: str) -> dict[str, str]:
    """Return what stands for the words that commands end with."""
    rules = rules_of(kind)
    found: dict[str, str] = {}
    for name in ("c", "c++", "link", "linker", "compile"):
        if words := rules.after.get(name):
            found.setdefault(shlex.join(words), "{" + name + "}")
    return dict(sorted(found.items(), key=lambda item: -len(item[0])))


def written(kind: str, outcome: Rewritten | Refused) -> str:
    """Write an outcome as tables have it."""
    if isinstance(outcome, Refused):
        return f"! {outcome.reason}"
    text = shlex.join(outcome.argv)
    for words, name in endings(kind).items():
        text = text.replace(words, name)
    return text
