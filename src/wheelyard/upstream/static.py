"""What a source tree says about itself, read from its archive without running any of it."""

import configparser
import re
from dataclasses import dataclass
from typing import IO

from packaging.version import InvalidVersion, Version

from wheelyard.errors import InvalidArchiveError, InvalidNameError
from wheelyard.model.release import Release
from wheelyard.model.source import SourceFacts
from wheelyard.upstream.archive import ReadLimits, read_members
from wheelyard.upstream.core_metadata import CoreMetadata, compose, parse_metadata
from wheelyard.upstream.egg_info import requires_dist
from wheelyard.upstream.pyproject import BuildSystem, PyProject, build_system, dependencies

_EGG_INFO = re.compile(r"(?:src/|lib/|python/)?[^/]+\.egg-info/requires\.txt")
_STATIC_SINCE = (2, 2)
"""The metadata version from which an sdist says what is dynamic (PEP 643)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StaticFiles:
    """The files of a source that speak about it; None for those that it lacks."""

    where: str
    pkg_info: bytes | None = None
    pyproject: bytes | None = None
    setup_cfg: bytes | None = None
    requires_txt: bytes | None = None
    has_setup_py: bool = False

    def parsed(self) -> PyProject | None:
        """Return pyproject.toml, read. Raises InvalidArchiveError."""
        if self.pyproject is None:
            return None
        return PyProject.parse(self.pyproject, f"{self.where}: pyproject.toml")


def read_static(
    stream: IO[bytes], filename: str, *, subdirectory: str = "", limits: ReadLimits | None = None
) -> StaticFiles:
    """Read what there is in an archive. Raises InvalidArchiveError."""
    prefix = subdirectory.strip("/") + "/" if subdirectory.strip("/") else ""
    plain = {prefix + name for name in ("PKG-INFO", "pyproject.toml", "setup.cfg")}

    def wanted(name: str) -> bool:
        return name in plain or (
            name.startswith(prefix) and _EGG_INFO.fullmatch(name[len(prefix) :]) is not None
        )

    members = read_members(stream, filename, wanted, limits=limits)
    found = members.contents
    eggs = sorted(name for name in found if name not in plain)
    return StaticFiles(
        where=f"{filename}/{prefix}".rstrip("/"),
        pkg_info=found.get(prefix + "PKG-INFO"),
        pyproject=found.get(prefix + "pyproject.toml"),
        setup_cfg=found.get(prefix + "setup.cfg"),
        requires_txt=found[eggs[0]] if eggs else None,
        has_setup_py=prefix + "setup.py" in members.names,
    )


def facts_of(files: StaticFiles) -> SourceFacts:
    """Return how a source is built. Raises InvalidArchiveError where it cannot be."""
    pyproject = files.parsed()
    if pyproject is None and not files.has_setup_py:
        raise InvalidArchiveError(
            f"{files.where} has neither pyproject.toml nor setup.py",
            hint="It is not a Python project, or its project lies in a subdirectory of it.",
        )
    system = build_system(pyproject) if pyproject else BuildSystem()
    requires_python = parse_metadata(files.pkg_info).requires_python if files.pkg_info else ""
    if not requires_python and pyproject:
        requires_python = pyproject.static("requires-python")
    return SourceFacts(
        build_requires=system.requires,
        backend=system.backend,
        backend_path=system.backend_path,
        requires_python=requires_python,
    )


def release_of(files: StaticFiles, *, built: bool) -> Release | None:
    """Return which release a source is, where that is static.

    ``built`` says that a back end made the archive, so that its PKG-INFO is the truth; in a tree that
    somebody works on, it may be left over from an older version.
    """
    candidates = [_pyproject_identity(files), _setup_cfg_identity(files)]
    candidates.insert(0 if built else 2, _pkg_info_identity(files))
    for name, version in candidates:
        if name and version:
            try:
                return Release.of(name, version)
            except InvalidNameError:
                continue
    return None


def speaks_for_itself(files: StaticFiles) -> bool:
    """Tell whether ``[project]`` says name, version and requirements, so that no back end is asked."""
    pyproject = files.parsed()
    if pyproject is None or not all(_pyproject_identity(files)):
        return False
    return dependencies(pyproject) is not None


def name_of(files: StaticFiles) -> str:
    """Return the name of a source, where that is static; else an empty string."""
    pyproject = files.parsed()
    return pyproject.static("name") if pyproject else ""


def metadata_of(files: StaticFiles, release: Release, *, built: bool = True) -> bytes | None:
    """Return the METADATA of a source by its best witness; None where it has none.

    In the order of how much they can be believed: PKG-INFO that says it is static, ``[project]``,
    setuptools' own record, and PKG-INFO as old back ends wrote it. In a tree that nobody ``built``,
    ``[project]`` comes first.
    """
    pkg_info = parse_metadata(files.pkg_info) if files.pkg_info else None
    is_static = pkg_info is not None and _is_static(pkg_info)
    if is_static and built:
        return files.pkg_info
    pyproject = files.parsed()
    requires_python = pkg_info.requires_python if pkg_info else ""
    static = dependencies(pyproject) if pyproject else None
    if pyproject and static:
        required, extras = static
        return compose(
            release,
            requires_python=pyproject.static("requires-python") or requires_python,
            required=required,
            extras=extras,
        )
    if is_static:
        return files.pkg_info
    if files.requires_txt is not None:
        lines, names = requires_dist(files.requires_txt.decode("utf-8", "replace"))
        return compose(
            release,
            requires_python=requires_python,
            required=lines,
            extras=dict.fromkeys(names, ()),
        )
    return files.pkg_info


def _is_static(metadata: CoreMetadata) -> bool:
    return metadata.metadata_version >= _STATIC_SINCE and "requires-dist" not in metadata.dynamic


def _pkg_info_identity(files: StaticFiles) -> tuple[str, str]:
    if not files.pkg_info:
        return "", ""
    metadata = parse_metadata(files.pkg_info)
    return metadata.name, metadata.version


def _pyproject_identity(files: StaticFiles) -> tuple[str, str]:
    pyproject = files.parsed()
    return (pyproject.static("name"), pyproject.static("version")) if pyproject else ("", "")


def _setup_cfg_identity(files: StaticFiles) -> tuple[str, str]:
    parser = configparser.RawConfigParser()
    try:
        parser.read_string((files.setup_cfg or b"").decode("utf-8", "replace"))
        name = parser.get("metadata", "name", fallback="").strip()
        version = parser.get("metadata", "version", fallback="").strip()
        # "attr: module.__version__" and "file: VERSION" are for setuptools to follow, not for us.
        Version(version)
    except (configparser.Error, InvalidVersion):
        return "", ""
    return name, version
