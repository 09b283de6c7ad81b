"""wheelyard.toml: options, overrides of releases, verdicts, which farm is meant, where versions are asked for."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from wheelyard.errors import ConfigurationError, nearest
from wheelyard.settings.overrides import Override, load, read_tables

FILE_NAME = "wheelyard.toml"
_TABLES = ("build", "package", "checks", "farm", "versions")
_VERSIONS = ("npm", "crates", "cran")
_FARM = (
    "url",
    "token-file",
    "database",
    "blobs",
    "bus",
    "mail-server",
    "fall-through",
    "own-projects",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """What a configuration file says; ``path`` is None where there is none."""

    path: Path | None = None
    options: Mapping[str, object] = field(default_factory=dict)
    overrides: tuple[Override, ...] = ()
    checks: Mapping[str, str] = field(default_factory=dict)
    farm: Mapping[str, str] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)


def find(start: Path) -> Path | None:
    """Return the wheelyard.toml of a folder or of the nearest one above it."""
    for folder in (start, *start.parents):
        if (folder / FILE_NAME).is_file():
            return folder / FILE_NAME
    return None


def read(path: Path) -> Configuration:
    """Read a configuration file. Raises ConfigurationError."""
    content = load(path)
    for table in content:
        if table not in _TABLES:
            raise ConfigurationError(
                f"{path}: there is no table {table!r}",
                hint=nearest(table, _TABLES) or f"The tables are {', '.join(_TABLES)}.",
            )
    return Configuration(
        path=path,
        options=_table(content, "build", path),
        overrides=tuple(read_tables(_table(content, "package", path), path.parent, str(path))),
        checks=_verdicts(_table(content, "checks", path), path),
        farm=_texts("farm", _FARM, _table(content, "farm", path), path),
        versions=_texts("versions", _VERSIONS, _table(content, "versions", path), path),
    )


def _table(content: Mapping[str, object], name: str, path: Path) -> Mapping[str, object]:
    table = content.get(name, {})
    if not isinstance(table, dict):
        raise ConfigurationError(f"{path}: {name!r} is not a table", hint=f"Write [{name}].")
    return table


def _verdicts(table: Mapping[str, object], path: Path) -> dict[str, str]:
    for check, verdict in table.items():
        if not isinstance(verdict, str):
            raise ConfigurationError(
                f"{path}: checks.{check} is {verdict!r}", hint='Write "hold", "warn" or "accept".'
            )
    return {check: str(verdict) for check, verdict in table.items()}


def _texts(
    name: str, known: tuple[str, ...], table: Mapping[str, object], path: Path
) -> dict[str, str]:
    for key, value in table.items():
        if key not in known:
            raise ConfigurationError(
                f"{path}: {name} has no key {key!r}",
                hint=nearest(key, known) or f"The keys are {', '.join(known)}.",
            )
        if not isinstance(value, str):
            raise ConfigurationError(
                f"{path}: {name}.{key} is {value!r}", hint=f'Write a text: {key} = "…".'
            )
    return {key: str(value) for key, value in table.items()}
