"""Pages as bytes, made when something changed and not when somebody reads.

An answer is kept with what it was made from. Reading costs a look at the store's revision (at most
once in ``freshness`` seconds); only after a change is a project read again, and only where that
brought something new is it rendered again. A store that can say which projects changed is asked for
those alone (``ChangedProjects``), and all other pages stay.
"""

import asyncio
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from time import monotonic

from wheelyard.index.address import (
    METADATA_SUFFIX,
    PROVENANCE_SUFFIX,
    served_address,
    sha256_of,
)
from wheelyard.index.markup import project_html
from wheelyard.index.negotiation import Form
from wheelyard.index.pages import SimplePage, page_of
from wheelyard.index.root import RootPieces
from wheelyard.index.site import SECURITY_HEADERS
from wheelyard.index.wire import project_json
from wheelyard.model.artifact import Artifact
from wheelyard.model.listing import ACTIVE, Changes, ProjectStatus
from wheelyard.model.release import ProjectName
from wheelyard.ports import ArtifactStore, ChangedProjects, Revisions, Statuses

# More projects than this are rendered again when they are read again, oldest first.
_KEPT_PAGES = 20_000

WHEELS = "application/octet-stream"
"""The media type of files; what is about them has others."""

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

    made_from: tuple[tuple[Artifact, ...], ProjectStatus]
    confirmed: int
    page: SimplePage
    forms: Mapping[Form, Representation]
    files: Mapping[tuple[str, str], StoredFile]


@dataclass(slots=True, kw_only=True)
class RenderedRoot:
    """The page of all projects in each form."""

    projects: RootPieces
    confirmed: int
    forms: Mapping[Form, Representation]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Looking:
    """A look at the store, and when it began."""

    began: float
    answer: "asyncio.Future[None]"


class RenderedPages:
    """The pages of a store, kept as long as they are true."""

    def __init__(self, *, artifacts: ArtifactStore, freshness: float) -> None:
        self._artifacts = artifacts
        self._freshness = freshness
        self._revision = -1
        self._looked = float("-inf")
        self._invalidated = float("-inf")
        self._looking: _Looking | None = None
        self._projects: dict[str, RenderedProject] = {}
        self._root: RenderedRoot | None = None

    def invalidate(self) -> None:
        """Look at the store before the next answer, however fresh the last look is."""
        self._looked = float("-inf")
        self._invalidated = monotonic()

    def at_hand(self, project: str) -> RenderedProject | None:
        """Return a project whose page is known to be true without asking anybody."""
        rendered = self._projects.get(project)
        if rendered is None or rendered.confirmed != self._revision:
            return None
        return rendered if monotonic() - self._looked < self._freshness else None

    def root_at_hand(self) -> RenderedRoot | None:
        """Return the page of all projects where it is known to be true without asking anybody."""
        root = self._root
        if root is None or root.confirmed != self._revision:
            return None
        return root if monotonic() - self._looked < self._freshness else None

    async def project(self, project: ProjectName) -> RenderedProject | None:
        """Return a project, or None where nothing of it is published."""
        revision = await self.look()
        kept = self._projects.get(project)
        if kept is not None and kept.confirmed == revision:
            return kept
        artifacts, status = await self._read(project)
        if not artifacts:
            self._projects.pop(project, None)
            return None
        # Somebody else who asked for it at the same time may have been quicker.
        kept = self._projects.get(project)
        if kept is None or kept.made_from != (artifacts, status):
            kept = _render(project, artifacts, status)
            self._keep(project, kept)
        kept.confirmed = max(kept.confirmed, revision)
        return kept

    async def _read(self, project: ProjectName) -> tuple[tuple[Artifact, ...], ProjectStatus]:
        if not isinstance(self._artifacts, Statuses):
            return tuple(await self._artifacts.of_project(project)), ACTIVE
        # In one turn of the loop, which a store answers with one change of threads.
        artifacts, status = await asyncio.gather(
            self._artifacts.of_project(project), self._artifacts.status(project)
        )
        return tuple(artifacts), status

    async def root(self) -> RenderedRoot:
        """Return the page of all projects."""
        revision = await self.look()
        kept = self._root
        if kept is not None and kept.confirmed == revision:
            return kept
        projects = await self._artifacts.projects()
        if kept is None or kept.projects.first(len(projects) + 1) != list(projects):
            kept = _render_root(RootPieces(projects))
            self._root = kept
        kept.confirmed = revision
        return kept

    async def look(self) -> int:
        """Make sure that what is at hand is true; return the revision that it is of."""
        looking = self.looking()
        if looking is not None:
            # Whoever is gone takes nobody's answer along.
            await asyncio.shield(looking)
        return self._revision

    def looking(self) -> "asyncio.Future[None] | None":
        """Return what is done when that is sure; None: it is."""
        now = monotonic()
        if now - self._looked < self._freshness:
            return None
        looking = self._looking
        # An installer asks for dozens of pages at once: one look is for all of them, where it is one that
        # each of them could have had a moment before.
        if looking is None or looking.answer.done() or not self._holds(looking.began, now):
            looking = _Looking(began=now, answer=asyncio.ensure_future(self._ask(now)))
            looking.answer.add_done_callback(_seen)
            self._looking = looking
        return looking.answer

    def _holds(self, began: float, now: float) -> bool:
        return began > self._invalidated and now - began < self._freshness

    async def _ask(self, asked: float) -> None:
        if isinstance(self._artifacts, ChangedProjects) and self._revision >= 0:
            self._follow(await self._artifacts.changes_since(self._revision))
        elif isinstance(self._artifacts, Revisions):
            self._revision = await self._artifacts.revision()
        else:
            self._revision += 1
        # The time before the question counts: an answer is never newer than it.
        if asked > self._invalidated:
            self._looked = max(asked, self._looked)

    def _follow(self, changes: Changes) -> None:
        """Let everything be true again but the pages of the projects that changed."""
        before, self._revision = self._revision, changes.revision
        if before == changes.revision:
            return
        if changes.revision < before:
            # Another look was quicker, or the database was restored: nothing is known for sure.
            self._projects.clear()
            self._root = None
            return
        for name, kept in self._projects.items():
            if kept.confirmed == before and name not in changes.projects:
                kept.confirmed = changes.revision
        root = self._root
        if root is not None and root.confirmed == before:
            if root.projects.change(changes.projects):
                self._root = root = _render_root(root.projects)
            root.confirmed = changes.revision

    def _keep(self, project: str, rendered: RenderedProject) -> None:
        self._projects.pop(project, None)
        self._projects[project] = rendered
        if len(self._projects) > _KEPT_PAGES:
            del self._projects[next(iter(self._projects))]


