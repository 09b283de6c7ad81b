"""Where a release's text comes from, and what an index lists."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from wheelyard.model.release import ProjectName


class SourceKind(StrEnum):
    """The kinds of place that a source can lie in."""

    SDIST = "sdist"
    GIT = "git"
    FOLDER = "folder"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """The text of one release, pinned.

    ``location`` is a URL or an absolute path. ``digest`` is ``sha256:…`` of the archive's bytes, for
    git ``git:COMMIT`` and for a folder ``tree:…`` (see ``upstream.folders``); before anything was
    fetched it is what an index announced: nothing, or another algorithm's. ``archive`` names the blob
    that holds the text, once it was fetched: of an sdist its ``digest``, of a tree a tar file.
    ``history``: the archive of a tree has its ``.git``, because only that tells its version.
    ``uploaded`` is aware, in UTC.
    """

    kind: SourceKind
    location: str
    digest: str
    filename: str = ""
    size: int | None = None
    uploaded: datetime | None = None
    subdirectory: str = ""
    index: str = ""
    archive: str = ""
    history: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FileEntry:
    """One file as an index lists it.

    ``yanked`` is None for a file that is not yanked, else the reason, which may be empty.
    ``metadata_digest`` is None where the index offers no metadata file, and empty where it offers
    one without a digest. ``digest`` is ``algorithm:hex`` or empty. ``provenance`` is the URL of a provenance
    object (PEP 740), or empty.
    """

    filename: str
    url: str
    digest: str = ""
    size: int | None = None
    requires_python: str = ""
    yanked: str | None = None
    uploaded: datetime | None = None
    metadata_digest: str | None = None
    provenance: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectPage:
    """What one index says about one project (PEP 503, PEP 691).

    ``fingerprint`` changes when what the page says changes. ``status`` is that of PEP 792.
    """

    project: ProjectName
    index: str
    files: tuple[FileEntry, ...]
    fingerprint: str
    status: str = "active"
    status_reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFacts:
    """What a source says about itself without running any of its code.

    ``build_requires`` are PEP 518's, with setuptools' defaults where there is no pyproject.toml.
    ``backend`` and ``backend_path`` as in PEP 517. ``requires_python`` may be empty.
    """

    build_requires: tuple[str, ...]
    backend: str
    backend_path: tuple[str, ...]
    requires_python: str = ""
