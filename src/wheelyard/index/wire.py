"""The JSON of the simple repository (PEP 691, 700, 740, 792): written, and read back from a folder.

A page that wheelyard wrote says so under a key with an underscore, which PEP 691 leaves to the
server. Only such a page is read back.
"""

from collections.abc import Iterable
from datetime import datetime

import msgspec

from wheelyard.index.address import sha256_of
from wheelyard.index.markup import GENERATOR
from wheelyard.index.pages import API_VERSION, SimplePage
from wheelyard.model.release import ProjectName
from wheelyard.model.source import FileEntry


class _Meta(msgspec.Struct, kw_only=True, rename="kebab"):
    api_version: str = API_VERSION
    generator: str = msgspec.field(name="_generator", default="")


class _Status(msgspec.Struct, kw_only=True, omit_defaults=True):
    status: str
    reason: str = ""


class _File(msgspec.Struct, kw_only=True, rename="kebab", omit_defaults=True):
    filename: str
    url: str
    hashes: dict[str, str]
    size: int | None = None
    upload_time: datetime | None = None
    requires_python: str | None = None
    yanked: bool | str = False
    core_metadata: bool | dict[str, str] = False
    provenance: str | None = None


class _Project(msgspec.Struct, kw_only=True, rename="kebab"):
    meta: _Meta
    name: str
    project_status: _Status
    versions: list[str]
    files: list[_File]


class _Listed(msgspec.Struct):
    name: str


class _Root(msgspec.Struct):
    meta: _Meta
    projects: list[_Listed]


def project_json(page: SimplePage) -> bytes:
    """Write the page of a project."""
    return msgspec.json.encode(
        _Project(
            meta=_Meta(generator=GENERATOR),
            name=page.project,
            project_status=_Status(status=page.status, reason=page.status_reason),
            versions=list(page.versions),
            files=[_to_file(entry) for entry in page.files],
        )
    )


def root_json(projects: Iterable[ProjectName]) -> bytes:
    """Write the page that lists every project."""
    listed = [_Listed(project) for project in projects]
    return msgspec.json.encode(_Root(_Meta(generator=GENERATOR), listed))


def root_json_item(project: ProjectName) -> bytes:
    """Write a project as it stands in the list."""
    return msgspec.json.encode(_Listed(project))


def root_json_parts() -> tuple[bytes, bytes]:
    """Return what stands before and after the items of the list of every project."""
    head, mark, tail = root_json(()).rpartition(b"[]")
    assert mark
    return head + b"[", b"]" + tail


def read_project_json(content: bytes) -> SimplePage | None:
    """Read a page that ``project_json`` wrote; None where it is anything else."""
    try:
        project = msgspec.json.decode(content, type=_Project)
    except msgspec.DecodeError:
        return None
    if project.meta.generator != GENERATOR:
        return None
    return SimplePage(
        project=ProjectName(project.name),
        files=tuple(_to_entry(file) for file in project.files),
        versions=tuple(project.versions),
        status=project.project_status.status,
        status_reason=project.project_status.reason,
    )


def read_root_json(content: bytes) -> tuple[ProjectName, ...] | None:
    """Read a page that ``root_json`` wrote; None where it is anything else."""
    try:
        root = msgspec.json.decode(content, type=_Root)
    except msgspec.DecodeError:
        return None
    if root.meta.generator != GENERATOR:
        return None
    return tuple(ProjectName(listed.name) for listed in root.projects)


def _to_file(entry: FileEntry) -> _File:
    metadata = entry.metadata_digest
    return _File(
        filename=entry.filename,
        url=entry.url,
        hashes={"sha256": sha256_of(entry.digest)},
        size=entry.size,
        upload_time=entry.uploaded,
        requires_python=entry.requires_python or None,
        # PEP 691 calls an empty reason not yanked, so a yank without one is ``true``.
        yanked=False if entry.yanked is None else entry.yanked or True,
        core_metadata={"sha256": sha256_of(metadata)} if metadata else False,
        provenance=entry.provenance or None,
    )


def _to_entry(file: _File) -> FileEntry:
    metadata = file.core_metadata
    return FileEntry(
        filename=file.filename,
        url=file.url,
        digest=f"sha256:{file.hashes.get('sha256', '')}",
        size=file.size,
        requires_python=file.requires_python or "",
        yanked=None if file.yanked is False else "" if file.yanked is True else file.yanked,
        uploaded=file.upload_time,
        metadata_digest=f"sha256:{metadata.get('sha256', '')}"
        if isinstance(metadata, dict)
        else None,
        provenance=file.provenance or "",
    )
