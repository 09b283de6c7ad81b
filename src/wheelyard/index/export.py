"""The index as a folder: ``DIR/simple/`` for installers and web servers, ``DIR/files/`` for bytes.

Files are placed before the page that links to them, and a project's page before the root page that
links to it; so a reader, and a kill at any moment, finds no link to nothing. An export adds to
what is there. It costs what changed: the pages of other projects are not even read.
"""

import asyncio
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from wheelyard.errors import StoreError
from wheelyard.index.address import (
    METADATA_SUFFIX,
    PROVENANCE_SUFFIX,
    exported_address,
    exported_path,
    fault_of,
)
from wheelyard.index.folder import ExportFolder
from wheelyard.index.markup import OWN_MARK, project_html, root_html, root_link
from wheelyard.index.pages import merge, page_of
from wheelyard.index.wire import project_json, read_project_json, read_root_json, root_json
from wheelyard.model.artifact import Artifact
from wheelyard.model.listing import ACTIVE, ProjectStatus
from wheelyard.model.release import ProjectName, Release
from wheelyard.ports import ArtifactStore, Blobs, Statuses

SIMPLE = PurePosixPath("simple")
_OTHER_BYTES = (
    "a file of this name with other bytes is there already, and stays; write to another folder"
)
HTML_NAME = "index.html"
JSON_NAME = "index.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """A file that is not in the exported index, and why."""

    filename: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportResult:
    """What an export did. ``index`` is the folder to give to an installer.

    ``files`` counts the wheels that the export was about, ``written`` the files that it had to
    write for them, pages and metadata among them.
    """

    index: Path
    projects: tuple[ProjectName, ...]
    files: int
    written: int
    left_out: tuple[LeftOut, ...]


async def export(
    artifacts: ArtifactStore,
    blobs: Blobs,
    output: Path,
    releases: Collection[Release] | None = None,
) -> ExportResult:
    """Write published artifacts (of these releases, or all) into a folder.

    Raises StoreError where the folder cannot be written, OutOfSpaceError where it is full.
    """
    published = await _published(artifacts, releases)
    statuses = {}
    if isinstance(artifacts, Statuses):
        statuses = {project: await artifacts.status(project) for project in published}
    return await asyncio.to_thread(_Export(output, blobs, statuses).run, published)


async def export_wheels(wheels: Iterable[Artifact], blobs: Blobs, output: Path) -> ExportResult:
    """Write these very wheels into a folder, upstream's among them, whatever else is published.

    Raises StoreError where the folder cannot be written, OutOfSpaceError where it is full.
    """
    chosen: dict[ProjectName, list[Artifact]] = {}
    for wheel in sorted(wheels, key=lambda wheel: wheel.filename):
        found = chosen.setdefault(wheel.release.project, [])
        if not found or found[-1].filename != wheel.filename:
            found.append(wheel)
    return await asyncio.to_thread(_Export(output, blobs, {}).run, chosen)


async def _published(
    artifacts: ArtifactStore, releases: Collection[Release] | None
) -> dict[ProjectName, list[Artifact]]:
    if releases is None:
        return {name: [*await artifacts.of_project(name)] for name in await artifacts.projects()}
    published: dict[ProjectName, list[Artifact]] = {}
    for release in sorted(set(releases)):
        if found := await artifacts.of_release(release):
            published.setdefault(release.project, []).extend(found)
    return published


@dataclass(slots=True)
class _Export:
    """One export, on a thread of its own."""

    output: Path
    blobs: Blobs
    statuses: Mapping[ProjectName, ProjectStatus]
    left_out: list[LeftOut] = field(default_factory=list)

    def run(self, published: dict[ProjectName, list[Artifact]]) -> ExportResult:
        folder = ExportFolder(self.output)
        listed: list[ProjectName] = []
        files = 0
        with folder.locked():
            for project, found in published.items():
                if (exported := self._project(folder, project, found)) is not None:
                    listed.append(project)
                    files += exported
            _write_root(folder, listed)
        return ExportResult(
            index=self.output / SIMPLE,
            projects=tuple(listed),
            files=files,
            written=folder.written,
            left_out=tuple(self.left_out),
        )

    def _project(
        self, folder: ExportFolder, project: ProjectName, found: Iterable[Artifact]
    ) -> int | None:
        """Write the files and the page of a project; return how many files it was about, None: no page."""
        whole = [artifact for artifact in found if self._is_whole(artifact)]
        if not whole:
            return None
        place = SIMPLE / project
        status = self.statuses.get(project, ACTIVE)
        page = page_of(project, whole, exported_address, status)
        if not page.files:
            whole = []
        if (written := _read_own(folder, place)) is not None:
            before = read_project_json(written.json)
            if before is None:
                raise _foreign(folder, place / JSON_NAME)
            merged = merge(before, page)
            page = merged.page
            whole = [artifact for artifact in whole if artifact.filename not in merged.kept]
            for name in merged.kept:
                self._leave_out(name, _OTHER_BYTES)
        for artifact in whole:
            self._place(folder, artifact)
        # JSON first: it is what the next export reads back.
        folder.write(place / JSON_NAME, project_json(page))
        folder.write(place / HTML_NAME, project_html(page))
        return len(whole)

    def _is_whole(self, artifact: Artifact) -> bool:
        """Tell whether a page may link to an artifact; where not, note why."""
        if fault := fault_of(artifact):
            self._leave_out(artifact.filename, fault)
            return False
        if None in (self.blobs.path(digest) for digest in _contents(artifact).values()):
            self._leave_out(artifact.filename, "its bytes are not on this machine")
            return False
        return True

    def _place(self, folder: ExportFolder, artifact: Artifact) -> None:
        for path, digest in _contents(artifact).items():
            if (blob := self.blobs.path(digest)) is not None:
                folder.place(path, blob, digest)

    def _leave_out(self, filename: str, reason: str) -> None:
        self.left_out.append(LeftOut(filename=filename, reason=reason))


def _contents(artifact: Artifact) -> dict[PurePosixPath, str]:
    """Return where the wheel and the files about it belong, and their digests."""
    wanted = {exported_path(artifact.digest, artifact.filename): artifact.digest}
    if artifact.metadata_digest:
        name = artifact.filename + METADATA_SUFFIX
        wanted[exported_path(artifact.digest, name)] = artifact.metadata_digest
    if artifact.provenance_digest:
        name = artifact.filename + PROVENANCE_SUFFIX
        wanted[exported_path(artifact.digest, name)] = artifact.provenance_digest
    return wanted


@dataclass(frozen=True, slots=True, kw_only=True)
class _Written:
    """A page as an earlier export left it; no HTML where that one was killed in between."""

    json: bytes
    html: bytes


def _write_root(folder: ExportFolder, listed: Collection[ProjectName]) -> None:
    before: tuple[ProjectName, ...] = ()
    if (written := _read_own(folder, SIMPLE)) is not None:
        read = read_root_json(written.json)
        if read is None:
            raise _foreign(folder, SIMPLE / JSON_NAME)
        # A search in what was read anyway is much cheaper than writing a page of all projects.
        if set(listed) <= set(read) and all(
            root_link(project) in written.html for project in listed
        ):
            return
        before = read
    projects = sorted({*before, *listed})
    folder.write(SIMPLE / JSON_NAME, root_json(projects))
    folder.write(SIMPLE / HTML_NAME, root_html(projects))


def _read_own(folder: ExportFolder, place: PurePosixPath) -> _Written | None:
    """Read a page back, after a look whether it is wheelyard's to replace."""
    html = folder.read(place / HTML_NAME)
    json = folder.read(place / JSON_NAME)
    if html is not None and (json is None or OWN_MARK not in html):
        raise _foreign(folder, place / HTML_NAME)
    return None if json is None else _Written(json=json, html=html or b"")


def _foreign(folder: ExportFolder, path: PurePosixPath) -> StoreError:
    return StoreError(
        f"'{folder.root / path}' is in the way: wheelyard did not write it, or somebody changed it",
        hint="Move it away, or export to another folder.",
    )
