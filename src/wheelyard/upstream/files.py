"""Which files of a page belong to a release.

Pure: a page goes in, entries come out. File names of sdists are older than their standard, so a
name is matched against the project that was asked for, never guessed from the file alone.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

from packaging.version import InvalidVersion, Version

from wheelyard.model.release import ProjectName, Release
from wheelyard.model.source import FileEntry, ProjectPage, Source, SourceKind

SDIST_SUFFIXES = (".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".zip")
"""In the order of preference; the first is the standard's (PEP 625)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseFiles:
    """The files of one release that can be used; sdists best first, wheels by name."""

    release: Release
    sdists: tuple[FileEntry, ...] = ()
    wheels: tuple[FileEntry, ...] = ()

    @property
    def yanked(self) -> str | None:
        """The reason, where every file of the release is yanked; else None."""
        files = self.sdists + self.wheels
        if any(entry.yanked is None for entry in files):
            return None
        return next((entry.yanked for entry in files if entry.yanked), "")


def listing(page: ProjectPage) -> dict[Version, ReleaseFiles]:
    """Group a page by release, newest first; eggs, installers and other projects' files are left out."""
    sdists: dict[Version, list[FileEntry]] = {}
    wheels: dict[Version, list[FileEntry]] = {}
    for entry in page.files:
        version = version_of(entry.filename, page.project)
        if version is not None:
            kind = wheels if entry.filename.endswith(".whl") else sdists
            kind.setdefault(version, []).append(entry)
    return {
        version: ReleaseFiles(
            release=Release(page.project, version),
            sdists=tuple(sorted(sdists.get(version, ()), key=_preference)),
            wheels=tuple(sorted(wheels.get(version, ()), key=lambda entry: entry.filename)),
        )
        for version in sorted(sdists.keys() | wheels.keys(), reverse=True)
    }


def versions(page: ProjectPage) -> tuple[Version, ...]:
    """Return every version that has an sdist or a wheel, newest first."""
    found = {version_of(entry.filename, page.project) for entry in page.files}
    return tuple(sorted((version for version in found if version is not None), reverse=True))


def files_of(page: ProjectPage, release: Release) -> ReleaseFiles:
    """Return the sdists and wheels of one release."""
    found = [
        entry for entry in page.files if version_of(entry.filename, page.project) == release.version
    ]
    wheels = [entry for entry in found if entry.filename.endswith(".whl")]
    sdists = [entry for entry in found if not entry.filename.endswith(".whl")]
    return ReleaseFiles(
        release=release,
        sdists=tuple(sorted(sdists, key=_preference)),
        wheels=tuple(sorted(wheels, key=lambda entry: entry.filename)),
    )


def sdist_of(page: ProjectPage, release: Release) -> FileEntry | None:
    """Return the sdist to build a release from: one that is not yanked first, then the standard's format."""
    return next(iter(files_of(page, release).sdists), None)


def wheels_of(page: ProjectPage, release: Release) -> tuple[FileEntry, ...]:
    """Return the wheels of a release, by file name."""
    return files_of(page, release).wheels


def yanked(page: ProjectPage, release: Release) -> str | None:
    """Return why a release is yanked; None where any of its files is not."""
    return files_of(page, release).yanked


def source_of(page: ProjectPage, entry: FileEntry) -> Source:
    """Return the source that an sdist's entry names."""
    return Source(
        kind=SourceKind.SDIST,
        location=entry.url,
        digest=entry.digest,
        filename=entry.filename,
        size=entry.size,
        uploaded=entry.uploaded,
        index=page.index,
    )


def is_pure(filename: str) -> bool:
    """Tell whether a wheel's name says that it runs on every platform."""
    return filename.endswith("-none-any.whl")


def is_portable(page: ProjectPage, release: Release) -> bool:
    """Tell whether a release has a wheel that runs on every platform, whatever others it has."""
    return any(is_pure(entry.filename) for entry in files_of(page, release).wheels)


def version_of(filename: str, project: ProjectName) -> Version | None:
    """Read the version from the name of a wheel or sdist of a project; None for any other file."""
    if filename.endswith(".whl"):
        return _wheel_version(filename, project)
    match = _sdist_pattern(project).fullmatch(filename)
    return _version(match["version"]) if match else None


def _wheel_version(filename: str, project: ProjectName) -> Version | None:
    parts = filename.removesuffix(".whl").split("-")
    if len(parts) not in {5, 6} or not all(parts):
        return None
    # A build number starts with a digit; anything else is a name with a dash in it.
    if len(parts) == 6 and not parts[2][0].isdigit():  # noqa: PLR2004 - name, version, build, three tags
        return None
    if _normalised(parts[0]) != project:
        return None
    return _version(parts[1])


def _preference(entry: FileEntry) -> tuple[bool, int, str]:
    rank = next(
        (place for place, suffix in enumerate(SDIST_SUFFIXES) if entry.filename.endswith(suffix)),
        len(SDIST_SUFFIXES),
    )
    return entry.yanked is not None, rank, entry.filename


@lru_cache(maxsize=4096)
def _sdist_pattern(project: ProjectName) -> re.Pattern[str]:
    name = "[-_.]+".join(re.escape(part) for part in project.split("-"))
    suffixes = "|".join(re.escape(suffix) for suffix in SDIST_SUFFIXES)
    return re.compile(rf"{name}-(?P<version>[^/]+)(?:{suffixes})", re.IGNORECASE)


@lru_cache(maxsize=4096)
def _normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


@lru_cache(maxsize=65536)
def _version(text: str) -> Version | None:
    try:
        return Version(text)
    except InvalidVersion:
        return None
