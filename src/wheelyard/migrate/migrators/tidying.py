"""Clean-ups of one line or a few: names, addresses, what stands twice, what is out of use."""

import re
from typing import ClassVar

from wheelyard.migrate.amendment import Amendment
from wheelyard.migrate.feedstock import FORGE, VARIANTS, Feedstock
from wheelyard.migrate.migrator import CleanUp
from wheelyard.migrate.migrators.forge_file import loaded, without_key
from wheelyard.recipes.document import Document, Entry
from wheelyard.recipes.rows import RowKind
from wheelyard.recipes.scalars import unquoted
from wheelyard.recipes.spans import Span


class JinjaStyle(CleanUp):
    """One space inside the braces of a template."""

    name: ClassVar[str] = "jinja-style"
    summary: ClassVar[str] = "write {{ name }} for {{name}}"

    def edit(self, feedstock: Feedstock) -> Feedstock:
        """Write the spaces."""
        text = re.sub(r"\{\{[ \t]*(\S.*?)[ \t]*\}\}", r"{{ \1 }}", feedstock.recipe)
        return feedstock.with_recipe(text)


class ExtraJinjaKeys(CleanUp):
    """Templates that hide the kind of a digest, or the end of a file's name, from tools."""

    name: ClassVar[str] = "extra-jinja-keys"
    summary: ClassVar[str] = "write out {{ file_ext }}, {{ hash_type }} and {{ hash_value }}"

    def edit(self, feedstock: Feedstock) -> Feedstock:
        """Write out each, and drop its definition, where it is a constant that is used as it is."""
        text = feedstock.recipe
        if not re.search(r"\{%-?\s*set\s+(file_ext|hash_type)\b", text):
            return feedstock
        for key in ("file_ext", "hash_type", "hash_value", "hash_val"):
            definition = re.compile(
                rf"^[ \t]*\{{%-?\s*set\s+{key}\s*=\s*(['\"])([^'\"]*)\1\s*-?%\}}[ \t]*\r?\n",
                re.MULTILINE,
            )
            found = definition.findall(text)
            use = re.compile(rf"\{{\{{\s*{key}\s*\}}\}}")
            rest = use.sub("", definition.sub("", text))
            if len(found) == 1 and not re.search(rf"\b{key}\b", rest):
                value = found[0][1]
                text = use.sub(lambda _, value=value: value, definition.sub("", text))  # type: ignore[misc]
        return feedstock.with_recipe(text)


class PypiAddress(CleanUp):
    """The index has had one address for years; the old one, of another domain, is an alias."""

    name: ClassVar[str] = "pypi-address"
    summary: ClassVar[str] = "write the index's own address for its old alias in sources"

    def edit(self, feedstock: Feedstock) -> Feedstock:
        """Write the domain, and a secure scheme."""
        amendment = Amendment(feedstock.document)
        for url in feedstock.document.find("source", "url"):
            for entry in (url, *url.entries):
                found = re.match(r"['\"]?(https?)://pypi\.(io)/", entry.value)
                for group, text in ((1, "https"), (2, "org")) if found else ():
                    assert found is not None
                    start = entry.value_span.start
                    span = Span(start=start + found.start(group), end=start + found.end(group))
                    amendment.write(span, text)
        return feedstock.with_recipe(amendment.text)


class DuplicateLines(CleanUp):
    """The same key with the same value, twice in a build section."""

    name: ClassVar[str] = "duplicate-lines"
    summary: ClassVar[str] = "drop a `noarch` that stands twice"

    def edit(self, feedstock: Feedstock) -> Feedstock:
        """Keep the first."""
        document = feedstock.document
        if document.find("outputs"):
            return feedstock
        amendment = Amendment(document)
        seen: set[tuple[str, str | None]] = set()
        for entry in document.find("build", "noarch"):
            if (entry.scalar, entry.selector) in seen:
                amendment.drop(entry)
            seen.add((entry.scalar, entry.selector))
        return feedstock.with_recipe(amendment.text)


class NoCondaInspect(CleanUp):
    """``conda inspect`` needs a conda in the test environment, and says nothing of the result."""

    name: ClassVar[str] = "no-conda-inspect"
    summary: ClassVar[str] = "drop `conda inspect` from tests"
    after: ClassVar[bool] = True
    forms: ClassVar[tuple[int, ...]] = (0, 1)

    def edit(self, feedstock: Feedstock) -> Feedstock:
        """Drop the commands; a list of nothing else goes with its key."""
        amendment = Amendment(feedstock.document)
        for key in _command_lists(feedstock.document):
            items = [item for item in key.entries if item.is_item]
            gone = [item for item in items if "conda inspect" in item.value]
            for entry in [key] if gone and len(gone) == len(items) else gone:
                amendment.drop(entry)
        return feedstock.with_recipe(amendment.text)


