"""Overrides of releases: the ``[package.…]`` tables of wheelyard.toml and recipe folders.

A table is named by a requirement: ``numpy``, ``numpy<2`` or ``numpy==1.26.4``; ``*`` means all projects. All that match a
release apply, the less exact first, key by key.
"""

import shlex
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path

import msgspec
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from wheelyard.errors import ConfigurationError, nearest
from wheelyard.model.recipe import DEFAULT_RECIPE, Change, ConditionalRecipe, Patch, Recipe
from wheelyard.model.release import ProjectName, Release


class _Table(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, rename="kebab"):
    """One table as it is written; ``UNSET`` keys change nothing."""

    skip: str | msgspec.UnsetType = msgspec.UNSET
    patches: list[str] | msgspec.UnsetType = msgspec.UNSET
    environment: dict[str, str] | msgspec.UnsetType = msgspec.UNSET
    config_settings: dict[str, str | list[str]] | msgspec.UnsetType = msgspec.UNSET
    build_requires: list[str] | msgspec.UnsetType = msgspec.UNSET
    build_constraints: list[str] | msgspec.UnsetType = msgspec.UNSET
    system_packages: list[str] | msgspec.UnsetType = msgspec.UNSET
    test: str | msgspec.UnsetType = msgspec.UNSET
    test_requires: list[str] | msgspec.UnsetType = msgspec.UNSET
    imports: list[str] | msgspec.UnsetType = msgspec.UNSET
    bill_of_materials: bool | msgspec.UnsetType = msgspec.UNSET
    cflags: list[str] | str | msgspec.UnsetType = msgspec.UNSET
    cxxflags: list[str] | str | msgspec.UnsetType = msgspec.UNSET
    ldflags: list[str] | str | msgspec.UnsetType = msgspec.UNSET
    before: str | msgspec.UnsetType = msgspec.UNSET
    after: str | msgspec.UnsetType = msgspec.UNSET
    host_requires: list[str] | msgspec.UnsetType = msgspec.UNSET
    host_packages: list[str] | msgspec.UnsetType = msgspec.UNSET
    exports: list[str] | str | msgspec.UnsetType = msgspec.UNSET
    vendor: list[str] | msgspec.UnsetType = msgspec.UNSET
    keep: list[str] | msgspec.UnsetType = msgspec.UNSET
    drop_tests: bool | msgspec.UnsetType = msgspec.UNSET
    allow_warnings: list[str] | msgspec.UnsetType = msgspec.UNSET
    pure: bool | msgspec.UnsetType = msgspec.UNSET
    pretend: bool | msgspec.UnsetType = msgspec.UNSET
    emulate: bool | msgspec.UnsetType = msgspec.UNSET
    on: dict[str, dict[str, object]] | msgspec.UnsetType = msgspec.UNSET


