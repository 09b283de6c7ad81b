"""Pages as bytes, made when something changed and not when somebody reads.

An answer is kept with what it was made from. Reading costs a look at the store's revision (at most
once in ``freshness`` seconds); only after a change is a project read again, and only where that
brought something new is it rendered again.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from time import monotonic

from wheelyard.index.address import METADATA_SUFFIX, served_address, sha256_of
from wheelyard.index.markup import project_html, root_html
from wheelyard.index.negotiation import Form
from wheelyard.index.pages import SimplePage, page_of
from wheelyard.index.site import SECURITY_HEADERS
from wheelyard.index.wire import project_json, root_json
from wheelyard.model.artifact import Artifact
from wheelyard.model.release import ProjectName
from wheelyard.ports import ArtifactStore, Revisions

# More projects than this are rendered again when they are read again, oldest first.
_KEPT_PAGES = 20_000

Headers = list[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Representation:
    """One form of a page, ready to be sent: the headers of a 200 and those of a 304."""

    content: bytes
    etag: bytes
    headers: Headers
    unchanged_headers: Headers


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFile:
    """What lies behind the address of a file."""

    digest: str
    media_type: str


@dataclass(slots=True, kw_only=True)
class RenderedProject:
    """A project's page in each form, and the files it links to by (SHA-256, file name)."""

    made_from: tuple[Artifact, ...]
    confirmed: int
    page: SimplePage
    forms: Mapping[Form, Representation]
    files: Mapping[tuple[str, str], StoredFile]


@dataclass(slots=True, kw_only=True)
class RenderedRoot:
    """The page of all projects in each form."""

    made_from: tuple[ProjectName, ...]
    confirmed: int
    forms: Mapping[Form, Representation]


class RenderedPages:
    """The pages of a store, kept as long as they are true."""

    def __init__(self, *, artifacts: ArtifactStore, freshness: float) -> None:
        self._artifacts = artifacts
        self._freshness = freshness
        self._revision = 0
        self._looked = float("-inf")
        self._projects: dict[str, RenderedProject] = {}
        self._root: RenderedRoot | None = None

    def invalidate(self) -> None:
        """Look at the store before the next answer, however fresh the last look is."""
        self._looked = float("-inf")

    def at_hand(self, project: str) -> RenderedProject | None:
        """Return a project whose page is known to be true without asking anybody."""
        rendered = self._projects.get(project)
        if rendered is None or rendered.confirmed != self._revision:
            return None
        return rendered if monotonic() - self._looked < self._freshness else None

    async def project(self, project: ProjectName) -> RenderedProject | None:
        """Return a project, or None where nothing of it is published."""
        revision = await self._look()
        kept = self._projects.get(project)
        if kept is not None and kept.confirmed == revision:
            return kept
        artifacts = tuple(await self._artifacts.of_project(project))
        if not artifacts:
            self._projects.pop(project, None)
            return None
        if kept is None or kept.made_from != artifacts:
            kept = _render(project, artifacts)
            self._keep(project, kept)
        kept.confirmed = revision
        return kept

    async def root(self) -> RenderedRoot:
        """Return the page of all projects."""
        revision = await self._look()
        kept = self._root
        if kept is not None and kept.confirmed == revision:
            return kept
        projects = tuple(await self._artifacts.projects())
        if kept is None or kept.made_from != projects:
            kept = _render_root(projects)
            self._root = kept
        kept.confirmed = revision
        return kept

    async def _look(self) -> int:
        if monotonic() - self._looked < self._freshness:
            return self._revision
        # The time before the question counts: an answer is never newer than it.
        asked = monotonic()
        if isinstance(self._artifacts, Revisions):
            self._revision = await self._artifacts.revision()
        else:
            self._revision += 1
        self._looked = asked
        return self._revision

    def _keep(self, project: str, rendered: RenderedProject) -> None:
        self._projects.pop(project, None)
        self._projects[project] = rendered
        if len(self._projects) > _KEPT_PAGES:
            del self._projects[next(iter(self._projects))]


def _render(project: ProjectName, artifacts: tuple[Artifact, ...]) -> RenderedProject:
    page = page_of(project, artifacts, served_address)
    return RenderedProject(
        made_from=artifacts,
        confirmed=0,
        page=page,
        forms=_forms(project_html(page), project_json(page)),
        files=_files(page),
    )


def _render_root(projects: tuple[ProjectName, ...]) -> RenderedRoot:
    forms = _forms(root_html(projects), root_json(projects))
    return RenderedRoot(made_from=projects, confirmed=0, forms=forms)


def _files(page: SimplePage) -> dict[tuple[str, str], StoredFile]:
    files = {}
    for entry in page.files:
        place = sha256_of(entry.digest)
        files[place, entry.filename] = StoredFile(
            digest=entry.digest, media_type="application/octet-stream"
        )
        if entry.metadata_digest:
            files[place, entry.filename + METADATA_SUFFIX] = StoredFile(
                digest=entry.metadata_digest, media_type="text/plain; charset=utf-8"
            )
    return files


def _forms(html: bytes, json: bytes) -> dict[Form, Representation]:
    return {
        Form.HTML: representation(html, f"{Form.HTML}; charset=utf-8"),
        Form.HTML_V1: representation(html, Form.HTML_V1),
        Form.JSON_V1: representation(json, Form.JSON_V1),
    }


def representation(content: bytes, media_type: str) -> Representation:
    """Make a page ready to be sent."""
    digest = hashlib.sha256(media_type.encode() + b"\n" + content).hexdigest()
    etag = f'"{digest[:32]}"'.encode()
    unchanged = [
        (b"etag", etag),
        (b"vary", b"Accept"),
        # To be asked for each time, which an ETag makes cheap: a page is never stale.
        (b"cache-control", b"no-cache"),
    ]
    headers = [
        (b"content-type", media_type.encode()),
        (b"content-length", str(len(content)).encode()),
        *unchanged,
        *SECURITY_HEADERS,
    ]
    return Representation(content=content, etag=etag, headers=headers, unchanged_headers=unchanged)
