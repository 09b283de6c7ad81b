"""noarch Python packages say which Python they need at least, in one way (CFEP-25).

They are built and tested with the oldest Python that they claim to run on, ``python_min``: a
variable of the ecosystem, which a recipe sets where it needs a newer one.
"""

import re
from dataclasses import dataclass
from typing import ClassVar

from wheelyard.errors import RefusedEditError
from wheelyard.migrate.amendment import Amendment, column_of_keys
from wheelyard.migrate.feedstock import Feedstock
from wheelyard.migrate.migrators.rebuild import raised
from wheelyard.migrate.requirement_lines import TOP, Line, Section
from wheelyard.recipes.document import Document, Entry
from wheelyard.recipes.version_order import version_of


@dataclass(frozen=True, kw_only=True)
class PythonMin:
    """Writes ``python_min`` into host, run and test of noarch Python packages."""

    name: ClassVar[str] = "noarch-python-min"
    summary: ClassVar[str] = (
        "build and test noarch Python packages with the oldest Python they run on"
    )
    minimum: str = "3.10"
    """The ecosystem's ``python_min``."""

    def wants(self, feedstock: Feedstock) -> bool:
        """Say whether an output is ``noarch: python`` and nothing says ``python_min`` yet."""
        return "python_min" not in feedstock.recipe and bool(_noarch_outputs(feedstock.document))

    def edit(self, feedstock: Feedstock) -> Feedstock:
        """Write the variable; set it where the recipe needs more than the ecosystem."""
        document = feedstock.document
        amendment = Amendment(document)
        wanted = _noarch_outputs(document)
        lowest = [self.minimum]
        own: dict[int, set[str]] = {}
        for section in feedstock.sections:
            own.setdefault(section.output, set()).add(section.name)
        for section in feedstock.sections:
            if section.output in wanted:
                host = "host" if "host" in own[section.output] else "build"
                lowest += _write_python(amendment, section, host, is_v1=feedstock.is_v1)
        for output, test in _tests(document):
            if output in wanted:
                _require_in_test(amendment, test, is_v1=feedstock.is_v1)
        highest = max(lowest, key=version_of)
        text = amendment.text
        if highest != self.minimum:
            text = _with_variable(feedstock, text, highest)
        return raised(feedstock.with_recipe(text))


def _outputs(document: Document) -> list[Entry]:
    return [item for key in document.find("outputs") for item in key.entries if item.is_item]


def _noarch_outputs(document: Document) -> set[int]:
    """Give the numbers of outputs that are noarch Python packages; an output without a build section is as the top."""
    top = any(entry.scalar == "python" for entry in document.find("build", "noarch"))
    found = {TOP} if top else set()
    for number, item in enumerate(_outputs(document)):
        builds = item.child("build")
        said = [entry.scalar for build in builds for entry in build.child("noarch")]
        if "python" in said or (top and not builds):
            found.add(number)
    return found


def _write_python(amendment: Amendment, section: Section, host: str, *, is_v1: bool) -> list[str]:
    """Write the lines of ``python`` in one section; give the lower bounds that run has."""
    variable = "${{ python_min }}" if is_v1 else "{{ python_min }}"
    lower = []
    for line in section.lines:
        if line.name != "python":
            continue
        if section.name in {host, "test"}:
            _write(amendment, line, f"python {variable}{'.*' if is_v1 else ''}")
        elif section.name == "run":
            low, high = _bounds(line)
            lower += [low] if low else []
            upper = f",<{high}" if high else ""
            _write(amendment, line, f"python >={variable}{upper}")
    return lower


def _write(amendment: Amendment, line: Line, text: str) -> None:
    quote = line.entry.value[:1] if line.entry.value[:1] in {"'", '"'} else ""
    amendment.write(line.entry.value_span, f"{quote}{text}{quote}")


def _bounds(line: Line) -> tuple[str, str]:
    """Give the lowest and the first too high version of a requirement, empty where there is none."""
    parts = re.split(r"[,|]", line.specification.partition("python")[2])
    lows = [part.strip() for part in parts if ">" in part]
    highs = [part.strip() for part in parts if "<" in part]
    if len(lows) > 1 or len(highs) > 1:
        raise RefusedEditError(
            f"line {line.entry.line}: {line.specification!r} has more than one bound to a side",
            hint="Write one lower and one upper bound of python.",
        )
    low = _next(lows[0], ">=", ">") if lows else ""
    high = _next(highs[0], "<", "<=") if highs else ""
    return low, f"{high}a0" if highs and highs[0].startswith("<=") else high


def _next(bound: str, exact: str, beyond: str) -> str:
    """Give the version of a bound, the next one where the sign goes beyond it."""
    version = bound.lstrip("<>=! ").strip().removesuffix(".*")
    if bound.startswith(exact) and not (exact == "<" and bound.startswith("<=")):
        return version
    if not bound.startswith(beyond):
        return version
    parts = version.split(".") if "." in version else [version, "0"]
    if not parts[-1].isdigit():
        return version
    return ".".join([*parts[:-1], str(int(parts[-1]) + 1)])


def _tests(document: Document) -> list[tuple[int, Entry]]:
    found = [(TOP, entry) for entry in document.entries if entry.key in {"test", "tests"}]
    for number, item in enumerate(_outputs(document)):
        found += [(number, child) for key in ("test", "tests") for child in item.child(key)]
    return found


def _require_in_test(amendment: Amendment, test: Entry, *, is_v1: bool) -> None:
    if is_v1:
        for item in test.entries:
            for python in item.child("python"):
                if not python.child("python_version") and python.entries:
                    indent = " " * column_of_keys(python)
                    last = python.entries[-1]
                    amendment.after(last, f"{indent}python_version: ${{{{ python_min }}}}.*")
        return
    requires = test.child("requires")
    if not requires and test.entries:
        first = test.entries[0]
        indent = " " * first.column
        step = " " * max(first.column - test.column, 2)
        amendment.before(
            first, f"{indent}requires:", f"{indent}{step}- python {{{{ python_min }}}}"
        )
    for key in requires:
        items = [item for item in key.entries if item.is_item]
        if items and not any(re.match(r"python(\s|=|<|>|$)", item.scalar) for item in items):
            indent = " " * items[-1].column
            amendment.after(items[-1], f"{indent}- python {{{{ python_min }}}}")


def _with_variable(feedstock: Feedstock, text: str, version: str) -> str:
    newline = feedstock.document.newline
    if not feedstock.is_v1:
        return f"{{% set python_min = '{version}' %}}{newline}{text}"
    document = Document.parse(text)
    amendment = Amendment(document)
    for context in document.find("context"):
        if context.entries:
            indent = " " * context.entries[0].column
            amendment.after(context.entries[-1], f'{indent}python_min: "{version}"')
            return amendment.text
    return f'context:{newline}  python_min: "{version}"{newline}{newline}{text}'
