"""Pins: opening a migration, rebuilding against it, and closing it.

A recipe that is rebuilt carries a copy of the migration until the pin file says the same
(``.ci_support/migrations``), so that what it is built against does not depend on the day.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from wheelyard.errors import RecipeError, RefusedEditError, nearest
from wheelyard.migrate.feedstock import FORGE, VARIANTS, Feedstock
from wheelyard.migrate.migrators.forge_file import with_key
from wheelyard.migrate.migrators.rebuild import raised
from wheelyard.migrate.noarch import all_noarch
from wheelyard.migrate.pins.closing import closed
from wheelyard.migrate.pins.migration import PinMigration
from wheelyard.migrate.pins.opening import migration_text
from wheelyard.migrate.pins.pinfile import PinFile, PinValue
from wheelyard.recipes.evaluate import evaluate
from wheelyard.recipes.evaluated import Variant

_COPIES = ".ci_support/migrations"
_MIGRATIONS = "recipe/migrations"


@dataclass(frozen=True, kw_only=True)
class PinRebuild:
    """Rebuilds what is built against a pin that changes; closes the migration in the pin file itself."""

    name: ClassVar[str] = "pin"
    summary: ClassVar[str] = (
        "rebuild against the pins of a migration file, or close it in the pin file"
    )
    migration: PinMigration

    def wants(self, feedstock: Feedstock) -> bool:
        """Say whether the migration means this feedstock."""
        return not self.why_not(feedstock)

    def why_not(self, feedstock: Feedstock) -> str:
        """Say why the migration does not mean this feedstock; empty where it does."""
        migration = self.migration
        if migration.paused:
            return "the migration is paused"
        if self._closes(feedstock):
            return ""
        if feedstock.text(f"{_COPIES}/{migration.name}.yaml") == migration.text:
            return "it is in the recipe already"
        packages = migration.packages()
        if feedstock.name in migration.exclude:
            return "the migration excludes it"
        host = feedstock.names("host")
        build = feedstock.names("build")
        used = host | build if migration.include_build else host or build
        if not used & packages:
            return f"it is built with none of {', '.join(sorted(packages))}"
        if migration.exclude_pinned_pkgs and _makes(feedstock) & packages:
            return "it is what is pinned"
        if not migration.include_noarch and is_noarch(feedstock, only_python="python" in packages):
            return "its packages are noarch"
        allowed = {each.replace("-", "_") for each in migration.platform_allowlist}
        built = platforms(feedstock)
        if allowed and built and not allowed & built:
            return f"it is built for none of {', '.join(sorted(allowed))}"
        return ""

    def _closes(self, feedstock: Feedstock) -> bool:
        return f"{_MIGRATIONS}/{self.migration.name}.yaml" in feedstock.files

    def edit(self, feedstock: Feedstock) -> Feedstock:
        """Copy the migration and raise the build number; or, in the pin file's feedstock, close it."""
        migration = self.migration
        if self._closes(feedstock):
            pins = feedstock.text(VARIANTS)
            if pins is None:
                raise RefusedEditError(f"{feedstock.name} has no {VARIANTS}")
            edited = feedstock.with_file(VARIANTS, closed(pins, migration))
            return edited.with_file(f"{_MIGRATIONS}/{migration.name}.yaml", None)
        edited = feedstock.with_file(f"{_COPIES}/{migration.name}.yaml", migration.text)
        if migration.conda_forge_yml_patches:
            edited = edited.with_file(FORGE, self._patched(feedstock.text(FORGE) or ""))
        return raised(edited, migration.bump_number)

    def _patched(self, text: str) -> str:
        for path, value in self.migration.conda_forge_yml_patches.items():
            text = with_key(text, tuple(path.split(".")), _as_yaml(value))
        return text


def _as_yaml(value: object) -> str:
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_as_yaml, value))}]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_as_yaml(held)}" for key, held in value.items()) + "}"
    return str(value)


def platforms(feedstock: Feedstock) -> set[str]:
    """Give the platforms that a feedstock is rendered for (``linux_64``), none where nothing says."""
    files = (re.match(r"\.ci_support/([a-z]+_[a-z0-9]+)_", path) for path in feedstock.files)
    return {found.group(1) for found in files if found}


def is_noarch(feedstock: Feedstock, *, only_python: bool) -> bool:
    """Say whether all packages of a recipe are noarch; one that cannot be evaluated is not."""
    if "noarch" not in feedstock.recipe:
        return False
    try:
        return all_noarch(evaluate(feedstock.parsed, Variant()).tree, only_python=only_python)
    except RecipeError:
        return False


