"""``pyproject.toml`` as far as builds and metadata need it (PEP 517, 518, 621).

Where the standard is silent, pip decides: that is what the package was tried with.
"""

import re
import tomllib
from dataclasses import dataclass
from typing import Any, NoReturn

from packaging.requirements import InvalidRequirement, Requirement

from wheelyard.errors import InvalidArchiveError

DEFAULT_REQUIRES = ("setuptools>=40.8.0",)
DEFAULT_BACKEND = "setuptools.build_meta:__legacy__"


@dataclass(frozen=True, slots=True)
class PyProject:
    """A file that was read; ``where`` names it in messages."""

    table: dict[str, Any]
    text: str
    where: str

    @classmethod
    def parse(cls, content: bytes, where: str) -> "PyProject":
        """Read the file. Raises InvalidArchiveError that names the line."""
        try:
            text = content.decode("utf-8")
        except UnicodeDecodeError as error:
            line = content.count(b"\n", 0, error.start) + 1
            raise InvalidArchiveError(
                f"{where}, line {line}: not UTF-8", hint="TOML files are in UTF-8."
            ) from error
        try:
            return cls(tomllib.loads(text), text, where)
        except (tomllib.TOMLDecodeError, RecursionError) as error:
            line = int(found[1]) if (found := re.search(r"line (\d+)", str(error))) else 1
            raise InvalidArchiveError(
                f"{where}, line {line}: not valid TOML: {error}",
                hint="Correct the file, with a patch in a recipe where it is not yours.",
            ) from error

    @property
    def project(self) -> dict[str, Any]:
        """The ``[project]`` table, empty where there is none that can be read."""
        table = self.table.get("project")
        return table if isinstance(table, dict) else {}

    @property
    def dynamic(self) -> frozenset[str]:
        """The fields of ``[project]`` that only the back end knows."""
        fields = self.project.get("dynamic", [])
        return frozenset(fields) if _is_strings(fields) else frozenset()

    def static(self, name: str) -> str:
        """Return a text of ``[project]`` that is not dynamic, or an empty string."""
        value = self.project.get(name)
        return value.strip() if isinstance(value, str) and name not in self.dynamic else ""

    def fail(self, key: str, problem: str) -> NoReturn:
        """Raise InvalidArchiveError at the line where a key stands."""
        raise InvalidArchiveError(
            f"{self.where}, line {_line(self.text, key)}: {problem}",
            hint="Correct the file, with a patch in a recipe where it is not yours.",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildSystem:
    """The ``[build-system]`` table with its defaults."""

    requires: tuple[str, ...] = DEFAULT_REQUIRES
    backend: str = DEFAULT_BACKEND
    backend_path: tuple[str, ...] = ()


def build_system(file: PyProject) -> BuildSystem:
    """Return how to build. Raises InvalidArchiveError where the table breaks PEP 517 or 518."""
    table = file.table.get("build-system")
    if table is None:
        return BuildSystem()
    if not isinstance(table, dict):
        file.fail("build-system", "[build-system] is not a table")
    if "requires" not in table:
        # PEP 518 demands it, and pip refuses such a file.
        file.fail("build-system", "[build-system] has no 'requires'")
    requires = _strings(file, table, "requires")
    for requirement in requires:
        _check_requirement(file, requirement)
    backend = table.get("build-backend", DEFAULT_BACKEND)
    if not isinstance(backend, str) or not backend.strip():
        file.fail("build-backend", "'build-backend' is not a name")
    paths = _strings(file, table, "backend-path")
    for path in paths:
        if path.startswith(("/", "\\")) or ".." in re.split(r"[/\\]", path):
            file.fail("backend-path", f"'backend-path' leaves the source with {path!r}")
    return BuildSystem(requires=requires, backend=backend.strip(), backend_path=paths)


def dependencies(file: PyProject) -> tuple[tuple[str, ...], dict[str, tuple[str, ...]]] | None:
    """Return dependencies and those of each extra; None where the back end must be asked."""
    project = file.project
    if not project.get("name") or file.dynamic & {"dependencies", "optional-dependencies"}:
        return None
    required = project.get("dependencies", [])
    extras = project.get("optional-dependencies", {})
    if not _is_strings(required) or not isinstance(extras, dict):
        return None
    if not all(_is_strings(lines) for lines in extras.values()):
        return None
    return tuple(required), {str(name): tuple(lines) for name, lines in extras.items()}


def _strings(file: PyProject, table: dict[str, Any], key: str) -> tuple[str, ...]:
    value = table.get(key, [])
    if not _is_strings(value):
        file.fail(key, f"{key!r} is not a list of strings")
    return tuple(value)


def _is_strings(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _check_requirement(file: PyProject, text: str) -> None:
    try:
        Requirement(text)
    except InvalidRequirement:
        file.fail("requires", f"{text!r} in 'requires' is not a requirement (PEP 508)")


def _line(text: str, key: str) -> int:
    pattern = re.compile(rf"\s*\[?\s*[\"']?{re.escape(key)}\b")
    lines = enumerate(text.splitlines(), start=1)
    return next((number for number, line in lines if pattern.match(line)), 1)
