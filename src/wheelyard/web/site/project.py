"""All about one project, put together from its jobs, its files and what their metadata say."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from statistics import fmean
from urllib.parse import quote

import msgspec
from packaging.metadata import parse_email

from wheelyard.errors import InvalidTargetError, StoreError
from wheelyard.index.address import fault_of, sha256_of
from wheelyard.model.artifact import Artifact
from wheelyard.model.job import BuildKey
from wheelyard.model.release import ProjectName
from wheelyard.ports import Blobs
from wheelyard.site_ports import JobLine, SiteStore
from wheelyard.targets.compatibility import serves
from wheelyard.targets.target import Target
from wheelyard.web.site.lines import CellView, TargetHead, cell_view, heads
from wheelyard.web.site.versions import newest_first, version_of
from wheelyard.web.stories import Stories

_JOBS = 5000
_FILES = 100
_DRAWN = 40
_TIMES = 2000
_DEPENDANTS = 50
_DESCRIPTION = 20_000
_SUMMARY = 500


class ReleaseCell(msgspec.Struct, kw_only=True):
    """How a release stands for a target. ``covered``: a file of another target serves it, and no job is needed."""

    state: str
    key: str
    reason: str
    changed: datetime | None


class ReleaseRow(msgspec.Struct, kw_only=True):
    """A release; its cells in the order of the columns, null where there is nothing."""

    version: str
    cells: Sequence[ReleaseCell | None]


class FileView(msgspec.Struct, kw_only=True):
    """A file that installers find."""

    filename: str
    version: str
    url: str
    size: int
    digest: str
    requires_python: str
    yanked: str | None
    created: datetime | None


class Point(msgspec.Struct, kw_only=True):
    """What is drawn of a release: mean seconds of its builds, or the bytes of its largest file."""

    version: str
    value: float


class Dependant(msgspec.Struct, kw_only=True):
    """A release that waits for wheels of this project, and the request that wants it."""

    release: str
    target: str
    request: str


class ProjectView(msgspec.Struct, kw_only=True):
    """All about a project. Summary and description are what its author wrote: text, and never markup."""

    project: str
    summary: str
    description: str
    install: str
    targets: Sequence[TargetHead]
    newest: Mapping[str, CellView]
    releases: Sequence[ReleaseRow]
    all_releases: int
    files: Sequence[FileView]
    all_files: int
    system_libraries: Sequence[str]
    build_seconds: Sequence[Point]
    sizes: Sequence[Point]
    dependants: Sequence[Dependant]
    before: str | None
    after: str | None


class ProjectBook:
    """Puts it together."""

    def __init__(self, *, site: SiteStore, blobs: Blobs, stories: Stories) -> None:
        self._site = site
        self._blobs = blobs
        self._stories = stories

    async def view(
        self, project: ProjectName, *, offset: int, releases: int, base: str
    ) -> ProjectView:
        """Return all about a project, with some of its releases."""
        cells = await self._site.cells_of(project)
        jobs = await self._site.jobs_of(project, limit=_JOBS)
        files = [one for one in await self._site.files_of(project) if not fault_of(one)]
        files.sort(key=lambda one: (one.release.version, one.filename), reverse=True)
        versions = newest_first(
            {job.version for job in jobs} | {str(one.release.version) for one in files}
        )
        columns = heads({job.target for job in jobs} | {cell.target for cell in cells})
        summary, description = await self._told(files)
        keys = [BuildKey(cell.built_key) for cell in cells if cell.built_key]
        shown = versions[offset : offset + releases]
        return ProjectView(
            project=project,
            summary=summary,
            description=description,
            install=f"pip install --index-url {base}/simple/ {project}" if files else "",
            targets=columns,
            newest={cell.target: cell_view(cell) for cell in cells},
            releases=_rows(shown, columns, jobs, files),
            all_releases=len(versions),
            files=[_file(one) for one in files[:_FILES]],
            all_files=len(files),
            system_libraries=await self._site.system_libraries(keys),
            build_seconds=await self._times(project),
            sizes=_sizes(files),
            dependants=self._dependants(project),
            before=f"?offset={max(0, offset - releases)}" if offset else None,
            after=f"?offset={offset + releases}" if offset + releases < len(versions) else None,
        )

    async def _told(self, files: Sequence[Artifact]) -> tuple[str, str]:
        """Return what the newest file's METADATA says of the project."""
        newest = next((one for one in files if one.metadata_digest), None)
        if newest is None:
            return "", ""
        try:
            content = await self._blobs.read(newest.metadata_digest)
        except StoreError:
            return "", ""
        raw, _ = parse_email(content)
        return (
            _plain(raw.get("summary") or "")[:_SUMMARY],
            _plain(raw.get("description") or "")[:_DESCRIPTION],
        )

    async def _times(self, project: ProjectName) -> Sequence[Point]:
        seconds: dict[str, list[float]] = defaultdict(list)
        for one in await self._site.build_times(project, limit=_TIMES):
            seconds[one.version].append(one.seconds)
        return _points({version: fmean(values) for version, values in seconds.items()})

    def _dependants(self, project: ProjectName) -> Sequence[Dependant]:
        return [
            Dependant(release=str(unit.release), target=str(unit.target), request=request)
            for request, unit in self._stories.dependants_of(project)[:_DEPENDANTS]
        ]


def _rows(
    versions: Sequence[str],
    columns: Sequence[TargetHead],
    jobs: Iterable[JobLine],
    files: Iterable[Artifact],
) -> Sequence[ReleaseRow]:
    # Jobs come the last changed first, and that one counts.
    newest: dict[tuple[str, str], JobLine] = {}
    for job in jobs:
        newest.setdefault((job.version, job.target), job)
    of_version: dict[str, list[Artifact]] = defaultdict(list)
    for one in files:
        of_version[str(one.release.version)].append(one)
    return [
        ReleaseRow(
            version=version,
            cells=[
                _cell(newest.get((version, column.target)), column, of_version[version])
                for column in columns
            ],
        )
        for version in versions
    ]


def _cell(job: JobLine | None, column: TargetHead, files: Sequence[Artifact]) -> ReleaseCell | None:
    if job is not None:
        return ReleaseCell(state=job.state, key=job.key, reason=job.reason, changed=job.changed)
    covering = next((one for one in files if _serves(one, column.target)), None)
    if covering is None:
        return None
    return ReleaseCell(
        state="covered",
        key=covering.build_key,
        reason=covering.filename,
        changed=covering.created,
    )


def _serves(artifact: Artifact, target: str) -> bool:
    try:
        return serves(artifact.tags, artifact.requires_python, Target.parse(target))
    except InvalidTargetError:
        return False


def _file(artifact: Artifact) -> FileView:
    return FileView(
        filename=artifact.filename,
        version=str(artifact.release.version),
        url=f"/files/{sha256_of(artifact.digest)}/{quote(artifact.filename)}",
        size=artifact.size,
        digest=artifact.digest,
        requires_python=artifact.requires_python,
        yanked=artifact.yanked,
        created=artifact.created,
    )


def _sizes(files: Iterable[Artifact]) -> Sequence[Point]:
    largest: dict[str, float] = {}
    for one in files:
        version = str(one.release.version)
        largest[version] = max(largest.get(version, 0), one.size)
    return _points(largest)


def _points(values: Mapping[str, float]) -> Sequence[Point]:
    newest = sorted(values, key=version_of)[-_DRAWN:]
    return [Point(version=version, value=values[version]) for version in newest]


def _plain(text: str) -> str:
    """Leave out what is no text: control characters other than line ends and tabs."""
    return "".join(one for one in text if one.isprintable() or one in "\n\t").strip()
