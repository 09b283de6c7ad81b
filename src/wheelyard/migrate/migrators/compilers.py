"""Compilers and the C library: how recipes ask for them, as that changed over the years."""

import re
from itertools import takewhile
from typing import ClassVar

from wheelyard.migrate.amendment import Amendment, column_of_items
from wheelyard.migrate.feedstock import VARIANTS, Feedstock
from wheelyard.migrate.migrator import CleanUp
from wheelyard.migrate.migrators.rebuild import raised
from wheelyard.migrate.migrators.replacing import drop_pin
from wheelyard.migrate.requirement_lines import TOP, Line, Section
from wheelyard.migrate.rules.pinned import PINNED
from wheelyard.recipes.document import Document
from wheelyard.recipes.rows import RowKind

_COMPILER = re.compile(r"compiler\((m2w64_)?(c|cxx|fortran)\)")
_SYSROOT = re.compile(r"sysroot_linux-64\s*=?=?\s*2\.17")


def _is_compiler(line: Line) -> bool:
    return bool(_COMPILER.fullmatch(line.name))


class Compilers:
    """From ``toolchain`` to ``compiler()``, and from one list of requirements to build and host."""

    name: ClassVar[str] = "compilers"
    summary: ClassVar[str] = (
        "ask for compilers by language instead of `toolchain`; split build and host"
    )

    def wants(self, feedstock: Feedstock) -> bool:
        """Say whether the recipe asks for the old toolchain."""
        found = feedstock.names("build")
        return bool(found & {"toolchain", "toolchain3", "gcc"}) and not any(
            name.startswith("compiler(") for name in found
        )

    def edit(self, feedstock: Feedstock) -> Feedstock:
        """Ask for compilers in build, for everything else in host; drop pins that the ecosystem has."""
        amendment = Amendment(feedstock.document)
        for section in feedstock.sections:
            if section.name == "build":
                _split(amendment, section)
            for line in section.lines:
                if line.name in PINNED:
                    drop_pin(amendment, line)
        return raised(feedstock.with_recipe(amendment.text))


def _split(amendment: Amendment, section: Section) -> None:
    old = [
        line for line in section.lines if line.name in {"toolchain", "toolchain3", "gcc", "libgcc"}
    ]
    if not old:
        return
    key = section.key
    indent, items = " " * key.column, " " * column_of_items(key)
    compilers = [f"{items}- {{{{ compiler('{word}') }}}}" for word in ("fortran", "c", "cxx")]
    if len(old) == len(section.lines):
        amendment.below_key(key, *compilers)
    else:
        amendment.before(key, f"{indent}build:", *compilers)
        amendment.write(key.key_span, "host")
    for line in old:
        amendment.drop(line.entry)


class StandardLibrary(CleanUp):
    """Says which C library a recipe builds against: ``stdlib("c")`` beside its compilers."""

    name: ClassVar[str] = "stdlib"
    summary: ClassVar[str] = "add stdlib('c') beside compilers, for sysroot_linux-64 and __osx"

    def wants(self, feedstock: Feedstock) -> bool:
        """Say whether there are compilers or a sysroot, and no ``stdlib`` yet."""
        if feedstock.is_v1 or re.search(r"\{\{\s*stdlib\(", feedstock.recipe):
            return False
        return any(
            _is_compiler(line) or _SYSROOT.match(line.specification)
            for section in feedstock.sections
            if section.name == "build"
            for line in section.lines
        )

    def edit(self, feedstock: Feedstock) -> Feedstock:
        """Add the requirement; carry versions over to conda_build_config.yaml."""
        amendment = Amendment(feedstock.document)
        parts: dict[int, list[Section]] = {}
        for section in feedstock.sections:
            parts.setdefault(section.output, []).append(section)
        newer = False
        for part in parts.values():
            newer |= _add_stdlib(amendment, part)
        self._add_to_outputs(feedstock, amendment, parts)
        edited = feedstock.with_recipe(amendment.text)
        variants = feedstock.text(VARIANTS)
        if newer:
            variants = (
                f'{variants or ""}\nc_stdlib_version:   # [linux]\n  - "2.17"          # [linux]\n'
            )
        if variants is None:
            return edited
        renamed = re.sub(
            r"^MACOSX_DEPLOYMENT_TARGET:", "c_stdlib_version:        ", variants, flags=re.MULTILINE
        )
        return edited.with_file(VARIANTS, renamed)

    def _add_to_outputs(
        self, feedstock: Feedstock, amendment: Amendment, parts: dict[int, list[Section]]
    ) -> None:
        """Give a build section to outputs that have a script and rely on the compilers of the top."""
        top = next((each for each in parts.get(TOP, []) if each.name == "build"), None)
        if top is None or not any(map(_is_compiler, top.lines)):
            return
        outputs = [item for key in feedstock.document.find("outputs") for item in key.entries]
        for number, output in enumerate(outputs):
            own = {each.name for each in parts.get(number, [])}
            scripted = output.child("script") or [
                each for build in output.child("build") for each in build.child("script")
            ]
            for requirements in output.child("requirements"):
                if scripted and "build" not in own and requirements.entries:
                    first = requirements.entries[0]
                    if first.is_item:
                        continue
                    indent = " " * first.column
                    amendment.before(first, f"{indent}build:", f'{indent}  - {{{{ stdlib("c") }}}}')