def _command_lists(document: Document) -> list[Entry]:
    return [
        *document.find("test", "commands"),
        *document.find("outputs", "test", "commands"),
        *document.find("tests", "script"),
        *document.find("outputs", "tests", "script"),
    ]


class BuildToHost(CleanUp):
    """What a Python package is built with belongs to host, since build means the build machine."""

    name: ClassVar[str] = "build-to-host"
    summary: ClassVar[str] = (
        "call the requirements of a Python package host, where they are called build"
    )
    forms: ClassVar[tuple[int, ...]] = (0, 1)

    def edit(self, feedstock: Feedstock) -> Feedstock:
        """Rename the section of a recipe of one output that has no host and no compilers."""
        found = feedstock.sections
        build = [each for each in found if each.name == "build"]
        run = {name for each in found if each.name == "run" for name in each.names()}
        if len(build) != 1 or feedstock.document.find("outputs") or "python" not in run:
            return feedstock
        held = build[0].names()
        if "python" not in held or feedstock.document.find("requirements", "host"):
            return feedstock
        # Where a compiler is in the one list, nobody knows which of the two a line is for.
        if held & {"compiler(c)", "compiler(cxx)", "compiler(fortran)"}:
            return feedstock
        amendment = Amendment(feedstock.document)
        amendment.write(build[0].key.key_span, "host")
        return feedstock.with_recipe(amendment.text)


class Ucrt(CleanUp):
    """R on Windows is built with the UCRT's compilers: what came from msys2 is the channel's own."""

    name: ClassVar[str] = "r-ucrt"
    summary: ClassVar[str] = (
        "drop the msys2 names of R recipes, and try Windows where it was skipped"
    )

    def wants(self, feedstock: Feedstock) -> bool:
        """Say whether the recipe has the ``native`` prefix of R recipes."""
        return "native" in feedstock.recipe and super().wants(feedstock)

    def edit(self, feedstock: Feedstock) -> Feedstock:
        """Drop prefix and packages; comment out a skip of Windows."""
        done = []
        for line in feedstock.recipe.splitlines(keepends=True):
            changed = re.sub(r"\{\{\s*native\s*\}\}", "", line)
            changed = re.sub(r"\{\{\s*posix\s*\}\}pkg-config", "pkg-config", changed)
            if "merge_build_host: " in changed or re.search(r"^\s*- (gcc-libs|posix)\b", changed):
                continue
            if re.search(r"\{%-?\s*set native\s*=", changed):
                continue
            if re.match(r"\s*skip: [Tt]rue\s+# \[win\]", changed):
                indent = changed[: len(changed) - len(changed.lstrip())]
                end = "\r\n" if changed.endswith("\r\n") else "\n"
                done.append(
                    f"{indent}# Checking windows to see if it passes. Uncomment the line if it fails.{end}"
                )
                changed = f"{indent}# {changed.lstrip()}"
            done.append(changed)
        return feedstock.with_recipe("".join(done))


class ForgeFile(CleanUp):
    """Keys of conda-forge.yml that nothing reads any more."""

    name: ClassVar[str] = "conda-forge-yml"
    summary: ClassVar[str] = "drop keys of conda-forge.yml that nothing reads any more"
    forms: ClassVar[tuple[int, ...]] = (0, 1)

    def edit(self, feedstock: Feedstock) -> Feedstock:
        """Drop them."""
        text = feedstock.text(FORGE)
        if text is None:
            return feedstock
        for key in ("max_r_ver", "max_py_ver", "compiler_stack"):
            if key in loaded(text):
                text = without_key(text, (key,))
        return feedstock.with_file(FORGE, text)


class MpiPins(CleanUp):
    """The MPIs export their own pins; a second one in the variants only contradicts them."""

    name: ClassVar[str] = "mpi-pin-run-as-build"
    summary: ClassVar[str] = "drop mpich and openmpi from pin_run_as_build"
    forms: ClassVar[tuple[int, ...]] = (0, 1)

    def edit(self, feedstock: Feedstock) -> Feedstock:
        """Drop their pins; what is empty then goes, the file at last."""
        text = feedstock.text(VARIANTS)
        if text is None or not feedstock.names("host") & {"mpich", "openmpi"}:
            return feedstock
        document = Document.parse(text)
        amendment = Amendment(document)
        for key in document.find("pin_run_as_build"):
            gone = [child for child in key.entries if unquoted(child.key) in {"mpich", "openmpi"}]
            for entry in [key] if gone and len(gone) == len(key.entries) else gone:
                amendment.drop(entry)
        left = amendment.text
        nothing = all(row.kind is RowKind.BLANK for row in Document.parse(left).rows)
        return feedstock.with_file(VARIANTS, None if nothing and left != text else left)
