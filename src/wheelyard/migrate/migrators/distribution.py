"""Packages of the distribution below: CDTs, and the C library of CentOS 7."""

import re
from typing import ClassVar

from wheelyard.migrate.amendment import Amendment, with_comment_kept
from wheelyard.migrate.feedstock import FORGE, VARIANTS, Feedstock
from wheelyard.migrate.migrator import CleanUp
from wheelyard.migrate.migrators.forge_file import mapping_at
from wheelyard.migrate.migrators.rebuild import raised
from wheelyard.migrate.requirement_lines import Section
from wheelyard.migrate.rules.cdts import package_of

_CDT = re.compile(r"cdt\((.+)\)")
_CALL = re.compile(r"['\"]?\$?\{\{\s*cdt\(.*?\)\s*\}\}['\"]?")


class Cdt:
    """Takes the channel's own packages instead of those that were repacked from CentOS."""

    name: ClassVar[str] = "cdt"
    summary: ClassVar[str] = "require packages of the channel instead of cdt()"

    def wants(self, feedstock: Feedstock) -> bool:
        """Say whether there is a CDT of which a package is known, or none needed."""
        return any(
            (found := _CDT.fullmatch(name)) and package_of(found.group(1)) is not None
            for name in feedstock.names()
        )

    def edit(self, feedstock: Feedstock) -> Feedstock:
        """Write each package once, in the place of its CDT, with its selector in its column."""
        amendment = Amendment(feedstock.document)
        unknown: set[str] = set()
        for section in feedstock.sections:
            unknown |= _without_cdts(feedstock, amendment, section)
        edited = raised(feedstock.with_recipe(amendment.text))
        for name in sorted(unknown):
            edited = edited.remarked(
                f"cdt('{name}') stays: no package is known that took its place"
            )
        return edited


def _without_cdts(feedstock: Feedstock, amendment: Amendment, section: Section) -> set[str]:
    seen = {(line.name, line.entry.selector) for line in section.lines}
    unknown = set()
    for line in section.lines:
        found = _CDT.fullmatch(line.name)
        if found is None:
            continue
        package = package_of(found.group(1))
        row = amendment.row_span(line.entry.number)
        if package is None:
            unknown.add(found.group(1))
        elif not package or (package, line.entry.selector) in seen:
            amendment.drop(line.entry)
        else:
            seen.add((package, line.entry.selector))
            written = row.of(feedstock.recipe)
            call = _CALL.search(written)
            assert call is not None
            amendment.write(row, with_comment_kept(written, call.group(), package))
    return unknown


_COS7 = (
    ("cudnn:", r"undefined", "undefined"),
    ("cuda_compiler_version:", r"None", "None"),
    (
        "docker_image:",
        r"(?:quay\.io/)?condaforge/linux-anvil-cos7-x86_64",
        "quay.io/condaforge/linux-anvil-cos7-x86_64",
    ),
    ("cdt_name:", r"cos7", "cos7"),
)
_SELECTOR = "# [linux64]"


class Cos7(CleanUp):
    """A recipe that needs CentOS 7's C library is built in its image, too."""

    name: ClassVar[str] = "cos7"
    summary: ClassVar[str] = "build in the CentOS 7 image where sysroot_linux-64 2.17 is required"
    forms: ClassVar[tuple[int, ...]] = (0, 1)

    def edit(self, feedstock: Feedstock) -> Feedstock:
        """Add what the variants lack."""
        variants = feedstock.text(VARIANTS)
        if variants is None or not re.search(r"sysroot_linux-64\s+2\.17", feedstock.recipe):
            return feedstock
        if mapping_at(feedstock.text(FORGE) or "", "os_version").get("linux_64") == "cos7":
            return feedstock
        added = "".join(
            f"{key:<50}{_SELECTOR}\n{f'  - {value}':<50}{_SELECTOR}\n"
            for key, pattern, value in _COS7
            if not _holds(variants, key, pattern)
        )
        start = variants if not variants or variants.endswith("\n") else f"{variants}\n"
        return feedstock.with_file(VARIANTS, start + added) if added else feedstock


def _holds(variants: str, key: str, pattern: str) -> bool:
    selector = r"[ \t]+#\s+\[linux64\][ \t]*\r?\n"
    return bool(re.search(rf"^{key}{selector}  [ ]*- {pattern}{selector}", variants, re.MULTILINE))
