"""The index on pages: what was published lately, snapshots, and one file with where it comes from."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from wheelyard.errors import InvalidNameError
from wheelyard.index.address import served_address
from wheelyard.model.artifact import Artifact
from wheelyard.model.listing import NamedSnapshot
from wheelyard.model.release import project_name
from wheelyard.ports import ArtifactStore, Blobs
from wheelyard.protocol.attestation import decode_provenance
from wheelyard.site_ports import PublishedFile, SiteStore
from wheelyard.web.endpoint import Call
from wheelyard.web.ports import SnapshotDesk, WebPorts
from wheelyard.web.refusals import not_there
from wheelyard.web.site.page import Page

_NEWEST = 100


class FileLine(msgspec.Struct, kw_only=True):
    """A file of the index, in a line."""

    filename: str
    project: str
    version: str
    size: int
    created: datetime | None


class SnapshotLine(msgspec.Struct, kw_only=True):
    """A named snapshot."""

    name: str
    number: int
    created: datetime
    files: int
    projects: int
    address: str


class IndexView(msgspec.Struct, kw_only=True):
    """What the index got lately, and its snapshots."""

    address: str
    newest: Sequence[FileLine]
    snapshots: Sequence[SnapshotLine]


class Made(msgspec.Struct, kw_only=True):
    """Something that a file was made of, as its signed statement says."""

    name: str
    digest: str


class ProvenanceView(msgspec.Struct, kw_only=True):
    """What the signed statement of a file says. ``statement`` is all of it."""

    builder: str
    started: str
    finished: str
    made_of: Sequence[Made]
    statement: str


class IndexedFile(msgspec.Struct, kw_only=True):
    """One file of the index."""

    filename: str
    project: str
    version: str
    digest: str
    size: int
    tags: Sequence[str]
    origin: str
    requires_python: str
    requires_dist: Sequence[str]
    created: datetime | None
    yanked: str | None
    job: str
    target: str
    address: str
    provenance: ProvenanceView | None


class Shelf:
    """Shows the index."""

    def __init__(
        self,
        *,
        artifacts: ArtifactStore,
        blobs: Blobs,
        site: SiteStore,
        snapshots: SnapshotDesk | None,
    ) -> None:
        self._artifacts = artifacts
        self._blobs = blobs
        self._site = site
        self._snapshots = snapshots

    async def show(self, call: Call) -> IndexView:
        """Show what was published lately."""
        base = str(call.request.base_url).rstrip("/")
        named = await self._snapshots.names() if self._snapshots else ()
        return IndexView(
            address=f"{base}/simple/",
            newest=[_line(one) for one in await self._site.published(limit=_NEWEST)],
            snapshots=[_snapshot(one, base) for one in named],
        )

    async def file(self, call: Call) -> IndexedFile:
        """Show one file."""
        wanted = call.place("filename")
        try:
            project = project_name(call.place("project"))
        except InvalidNameError:
            raise not_there("project", call.place("project")) from None
        published = await self._artifacts.of_project(project)
        found = next((one for one in published if one.filename == wanted), None)
        if found is None:
            raise not_there("file", wanted)
        return _view(found, await self._provenance(found))

    async def _provenance(self, artifact: Artifact) -> ProvenanceView | None:
        digest = artifact.provenance_digest
        if not digest or self._blobs.path(digest) is None:
            return None
        signed = decode_provenance(await self._blobs.read(digest))
        return _statement(signed[0].statement) if signed else None


def _line(one: PublishedFile) -> FileLine:
    return FileLine(
        filename=one.filename,
        project=one.project,
        version=one.version,
        size=one.size,
        created=one.created,
    )


def _snapshot(named: NamedSnapshot, base: str) -> SnapshotLine:
    snapshot = named.snapshot
    return SnapshotLine(
        name=named.name,
        number=snapshot.id,
        created=snapshot.created,
        files=snapshot.files,
        projects=snapshot.projects,
        address=f"{base}/snapshots/{named.name}/simple/",
    )


def _view(artifact: Artifact, provenance: ProvenanceView | None) -> IndexedFile:
    return IndexedFile(
        filename=artifact.filename,
        project=artifact.release.project,
        version=str(artifact.release.version),
        digest=artifact.digest,
        size=artifact.size,
        tags=sorted(map(str, artifact.tags)),
        origin=artifact.origin.value,
        requires_python=artifact.requires_python,
        requires_dist=artifact.requires_dist,
        created=artifact.created,
        yanked=artifact.yanked,
        job=artifact.build_key,
        target=str(artifact.target) if artifact.target else "",
        address=served_address(artifact).removeprefix("../.."),
        provenance=provenance,
    )


def _statement(text: bytes) -> ProvenanceView | None:
    """Read what the farm itself wrote; what is otherwise is shown as it is."""
    try:
        said: Any = msgspec.json.decode(text)
        predicate = said.get("predicate", {})
        run = predicate.get("runDetails", {})
        metadata = run.get("metadata", {})
        made_of = predicate.get("buildDefinition", {}).get("resolvedDependencies", [])
        return ProvenanceView(
            builder=str(run.get("builder", {}).get("id", "")),
            started=str(metadata.get("startedOn", "")),
            finished=str(metadata.get("finishedOn", "")),
            made_of=[
                Made(
                    name=str(one.get("name") or one.get("uri", "")),
                    digest=next((f"{k}:{v}" for k, v in one.get("digest", {}).items()), ""),
                )
                for one in made_of
            ],
            statement=msgspec.json.format(text, indent=2).decode(),
        )
    except (msgspec.MsgspecError, AttributeError, TypeError):
        return None


def pages(ports: WebPorts) -> Sequence[Page]:
    """Return where the index is shown to people."""
    shelf = Shelf(
        artifacts=ports.artifacts,
        blobs=ports.blobs,
        site=ports.site,
        snapshots=ports.snapshots,
    )
    return (
        Page(
            path="/index",
            template="index.html",
            title="Index",
            show=shelf.show,
            says="What the index got lately, its snapshots, and how to install from it.",
            follows=("jobs",),
        ),
        Page(
            path="/index/{project}/{filename}",
            template="file.html",
            title="{filename}",
            show=shelf.file,
            says="One file of the index, and where it comes from.",
        ),
    )