_ALL = "*"
_REQUIREMENTS = frozenset({"build_requires", "build_constraints", "test_requires", "host_requires"})
_FLAGS = frozenset({"cflags", "cxxflags", "ldflags", "exports"})
KEYS = tuple(name.replace("_", "-") for name in _Table.__struct_fields__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """One table: which releases it is for (None: all), what it changes, on some platforms too, and where it stands."""

    requirement: Requirement | None
    changes: Mapping[str, object]
    origin: str
    conditions: tuple[Change, ...] = ()

    def matches(self, release: Release) -> bool:
        """Whether it is for a release."""
        if self.requirement is None:
            return True
        project = ProjectName(canonicalize_name(self.requirement.name))
        return project == release.project and self.requirement.specifier.contains(
            release.version, prereleases=True
        )

    @property
    def exactness(self) -> int:
        """-1 for all projects, 0 for a name, 1 for a range, 2 for one version."""
        if self.requirement is None:
            return -1
        operators = {clause.operator for clause in self.requirement.specifier}
        return 0 if not operators else 2 if operators & {"==", "==="} else 1


@dataclass(frozen=True, slots=True)
class Overrides:
    """All overrides, the less exact first."""

    entries: tuple[Override, ...] = ()

    def recipe(self, release: Release) -> Recipe:
        """Return what they say about a release together."""
        recipe = DEFAULT_RECIPE
        changes: list[Change] = []
        for entry in self.entries:
            if entry.matches(release):
                recipe = replace(recipe, **entry.changes)  # type: ignore[arg-type]
                changes += [Change(fields=entry.changes), *entry.conditions]
        if all(change.pattern == "*" for change in changes):
            return recipe
        plain = {field.name: getattr(recipe, field.name) for field in fields(Recipe)}
        return ConditionalRecipe(**plain, changes=tuple(changes))

    def origins(self, release: Release) -> tuple[str, ...]:
        """Return where the tables stand that apply to a release."""
        return tuple(entry.origin for entry in self.entries if entry.matches(release))


def join(*groups: Sequence[Override]) -> Overrides:
    """Put overrides in the order in which they apply."""
    entries = [entry for group in groups for entry in group]
    return Overrides(tuple(sorted(entries, key=lambda entry: entry.exactness)))


def read_tables(tables: Mapping[str, object], folder: Path, origin: str) -> list[Override]:
    """Read the ``package`` table of a file; patches are looked for beside it. Raises ConfigurationError."""
    return [_read(name, table, folder, origin) for name, table in tables.items()]


def read_folder(folder: Path) -> list[Override]:
    """Read a recipe folder: ``NAME.toml``, ``NAME/recipe.toml`` with its patches beside it, or Pyodide's.

    A file holds one table without a header, or several under ``[releases."NAME<2"]``.
    """
    if not folder.is_dir():
        raise ConfigurationError(
            f"the recipe folder '{folder}' is not there",
            hint="Name a folder that holds NAME.toml or NAME/recipe.toml.",
        )
    found = []
    for path in sorted((*folder.glob("*.toml"), *folder.glob("*/recipe.toml"))):
        name = path.parent.name if path.name == "recipe.toml" else path.stem
        content = load(path)
        releases = content.pop("releases", {})
        if not isinstance(releases, dict):
            raise ConfigurationError(
                f"{path}: 'releases' is not a table",
                hint='Write [releases."numpy<2"] with the keys of a recipe below it.',
            )
        found += read_tables({name: content} | releases, path.parent, str(path))
    return [*found, *_of_pyodide(folder)]


def _of_pyodide(folder: Path) -> list[Override]:
    """Read the recipes of Pyodide in a folder, ``NAME/meta.yaml``; those of conda are read elsewhere."""
    paths = sorted(folder.glob("*/meta.yaml"))
    if not paths:
        return []
    # Another library, which only these take.
    from wheelyard.settings import pyodide

    texts = {path: path.read_text(encoding="utf-8", errors="replace") for path in paths}
    recipes = {
        path: pyodide.parse_pyodide(text, str(path))
        for path, text in texts.items()
        if pyodide.is_pyodides(text)
    }
    libraries = pyodide.library_names(tuple(recipes.values()))
    return [
        Override(
            requirement=Requirement(recipe.requirement),
            changes={},
            conditions=pyodide.changes(recipe, path.parent, libraries),
            origin=str(path),
        )
        for path, recipe in recipes.items()
    ]


def load(path: Path) -> dict[str, object]:
    """Read a TOML file. Raises ConfigurationError with the line."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"{path} is not TOML: {error}", hint="Mend the line that is named."
        ) from error
    except OSError as error:
        raise ConfigurationError(
            f"{path} cannot be read: {error.strerror}", hint="Check the path and its permissions."
        ) from error


def _read(name: str, table: object, folder: Path, origin: str) -> Override:
    where = f"{origin}: package {name!r}"
    try:
        requirement = None if name == _ALL else Requirement(name)
    except InvalidRequirement as error:
        raise ConfigurationError(
            f"{where} is not a requirement", hint='Write for example [package."numpy<2"].'
        ) from error
    try:
        read = msgspec.convert(table, _Table)
    except msgspec.ValidationError as error:
        raise ConfigurationError(f"{where}: {error}", hint=_hint(table)) from error
    conditions = {} if read.on is msgspec.UNSET else read.on
    return Override(
        requirement=requirement,
        changes=_changes(read, folder, where),
        conditions=tuple(
            _condition(pattern, content, folder, f"{where} on {pattern!r}")
            for pattern, content in conditions.items()
        ),
        origin=f"{origin} [{name}]",
    )


def _changes(read: _Table, folder: Path, where: str) -> dict[str, object]:
    changes: dict[str, object] = {}
    for field in fields(Recipe):
        value = getattr(read, field.name, msgspec.UNSET)
        if value is not msgspec.UNSET:
            changes[field.name] = _value(field.name, value, folder, where)
    return changes


def _condition(pattern: str, table: object, folder: Path, where: str) -> Change:
    """Read what a table changes on some platforms. Raises ConfigurationError."""
    if isinstance(table, dict) and "on" in table:
        raise ConfigurationError(
            f"{where}: a condition inside of a condition", hint="Write each pattern by itself."
        )
    try:
        read = msgspec.convert(table, _Table)
    except msgspec.ValidationError as error:
        raise ConfigurationError(f"{where}: {error}", hint=_hint(table)) from error
    return Change(pattern=pattern, fields=_changes(read, folder, where))


def _value(name: str, value: object, folder: Path, where: str) -> object:
    if name == "patches" and isinstance(value, list):
        return tuple(_patch(folder / text, where) for text in value)
    if name == "config_settings" and isinstance(value, dict):
        return {key: tuple(v) if isinstance(v, list) else v for key, v in value.items()}
    if name in _REQUIREMENTS and isinstance(value, list):
        return tuple(_requirement(text, name, where) for text in value)
    if name in _FLAGS and isinstance(value, str):
        return tuple(shlex.split(value))
    if isinstance(value, list):
        return tuple(value)
    return value


def _requirement(text: str, name: str, where: str) -> str:
    try:
        Requirement(text)
    except InvalidRequirement as error:
        raise ConfigurationError(
            f"{where}: {text!r} in {name.replace('_', '-')} is not a requirement",
            hint="Write for example 'pytest>=8'.",
        ) from error
    return text


def _patch(path: Path, where: str) -> Patch:
    try:
        return Patch(
            name=path.name, text=path.read_text(encoding="utf-8", errors="surrogateescape")
        )
    except OSError as error:
        raise ConfigurationError(
            f"{where}: the patch '{path}' cannot be read: {error.strerror}",
            hint="Paths of patches are relative to the file that names them.",
        ) from error


def _hint(table: object) -> str:
    unknown = [key for key in table if key not in KEYS] if isinstance(table, dict) else []
    if unknown:
        return nearest(unknown[0], KEYS) or f"The keys are {', '.join(KEYS)}."
    return "Look at the value's type; docs/reference/configuration.md has an example of each key."
