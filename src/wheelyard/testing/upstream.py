"""Upstream in memory: projects that a test writes down, with real archives of them.

Every answer is that of a well-behaved index. ``unreachable`` and ``broken`` make it misbehave.
"""

import gzip
import hashlib
import io
import tarfile
import zipfile
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from packaging.utils import parse_wheel_filename

from wheelyard.errors import DigestMismatchError, NotUpstreamError, UpstreamError
from wheelyard.model.artifact import Artifact, Origin
from wheelyard.model.release import ProjectName, Release, project_name
from wheelyard.model.source import FileEntry, ProjectPage, Source, SourceFacts
from wheelyard.ports import Blobs, DirectSource

_EPOCH = (1980, 1, 1, 0, 0, 0)
_URL = "memory:/"
_SETUPTOOLS = SourceFacts(
    build_requires=("setuptools",), backend="setuptools.build_meta", backend_path=()
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseFixture:
    """One release. ``wheels`` are the tags of its wheels, such as ``py3-none-any``.

    ``metadata`` replaces the METADATA that the other fields would give. ``digests`` says whether the
    page announces them, ``uploaded`` may be None as on an index that tells no times.
    """

    release: Release
    requires: tuple[str, ...] = ()
    extras: tuple[str, ...] = ()
    requires_python: str = ""
    page_requires_python: str | None = None
    sdist: bool = True
    wheels: tuple[str, ...] = ()
    uploaded: datetime | None = datetime(2024, 1, 1, tzinfo=UTC)
    yanked: str | None = None
    metadata: bytes | None = None
    digests: bool = True
    facts: SourceFacts = _SETUPTOOLS

    @property
    def core_metadata(self) -> bytes:
        """Its METADATA."""
        if self.metadata is not None:
            return self.metadata
        python = [f"Requires-Python: {self.requires_python}"] if self.requires_python else []
        lines = [
            "Metadata-Version: 2.2",
            f"Name: {self.release.project}",
            f"Version: {self.release.version}",
            *python,
            *(f"Provides-Extra: {extra}" for extra in self.extras),
            *(f"Requires-Dist: {line}" for line in self.requires),
        ]
        return "\n".join([*lines, "", "A description.", ""]).encode()


class MemoryUpstream:
    """An Upstream of releases that were added to it; ``asked`` counts what it was asked for."""

    def __init__(self, *, index: str = "memory", blobs: Blobs | None = None) -> None:
        self._index = index
        self._blobs = blobs
        self._releases: dict[ProjectName, dict[Release, ReleaseFixture]] = {}
        self._status: dict[ProjectName, tuple[str, str]] = {}
        self._direct: dict[str, DirectSource] = {}
        self._pages: dict[ProjectName, ProjectPage] = {}
        self._files: dict[str, tuple[ReleaseFixture, bytes]] = {}
        self.unreachable: dict[ProjectName, UpstreamError] = {}
        self.broken: dict[Release, Exception] = {}
        self.asked: Counter[str] = Counter()

    def add(self, release: str, *requires: str, **fields: Any) -> ReleaseFixture:
        """Add a release, written ``name==version``; ``fields`` are those of ReleaseFixture."""
        fixture = ReleaseFixture(release=Release.parse(release), requires=requires, **fields)
        self._releases.setdefault(fixture.release.project, {})[fixture.release] = fixture
        self._pages.pop(fixture.release.project, None)
        return fixture

    def add_all(self, releases: Mapping[str, Iterable[str]]) -> None:
        """Add releases with nothing but their requirements."""
        for release, requires in releases.items():
            self.add(release, *requires)

    def remove(self, release: str) -> None:
        """Delete a release upstream."""
        gone = Release.parse(release)
        del self._releases[gone.project][gone]
        self._pages.pop(gone.project, None)

    def mark(self, project: str, status: str, reason: str = "") -> None:
        """Give a project a status (PEP 792)."""
        name = project_name(project)
        self._status[name] = (status, reason)
        self._pages.pop(name, None)

    def point(self, reference: str, source: DirectSource) -> None:
        """Say what a direct reference is."""
        self._direct[reference] = source

    async def page(self, project: ProjectName) -> ProjectPage:
        """Return the page of a project."""
        self.asked[f"page {project}"] += 1
        if project in self.unreachable:
            raise self.unreachable[project]
        if project not in self._releases:
            raise NotUpstreamError(
                f"{project!r} is on no index",
                hint=f"Asked: {self._index}. Check the spelling, or add the index that has it.",
            )
        if project not in self._pages:
            self._pages[project] = self._make_page(project)
        return self._pages[project]

    async def metadata(self, page: ProjectPage, release: Release) -> bytes:
        """Return the METADATA of a release."""
        self.asked[f"metadata {release}"] += 1
        if page.project != release.project:
            raise NotUpstreamError(f"{release} is not on the page of {page.project}")
        if release in self.broken:
            raise self.broken[release]
        return self._fixture(release).core_metadata

    async def fetch(self, source: Source) -> Source:
        """Return a source with its digest; the bytes go into the blobs where there are some."""
        content = self._content(source.location)
        digest = _digest(content)
        if source.digest not in {"", digest}:
            raise DigestMismatchError(f"{source.filename!r} is not what the index announced")
        if self._blobs is not None:
            await self._blobs.add_bytes(content)
        return replace(source, digest=digest, size=len(content))

    async def fetch_wheel(self, entry: FileEntry) -> Artifact:
        """Return a wheel as an artifact; the bytes go into the blobs where there are some."""
        content = self._content(entry.url)
        fixture = self._files[entry.url][0]
        metadata_digest = ""
        if self._blobs is not None:
            await self._blobs.add_bytes(content)
            metadata_digest = await self._blobs.add_bytes(fixture.core_metadata)
        return Artifact(
            filename=entry.filename,
            digest=_digest(content),
            size=len(content),
            release=fixture.release,
            tags=parse_wheel_filename(entry.filename)[3],
            origin=Origin.UPSTREAM,
            requires_python=fixture.requires_python,
            requires_dist=fixture.requires,
            metadata_digest=metadata_digest,
        )

    async def wheel_files(self, entry: FileEntry) -> tuple[str, ...]:
        """Return the paths in a wheel."""
        with zipfile.ZipFile(io.BytesIO(self._content(entry.url))) as archive:
            return tuple(archive.namelist())

    async def facts(self, source: Source) -> SourceFacts:
        """Return what a source says of its build."""
        self._content(source.location)
        fixture = self._files[source.location][0]
        return replace(fixture.facts, requires_python=fixture.requires_python)

    async def direct(self, reference: str) -> DirectSource:
        """Return what a direct reference was said to be."""
        if reference not in self._direct:
            raise NotUpstreamError(f"{reference!r} leads nowhere", hint="Check the address.")
        return self._direct[reference]

    def _fixture(self, release: Release) -> ReleaseFixture:
        try:
            return self._releases[release.project][release]
        except KeyError:
            raise NotUpstreamError(f"{release} is on no index") from None

    def _content(self, location: str) -> bytes:
        if location not in self._files:
            raise NotUpstreamError(f"{location!r} is not there")
        return self._files[location][1]

    def _make_page(self, project: ProjectName) -> ProjectPage:
        entries = [
            entry for one in self._releases[project].values() for entry in self._entries(one)
        ]
        status, reason = self._status.get(project, ("active", ""))
        said = repr((entries, status, reason))
        return ProjectPage(
            project=project,
            index=self._index,
            files=tuple(entries),
            fingerprint=hashlib.sha256(said.encode()).hexdigest(),
            status=status,
            status_reason=reason,
        )

    def _entries(self, fixture: ReleaseFixture) -> list[FileEntry]:
        files: list[tuple[str, bytes]] = []
        if fixture.sdist:
            files.append((f"{_stem(fixture)}.tar.gz", _sdist(fixture)))
        files += [
            (f"{_stem(fixture)}-{tags}.whl", _wheel(fixture, tags)) for tags in fixture.wheels
        ]
        return [self._entry(fixture, filename, content) for filename, content in files]

    def _entry(self, fixture: ReleaseFixture, filename: str, content: bytes) -> FileEntry:
        url = f"{_URL}{filename}"
        self._files[url] = (fixture, content)
        shown = fixture.page_requires_python
        return FileEntry(
            filename=filename,
            url=url,
            digest=_digest(content) if fixture.digests else "",
            size=len(content),
            requires_python=fixture.requires_python if shown is None else shown,
            yanked=fixture.yanked,
            uploaded=fixture.uploaded,
        )


def _stem(fixture: ReleaseFixture) -> str:
    return f"{fixture.release.project.replace('-', '_')}-{fixture.release.version}"


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _sdist(fixture: ReleaseFixture) -> bytes:
    facts = fixture.facts
    requires = ", ".join(f'"{line}"' for line in facts.build_requires)
    pyproject = f'[build-system]\nrequires = [{requires}]\nbuild-backend = "{facts.backend}"\n'
    buffer = io.BytesIO()
    # The time in gzip's header is fixed, so that the same release has the same digest.
    with (
        gzip.GzipFile(fileobj=buffer, mode="wb", mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w") as archive,
    ):
        for name, content in {
            "PKG-INFO": fixture.core_metadata,
            "pyproject.toml": pyproject.encode(),
        }.items():
            member = tarfile.TarInfo(f"{_stem(fixture)}/{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def _wheel(fixture: ReleaseFixture, tags: str) -> bytes:
    stem = _stem(fixture)
    python, abi, platform = tags.split("-")
    lines = [
        f"Tag: {one}-{two}-{three}"
        for one in python.split(".")
        for two in abi.split(".")
        for three in platform.split(".")
    ]
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in {
            "METADATA": fixture.core_metadata,
            "WHEEL": "\n".join(["Wheel-Version: 1.0", *lines, ""]).encode(),
            "RECORD": b"",
        }.items():
            archive.writestr(zipfile.ZipInfo(f"{stem}.dist-info/{name}", _EPOCH), content)
    return buffer.getvalue()