def _seen(answer: "asyncio.Future[None]") -> None:
    """Note that a look failed, though all who waited for it may be gone."""
    if not answer.cancelled():
        answer.exception()


def _render(
    project: ProjectName, artifacts: tuple[Artifact, ...], status: ProjectStatus
) -> RenderedProject:
    page = page_of(project, artifacts, served_address, status)
    return RenderedProject(
        made_from=(artifacts, status),
        confirmed=-1,
        page=page,
        forms=_forms(project_html(page), project_json(page)),
        files=_files(page, artifacts),
    )


def _render_root(projects: RootPieces) -> RenderedRoot:
    page = projects.page()
    forms = _forms(page.html, page.json, html_digest=page.digest, json_digest=page.digest)
    return RenderedRoot(projects=projects, confirmed=-1, forms=forms)


def _files(page: SimplePage, artifacts: tuple[Artifact, ...]) -> dict[tuple[str, str], StoredFile]:
    provenance = {artifact.filename: artifact.provenance_digest for artifact in artifacts}
    files = {}
    for entry in page.files:
        place = sha256_of(entry.digest)
        files[place, entry.filename] = StoredFile(digest=entry.digest, media_type=WHEELS)
        if entry.metadata_digest:
            files[place, entry.filename + METADATA_SUFFIX] = StoredFile(
                digest=entry.metadata_digest, media_type="text/plain; charset=utf-8"
            )
        if entry.provenance:
            files[place, entry.filename + PROVENANCE_SUFFIX] = StoredFile(
                digest=provenance[entry.filename], media_type="application/json"
            )
    return files


def _forms(
    html: bytes, json: bytes, *, html_digest: bytes = b"", json_digest: bytes = b""
) -> dict[Form, Representation]:
    html_digest = html_digest or hashlib.sha256(html).digest()
    json_digest = json_digest or hashlib.sha256(json).digest()
    return {
        Form.HTML: _representation(html, f"{Form.HTML}; charset=utf-8", html_digest),
        Form.HTML_V1: _representation(html, Form.HTML_V1, html_digest),
        Form.JSON_V1: _representation(json, Form.JSON_V1, json_digest),
    }


def _representation(content: bytes, media_type: str, digest: bytes) -> Representation:
    """Make a page ready to be sent; ``digest`` is that of its content."""
    # Each form has an ETag of its own, because each is another sequence of bytes.
    etag = f'"{hashlib.sha256(media_type.encode() + digest).hexdigest()[:32]}"'.encode()
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
