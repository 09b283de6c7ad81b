"""One requirement for another."""

import re
from dataclasses import dataclass
from typing import ClassVar

from wheelyard.errors import RefusedEditError
from wheelyard.migrate.amendment import Amendment
from wheelyard.migrate.feedstock import Feedstock
from wheelyard.migrate.migrator import CleanUp
from wheelyard.migrate.migrators.rebuild import raised
from wheelyard.migrate.requirement_lines import Line
from wheelyard.recipes.spans import Span

_YUM = "recipe/yum_requirements.txt"
_SECTIONS = ("build", "host", "run", "test")


def with_names_replaced(feedstock: Feedstock, old: str, new: str) -> str:
    """Give the recipe with each requirement of one name written under another; its pin stays."""
    amendment = Amendment(feedstock.document)
    for section in feedstock.sections:
        for line in section.lines:
            if line.name == old and section.name in _SECTIONS:
                amendment.write(name_span(line, old), new)
    return amendment.text


def name_span(line: Line, name: str) -> Span:
    """Give where the name of a requirement is written."""
    span = line.entry.value_span
    text = line.entry.value
    found = re.search(re.escape(name), text, re.IGNORECASE)
    assert found is not None, "a line has the name that was read from it"
    return Span(start=span.start + found.start(), end=span.start + found.end())


@dataclass(frozen=True, kw_only=True)
class Replacement:
    """Depends on one package instead of another, everywhere in a recipe."""

    name: ClassVar[str] = "replacement"
    summary: ClassVar[str] = "require one package instead of another, its pin kept"
    old: str
    new: str

    def wants(self, feedstock: Feedstock) -> bool:
        """Say whether the recipe requires the old one."""
        return self.old.lower() in feedstock.names(*_SECTIONS)

    def edit(self, feedstock: Feedstock) -> Feedstock:
        """Write the new name and raise the build number."""
        if self.old == self.new:
            raise RefusedEditError(f"{self.old!r} is to be replaced by itself")
        text = with_names_replaced(feedstock, self.old.lower(), self.new)
        return raised(feedstock.with_recipe(text))


@dataclass(frozen=True, kw_only=True)
class MatplotlibBase(Replacement):
    """Depends on matplotlib-base, which brings no windows; tests then want an X server."""

    name: ClassVar[str] = "matplotlib-base"
    summary: ClassVar[str] = "require matplotlib-base instead of matplotlib"
    old: str = "matplotlib"
    new: str = "matplotlib-base"

    def edit(self, feedstock: Feedstock) -> Feedstock:
        """Write the new name, and what tests of plots need from the system."""
        held = feedstock.text(_YUM) or ""
        wanted = "xorg-x11-server-Xorg"
        if wanted not in held.split():
            start = held if not held or held.endswith("\n") else f"{held}\n"
            feedstock = feedstock.with_file(_YUM, f"{start}{wanted}\n")
        # `super()` without arguments does not work in a dataclass with slots; this one has none.
        return super().edit(feedstock)


@dataclass(frozen=True, kw_only=True)
class MiniReplacement(CleanUp):
    """Depends on one package instead of another, while something else is changed."""

    name: ClassVar[str] = "mini-replacement"
    summary: ClassVar[str] = "require one package instead of another where `sections` (host) do"
    forms: ClassVar[tuple[int, ...]] = (0, 1)
    old: str
    new: str
    sections: tuple[str, ...] = ("host",)

    def edit(self, feedstock: Feedstock) -> Feedstock:
        """Write the new name."""
        if self.old not in feedstock.names(*self.sections):
            return feedstock
        return feedstock.with_recipe(with_names_replaced(feedstock, self.old, self.new))


@dataclass(frozen=True, kw_only=True)
class QtMain(MiniReplacement):
    """Qt was split; what links against it needs its main part only."""

    name: ClassVar[str] = "qt-main"
    summary: ClassVar[str] = "require qt-main instead of qt"
    old: str = "qt"
    new: str = "qt-main"


@dataclass(frozen=True, kw_only=True)
class LibLzma(MiniReplacement):
    """What links against liblzma needs no more of xz than that."""

    name: ClassVar[str] = "liblzma-devel"
    summary: ClassVar[str] = "require liblzma-devel instead of xz"
    old: str = "xz"
    new: str = "liblzma-devel"


@dataclass(frozen=True, kw_only=True)
class LibJpegTurbo(MiniReplacement):
    """libjpeg-turbo took jpeg's place."""

    name: ClassVar[str] = "libjpeg-turbo"
    summary: ClassVar[str] = "require libjpeg-turbo instead of jpeg"
    old: str = "jpeg"
    new: str = "libjpeg-turbo"


class NoNumpyPin(CleanUp):
    """NumPy exports its own lower bound since version 2."""

    name: ClassVar[str] = "numpy-pin"
    summary: ClassVar[str] = "drop pin_compatible('numpy'), which numpy exports itself"

    def edit(self, feedstock: Feedstock) -> Feedstock:
        """Remove the lines."""
        amendment = Amendment(feedstock.document)
        for section in feedstock.sections:
            for line in section.lines:
                if line.name == "pin_compatible(numpy)":
                    amendment.drop(line.entry)
        return feedstock.with_recipe(amendment.text)


@dataclass(frozen=True, kw_only=True)
class PinRemoval:
    """Lets the ecosystem's pins say which version of a package it is."""

    name: ClassVar[str] = "pin-removal"
    summary: ClassVar[str] = "drop version pins of packages (of all, where none is named)"
    packages: tuple[str, ...] = ()

    def wants(self, feedstock: Feedstock) -> bool:
        """Say whether one of them is pinned in the recipe."""
        return self._edited(feedstock) != feedstock.recipe

    def edit(self, feedstock: Feedstock) -> Feedstock:
        """Drop the versions and raise the build number."""
        return raised(feedstock.with_recipe(self._edited(feedstock)))

    def _edited(self, feedstock: Feedstock) -> str:
        amendment = Amendment(feedstock.document)
        for section in feedstock.sections:
            for line in section.lines:
                if not self.packages or line.name in self.packages:
                    drop_pin(amendment, line)
        return amendment.text


def drop_pin(amendment: Amendment, line: Line) -> None:
    """Remove all behind the name of a requirement; calls of templates are left alone."""
    if "(" in line.name or not line.name or line.name.startswith("{"):
        return
    span = line.entry.value_span
    name = name_span(line, line.name)
    quote = line.entry.value[-1:] if line.entry.value[:1] in {"'", '"'} else ""
    end = span.end - len(quote)
    if end > name.end:
        amendment.write(Span(start=name.end, end=end), "")
