"""Building once for all platforms, where a recipe compiles nothing."""

import re
from dataclasses import dataclass
from typing import ClassVar

from wheelyard.migrate.amendment import Amendment, column_of_keys
from wheelyard.migrate.feedstock import BUILD_SH, Feedstock
from wheelyard.migrate.migrators.rebuild import raised
from wheelyard.recipes.document import Entry

_COMPILED = frozenset({"toolchain", "toolchain3", "gcc", "libgcc", "cython", "clangdev"})


def _may_be_noarch(feedstock: Feedstock) -> bool:
    document = feedstock.document
    found = feedstock.names()
    return not (
        feedstock.is_v1
        or document.find("outputs")
        or document.find("build", "noarch")
        or found & _COMPILED
        or any(name.startswith("compiler(") for name in found)
        or not document.find("build")
    )


def _say_noarch(amendment: Amendment, build: Entry, kind: str) -> None:
    amendment.below_key(build, f"{' ' * column_of_keys(build)}noarch: {kind}")


@dataclass(frozen=True, kw_only=True)
class Noarch:
    """A Python package without compiled parts and without selectors is built once."""

    name: ClassVar[str] = "noarch"
    summary: ClassVar[str] = "build a Python package without compiled parts once, for all platforms"

    def wants(self, feedstock: Feedstock) -> bool:
        """Say whether nothing in the recipe depends on a platform."""
        return (
            _may_be_noarch(feedstock)
            and "python" in feedstock.names("build", "host", "run")
            and not re.search(r"#[^\n]*\[[^\[\]\n]+\]", feedstock.recipe)
        )

    def edit(self, feedstock: Feedstock) -> Feedstock:
        """Say ``noarch: python``, install with pip, and call build host."""
        document = feedstock.document
        amendment = Amendment(document)
        _say_noarch(amendment, document.find("build")[0], "python")
        for script in document.find("build", "script"):
            if re.search(r"setup\.py\s+install", script.value) and not script.entries:
                quote = script.value[0] if script.value[0] in "'\"" else ""
                command = "python -m pip install --no-deps --ignore-installed ."
                amendment.write(script.value_span, f"{quote}{command}{quote}")
        found = {section.name: section for section in feedstock.sections}
        built = found.get("host") or found.get("build")
        if "host" not in found and "build" in found:
            amendment.write(found["build"].key.key_span, "host")
        if built is not None and "pip" not in built.names() and built.key.entries:
            first = built.key.entries[0]
            amendment.before(first, f"{' ' * first.column}- pip")
        return raised(feedstock.with_recipe(amendment.text))


_R_SCRIPT = """\
#!/bin/bash
export DISABLE_AUTOBREW=1
${R} CMD INSTALL --build . ${R_ARGS}
"""


@dataclass(frozen=True, kw_only=True)
class NoarchR:
    """An R package without compiled parts is built once."""

    name: ClassVar[str] = "noarch-r"
    summary: ClassVar[str] = "build an R package without compiled parts once, for all platforms"

    def wants(self, feedstock: Feedstock) -> bool:
        """Say whether it is R's and compiles nothing."""
        return feedstock.name.startswith("r-") and _may_be_noarch(feedstock)

    def edit(self, feedstock: Feedstock) -> Feedstock:
        """Say ``noarch: generic``; drop skips of platforms and paths that are one platform's."""
        document = feedstock.document
        amendment = Amendment(document)
        _say_noarch(amendment, document.find("build")[0], "generic")
        for skip in document.find("build", "skip"):
            if skip.scalar.lower() == "true":
                amendment.drop(skip)
        for licence in document.find("about", "license_file"):
            if licence.selector == "win" and "share\\licenses" in licence.value:
                amendment.drop(licence)
            elif licence.selector == "unix" and "share/licenses" in licence.value:
                row = amendment.row_span(licence.number)
                kept = row.of(feedstock.recipe)[: licence.row.value_end - row.start]
                amendment.write(row, kept + document.newline)
        edited = raised(feedstock.with_recipe(amendment.text))
        if feedstock.text(BUILD_SH) is None and not document.find("build", "script"):
            edited = edited.with_file(BUILD_SH, _R_SCRIPT)
        return edited
