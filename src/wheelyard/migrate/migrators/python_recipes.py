"""Clean-ups of recipes of Python packages, and the licence file that every package carries."""

import re
from typing import ClassVar

from wheelyard.migrate.amendment import Amendment, column_of_items, column_of_keys
from wheelyard.migrate.feedstock import Feedstock
from wheelyard.migrate.migrator import CleanUp
from wheelyard.migrate.requirement_lines import TOP
from wheelyard.recipes.document import Document, Entry

_OLD_SCRIPT = re.compile(
    r"""(['"]?)(?:"?\{\{\s*PYTHON\s*\}\}"?|python|\$PYTHON)\s+
    (?:setup\.py\s+install(?:\s+--single-version-externally-managed|\s+--record[= ]\S+)*
    |-m\s+pip\s+install\s+--no-deps\s+--ignore-installed\s+\.)\s*\1""",
    re.VERBOSE,
)
_SCRIPT = "{{ PYTHON }} -m pip install . --no-deps -vv"


class UsePip(CleanUp):
    """pip installs what a back end builds; ``setup.py install`` is gone."""

    name: ClassVar[str] = "use-pip"
    summary: ClassVar[str] = "install with pip instead of `setup.py install`"

    def edit(self, feedstock: Feedstock) -> Feedstock:
        """Write pip's command, and require pip where nothing does."""
        document = feedstock.document
        amendment = Amendment(document)
        for output, script in _scripts(document):
            if not _OLD_SCRIPT.fullmatch(script.value):
                continue
            quote = script.value[0] if script.value[0] in "'\"" else ""
            amendment.write(script.value_span, f"{quote}{_SCRIPT}{quote}")
            _require_pip(amendment, feedstock, output)
        return feedstock.with_recipe(amendment.text)


def _scripts(document: Document) -> list[tuple[int, Entry]]:
    found = [(TOP, entry) for entry in document.find("build", "script")]
    outputs = [item for key in document.find("outputs") for item in key.entries if item.is_item]
    for number, item in enumerate(outputs):
        for build in item.child("build"):
            found += [(number, entry) for entry in build.child("script")]
    return found


def _require_pip(amendment: Amendment, feedstock: Feedstock, output: int) -> None:
    own = {each.name: each for each in feedstock.sections if each.output == output}
    section = own.get("host") or own.get("build")
    if section is None or "pip" in section.names() or not section.key.entries:
        return
    last = section.key.entries[-1]
    amendment.after(last, f"{' ' * last.column}- pip")


class PipCheck(CleanUp):
    """``pip check`` finds requirements that a recipe forgot."""

    name: ClassVar[str] = "pip-check"
    summary: ClassVar[str] = "run `pip check` in the tests of Python packages"

    def edit(self, feedstock: Feedstock) -> Feedstock:
        """Add the command, and pip, to each test of a package that is built with Python."""
        document = feedstock.document
        amendment = Amendment(document)
        needs = {
            section.output
            for section in feedstock.sections
            if section.name == "host" and "python" in section.names()
        }
        if not document.find("outputs"):
            needs |= {
                section.output
                for section in feedstock.sections
                if section.name == "build"
                and "python" in section.names()
                and not document.find("requirements", "host")
            }
        outputs = [item for key in document.find("outputs") for item in key.entries if item.is_item]
        for test in document.find("test"):
            imports = document.find("test", "imports") if outputs else ()
            if TOP in needs or (needs and imports):
                _add_check(amendment, test)
        for number, item in enumerate(outputs):
            for test in item.child("test") if number in needs else ():
                _add_check(amendment, test)
        return feedstock.with_recipe(amendment.text)


def _add_check(amendment: Amendment, test: Entry) -> None:
    if any("pip check" in item.value for key in test.child("commands") for item in key.entries):
        return
    added: list[str] = []
    indent = " " * column_of_keys(test)
    selector = f"  # [{test.selector}]" if test.selector else ""
    for key, value in (("requires", "pip"), ("commands", "python -m pip check")):
        held = test.child(key)
        if not held:
            added += [f"{indent}{key}:{selector}", f"{indent}  - {value}{selector}"]
        for each in held:
            _append(amendment, each, value)
    if added and test.entries:
        amendment.after(test.entries[-1], *added)
    elif added:
        amendment.below_key(test, *added)


def _append(amendment: Amendment, key: Entry, value: str) -> None:
    items = [item for item in key.entries if item.is_item]
    if any(item.scalar.split()[:1] == [value] for item in items):
        return
    selector = f"  # [{key.selector}]" if key.selector else ""
    line = f"{' ' * column_of_items(key)}- {value}{selector}"
    if items:
        amendment.after(items[-1], line)
    elif key.value.startswith("["):
        inner = key.value.strip()[1:-1].strip()
        amendment.write(key.value_span, f"[{inner}, {value}]" if inner else f"[{value}]")
    else:
        amendment.below_key(key, line)


_FAMILIES = ("gpl", "bsd", "mit", "apache", "psf")
_LICENCE_FILES = ("license", "licence", "copying", "copyright")


class LicenceFile(CleanUp):
    """Most licences want their text to be handed on."""

    name: ClassVar[str] = "licence-file"
    summary: ClassVar[str] = "name the file of the licence, where the licence wants to be handed on"
    after: ClassVar[bool] = True
    forms: ClassVar[tuple[int, ...]] = (0, 1)

    def edit(self, feedstock: Feedstock) -> Feedstock:
        """Name the files that the source has; where nobody looked, the name that is usual."""
        document = feedstock.document
        licences = document.find("about", "license")
        if not licences or document.find("about", "license_file") or _is_r(feedstock):
            return feedstock
        licence = licences[0]
        said = [entry.scalar for entry in document.find("about", "license_family")]
        family = (said[0] if said else licence.scalar).lower()
        if not any(word in family for word in _FAMILIES):
            return feedstock
        files = _licence_files(feedstock.source_files)
        if not files:
            return feedstock
        indent = " " * licence.column
        amendment = Amendment(document)
        if len(files) == 1:
            amendment.after(licence, f"{indent}license_file: {files[0]}")
        else:
            amendment.after(
                licence, f"{indent}license_file:", *(f"{indent}  - {each}" for each in files)
            )
        edited = feedstock.with_recipe(amendment.text)
        if feedstock.source_files is None:
            edited = edited.remarked(
                "license_file: LICENSE was guessed; nobody looked into the source"
            )
        return edited


def _is_r(feedstock: Feedstock) -> bool:
    """Say whether a package is R's: its licences are files of R itself."""
    return feedstock.name.startswith("r-") and "r-base" in feedstock.recipe


def _licence_files(source: tuple[str, ...] | None) -> list[str]:
    if source is None:
        return ["LICENSE"]
    return sorted(
        path for path in source if "/" not in path and path.lower().startswith(_LICENCE_FILES)
    )
