"""What a project's folder says about how it is built (PEP 517, PEP 518)."""

import tomllib
from dataclasses import dataclass, replace
from pathlib import Path

from wheelyard.errors import InvalidArchiveError

_LEGACY = "setuptools.build_meta:__legacy__"
_LARGEST = 8 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildSystem:
    """The back end; setuptools' old way where the project names none. ``project_table``: it has a [project]."""

    backend: str = _LEGACY
    backend_path: tuple[str, ...] = ()
    project_table: bool = False


def read_build_system(project: Path) -> BuildSystem:
    """Read pyproject.toml. Raises InvalidArchiveError."""
    path = project / "pyproject.toml"
    if not path.is_file() or path.is_symlink():
        return BuildSystem()
    try:
        if path.stat().st_size > _LARGEST:
            raise ValueError("it is too large")  # noqa: TRY301
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
        system = _build_system(tables.get("build-system", {}))
        return replace(system, project_table="project" in tables)
    except (ValueError, TypeError, AttributeError) as error:
        raise InvalidArchiveError(
            f"pyproject.toml of {project.name!r} cannot be read: {error}",
            hint="Correct it with a patch in the recipe.",
        ) from error


def _build_system(table: dict[str, object]) -> BuildSystem:
    backend, folders = table.get("build-backend", _LEGACY), table.get("backend-path", [])
    if not isinstance(backend, str) or not isinstance(folders, list):
        raise TypeError("build-backend is a text and backend-path a list")
    for folder in folders:
        parts = Path(str(folder)).parts
        if Path(str(folder)).is_absolute() or ".." in parts:
            raise ValueError(f"backend-path {folder!r} leaves the project")
    return BuildSystem(backend=backend, backend_path=tuple(map(str, folders)))