def _add_stdlib(amendment: Amendment, part: list[Section]) -> bool:
    """Do what one output needs; say whether it asked for a newer C library than the default."""
    newer = False
    for section in part:
        old = [line for line in section.lines if line.name == "sysroot_linux-64"]
        wanted = _placed(section) if section.name == "build" else []
        for line, selector in wanted:
            indent = " " * line.entry.column
            amendment.after(line.entry, f'{indent}- {{{{ stdlib("c") }}}}{selector}')
        for line in old:
            newer |= bool(_SYSROOT.match(line.specification))
            if wanted or line is not old[0] or section.name != "build":
                amendment.drop(line.entry)
            else:
                # Without a compiler the sysroot itself is what says that the C library matters.
                indent = " " * line.entry.column
                amendment.drop(line.entry)
                amendment.before(line.entry, f'{indent}- {{{{ stdlib("c") }}}}')
        for line in section.lines:
            if line.name == "__osx":
                amendment.drop(line.entry)
    return newer


def _placed(section: Section) -> list[tuple[Line, str]]:
    """Give the compilers behind which ``stdlib`` goes, with the selector that it shares."""
    last = {line.name: line for line in section.lines if _is_compiler(line)}
    c, windows = last.get("compiler(c)"), last.get("compiler(m2w64_c)")
    first = c or windows or next(reversed(last.values()), None)
    if first is None:
        return []
    found = [(first, _aligned(first, 2))]
    if c is not None and windows is not None:
        found.append((windows, _aligned(windows, 8)))
    return found


def _aligned(line: Line, more: int) -> str:
    """Give a line's selector as a comment that stands in the same column behind shorter text."""
    row = line.entry.row
    if row.comment < 0 or line.entry.selector is None:
        return ""
    space = row.comment - row.value_end
    return " " * (space + more) + line.entry.comment.rstrip()


class Flang(CleanUp):
    """Fortran on Windows comes from flang now: one block of compilers for all platforms."""

    name: ClassVar[str] = "flang"
    summary: ClassVar[str] = "one block of compilers for all platforms, with flang on Windows"

    def wants(self, feedstock: Feedstock) -> bool:
        """Say whether Fortran is asked for by platform."""
        return not feedstock.is_v1 and any(
            line.name == "compiler(m2w64_fortran)" or _is_for_some(line)
            for section in feedstock.sections
            if section.name == "build"
            for line in section.lines
        )

    def edit(self, feedstock: Feedstock) -> Feedstock:
        """Write one block; what it takes the place of goes."""
        amendment = Amendment(feedstock.document)
        for section in feedstock.sections:
            if section.name != "build":
                continue
            block = _block(feedstock.document, section)
            if block:
                _one_block(feedstock.document, amendment, section, block)
            for line in section.lines:
                if line.entry.number in block:
                    continue
                if _is_for_some(line):
                    indent = " " * line.entry.column
                    amendment.before(line.entry, f'{indent}- {{{{ compiler("fortran") }}}}')
                    amendment.drop(line.entry)
                elif re.fullmatch(r"flang\S*|vs2019_win-64|m2w64-gcc-(lib)?gfortran", line.name):
                    amendment.drop(line.entry)
        return feedstock.with_recipe(amendment.text)


_BLOCK = re.compile(r"(?:compiler|stdlib)\((?:m2w64_)?(c|cxx|fortran)\)")


def _is_for_some(line: Line) -> bool:
    return line.name == "compiler(fortran)" and bool(line.entry.selector)


def _block(document: Document, section: Section) -> range:
    """Give the rows around the Fortran of Windows that hold compilers or comments, from the first to the last compiler."""
    held = {line.entry.number for line in section.lines if _BLOCK.fullmatch(line.name)}
    rows = document.rows
    for line in section.lines:
        if line.name == "compiler(m2w64_fortran)":
            first = last = at = line.entry.number
            while at in held or rows[at].kind is RowKind.COMMENT:
                first, at = at if at in held else first, at - 1
            at = last
            while at < len(rows) and (at in held or rows[at].kind is RowKind.COMMENT):
                last, at = at if at in held else last, at + 1
            return range(first, last + 1)
    return range(0)


def _one_block(document: Document, amendment: Amendment, section: Section, block: range) -> None:
    inside = [line for line in section.lines if line.entry.number in block]
    outside = {line.name for line in section.lines if line.entry.number not in block}
    languages = sorted(
        {
            found.group(1)
            for line in inside
            if line.name.startswith("compiler") and (found := _BLOCK.fullmatch(line.name))
        }
    )
    indent = " " * inside[0].entry.column
    wanted = [f'stdlib("{word}")' for word in ("c",) if "stdlib(c)" not in outside]
    wanted += [f'compiler("{word}")' for word in languages if f"compiler({word})" not in outside]
    amendment.before(inside[0].entry, *(f"{indent}- {{{{ {each} }}}}" for each in wanted))
    for number in block:
        amendment.drop_row(number)
    # A comment below them is about what follows it; where that goes, it goes.
    gone = {line.entry.number for line in section.lines if line.name == "vs2019_win-64"}
    below = range(block.stop, len(document.rows))
    comments = list(takewhile(lambda at: document.rows[at].kind is RowKind.COMMENT, below))
    if comments and comments[-1] + 1 in gone:
        for number in comments:
            amendment.drop_row(number)