def _makes(feedstock: Feedstock) -> set[str]:
    """Give the names of the packages that a feedstock makes, as far as they are written."""
    document = feedstock.document
    written = (
        *document.find("package", "name"),
        *document.find("outputs", "name"),
        *document.find("outputs", "package", "name"),
        *document.find("recipe", "name"),
    )
    return {feedstock.name, *(entry.scalar for entry in written)}


@dataclass(frozen=True, kw_only=True)
class OpenPin:
    """Writes a migration for a new version of a pinned package into the pin file's feedstock."""

    name: ClassVar[str] = "open-pin"
    summary: ClassVar[str] = "write the migration that brings a pinned package to a version"
    package: str
    version: str
    pattern: str = "x.x"
    together: tuple[str, ...] = ()
    timestamp: str = "0"

    def wants(self, feedstock: Feedstock) -> bool:
        """Say whether this is the pin file's feedstock."""
        return "conda-forge-pinning" in _makes(feedstock) or any(
            path.startswith(f"{_MIGRATIONS}/") for path in feedstock.files
        )

    @property
    def pin(self) -> str:
        """The version, as much of it as the pattern pins."""
        return ".".join(self.version.split(".")[: len(self.pattern.split("."))])

    def edit(self, feedstock: Feedstock) -> Feedstock:
        """Write the file."""
        pins = {key: [PinValue(text=self.pin)] for key in self._keys(feedstock)}
        text = migration_text(
            pins, title=f"Rebuild for {self.package} {self.pin}", timestamp=float(self.timestamp)
        )
        path = f"{_MIGRATIONS}/{self.package}{self.pin.replace('.', '')}.yaml"
        return feedstock.with_file(path, text)

    def _keys(self, feedstock: Feedstock) -> Iterable[str]:
        """Give the pins that move: those that are named, else all that the pin file zips with it."""
        held = feedstock.text(VARIANTS)
        if self.together or held is None:
            return self.together or (self.package,)
        pins = PinFile.parse(held, name=VARIANTS)
        if self.package not in pins.names():
            raise RefusedEditError(
                f"{VARIANTS} has no pin {self.package!r}", hint=nearest(self.package, pins.names())
            )
        return pins.zipped_with(self.package)


@dataclass(frozen=True, kw_only=True)
class NewPython:
    """Adds a Python to the pin file's feedstock as a migration, with the values that move with it."""

    name: ClassVar[str] = "new-python"
    summary: ClassVar[str] = "write the migration that adds a Python (3.14, 3.14t) to the pins"
    python: str
    timestamp: str = "0"

    def wants(self, feedstock: Feedstock) -> bool:
        """Say whether this is a pin file's feedstock that has no such Python yet."""
        pins = feedstock.text(VARIANTS) or ""
        if self._build in pins or self._path in feedstock.files:
            return False
        return bool(PinFile.parse(pins, name=VARIANTS).of("python"))

    @property
    def _path(self) -> str:
        return f"{_MIGRATIONS}/python{self.python.replace('.', '')}.yaml"

    @property
    def _free_threaded(self) -> bool:
        return self.python.endswith("t")

    @property
    def _build(self) -> str:
        number = self.python.rstrip("t")
        return f"{number}.* *_cp{number.replace('.', '')}{'t' if self._free_threaded else ''}"

    def edit(self, feedstock: Feedstock) -> Feedstock:
        """Write the file: each key that moves with python takes the value of the newest Python."""
        held = PinFile.parse(feedstock.text(VARIANTS) or "", name=VARIANTS)
        values = {
            key: [PinValue(text=held.of(key)[-1].text)]
            for key in held.zipped_with("python")
            if held.of(key)
        }
        values["python"] = [PinValue(text=self._build)]
        if "is_freethreading" in values:
            values["is_freethreading"] = [PinValue(text=str(self._free_threaded).lower())]
        text = migration_text(
            values,
            title=f"Rebuild for python {self.python}",
            timestamp=float(self.timestamp),
            operation="key_add",
            primary_key="python",
        )
        return feedstock.with_file(self._path, text)


def migration_in(feedstock: Feedstock, name: str) -> PinMigration:
    """Read a migration of the pin file's feedstock. Raises RefusedEditError where there is none."""
    text = feedstock.text(f"{_MIGRATIONS}/{name}.yaml")
    if text is None:
        raise RefusedEditError(f"{feedstock.name} has no migration {name!r}")
    return PinMigration.parse(text, name=name)
