"""The index over HTTP: an ASGI application over published artifacts and their bytes.

Pages that are at hand are answered before any framework is asked, since installers ask for little
else; whatever is not that simple goes through the routes below, with the same answers.
"""

import asyncio
from contextlib import suppress

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from wheelyard.errors import InvalidNameError, WheelyardError, nearest
from wheelyard.index.answers import (
    FOREVER,
    SECURITY,
    Answer,
    explain,
    matches,
    negotiated,
    page,
    redirect,
    shown,
    unavailable,
    wants_page,
)
from wheelyard.index.asked import address_as_asked
from wheelyard.index.channel_server import ChannelServer, is_of_channel
from wheelyard.index.channel_state import RenderedChannel
from wheelyard.index.fallthrough import Fallthrough
from wheelyard.index.listing import LinkedBlobs, Snapshots
from wheelyard.index.negotiation import choose
from wheelyard.index.rendered import (
    WHEELS,
    RenderedPages,
    RenderedProject,
    RenderedRoot,
    Representation,
    StoredFile,
)
from wheelyard.index.shelves import PREFIX, SnapshotShelves
from wheelyard.index.site import Row, front_page
from wheelyard.index.small_files import ABOUT, SmallFiles
from wheelyard.model.release import ProjectName, project_name
from wheelyard.ports import ArtifactStore, Blobs

_FRESHNESS = 0.1
_ROWS = 500
_SIMPLE = "/simple/"
_FILES = "/files/"
# Names to compare with when one is not known: enough for a small index, bounded for a large one.
_COMPARED = 300
_LONGEST_NAME = 200


class IndexServer:
    """The ASGI application.

    ``freshness`` is how long, in seconds, an answer may be given without a look at the store.
    """

    def __init__(  # noqa: PLR0913 - the ports of a service, by name
        self,
        *,
        artifacts: ArtifactStore,
        blobs: Blobs,
        freshness: float = _FRESHNESS,
        snapshots: Snapshots | None = None,
        upstream: Fallthrough | None = None,
        channel: RenderedChannel | None = None,
    ) -> None:
        self._artifacts = artifacts
        self._upstream = upstream
        self._shelves = None
        if snapshots is not None:
            self._shelves = SnapshotShelves(
                snapshots,
                freshness=freshness,
                open_index=lambda kept: IndexServer(
                    artifacts=snapshots.artifacts(kept),
                    blobs=blobs,
                    freshness=freshness,
                    upstream=upstream,
                    channel=RenderedChannel(snapshots.channel(kept), freshness=freshness),
                ),
            )
        self._channel = None
        if channel is not None:
            self._channel = ChannelServer(channel=channel, blobs=blobs)
        self._blobs = blobs
        self._about = SmallFiles(blobs)
        self._pages = RenderedPages(artifacts=artifacts, freshness=freshness)
        self._app = Starlette(
            routes=[
                Route("/", self._front),
                Route("/simple", self._to_slash),
                Route("/simple/", self._root),
                Route("/simple/{project}", self._to_slash),
                Route("/simple/{project}/", self._project),
                Route("/files/{sha256}/{filename}", self._file),
            ],
            exception_handlers={HTTPException: explain, WheelyardError: unavailable},
        )
        self._app.router.redirect_slashes = False

    def invalidate(self) -> None:
        """Have the next answer see what was published just now by this process."""
        self._pages.invalidate()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "http" and scope["path"].startswith(PREFIX):
            app, scope = await self._on_shelf(scope)
            await app(scope, receive, send)
        elif self._channel is not None and is_of_channel(scope.get("path", "")):
            await self._channel(scope, receive, send)
        elif scope["type"] != "http" or not await self._answer_at_hand(scope, send):
            await self._app(_with_quoted_slashes(scope), receive, send)

    async def _on_shelf(self, scope: Scope) -> tuple[ASGIApp, Scope]:
        """Return what answers for a snapshot, and the request as it is meant there."""
        found = None if self._shelves is None else await self._shelves.find(scope)
        if found is None:
            return self._app, _with_quoted_slashes(scope)
        app, inner = found
        if inner["path"] == "/":
            # There is one front page for all.
            return RedirectResponse("simple/", headers=SECURITY), inner
        return app, inner

    def at_hand(self, path: str, *, accept: bytes, known: bytes, head: bool) -> Answer | None:
        """Return the answer for a page or METADATA that are known to be true; None: ask in full.

        ``path`` has nothing quoted in it, and nothing after it was asked for; ``accept`` and ``known`` are
        the headers Accept and If-None-Match, empty where there are none.
        """
        if path.startswith(_FILES):
            found = self._about_at_hand(path)
        else:
            found = self._page_at_hand(path, accept)
        return None if found is None else Answer(found, known, head=head)

    def looking(self) -> "asyncio.Future[None] | None":
        """Return what is done when what is at hand is known to be true; None: it is."""
        return self._pages.looking()

    def _page_at_hand(self, path: str, accept: bytes) -> Representation | None:
        rendered: RenderedProject | RenderedRoot | None
        if path == _SIMPLE:
            rendered = self._pages.root_at_hand()
        else:
            rendered = self._pages.at_hand(path[len(_SIMPLE) : -1])
        form = None if rendered is None else choose(accept.decode("latin-1"))
        return None if rendered is None or form is None else rendered.forms[form]

    def _about_at_hand(self, path: str) -> Representation | None:
        """Find METADATA and provenance that were read lately: resolvers ask for hundreds at once."""
        place, _, filename = path[len(_FILES) :].partition("/")
        if not filename.endswith(ABOUT):
            return None
        try:
            project = project_name(filename.partition("-")[0])
        except InvalidNameError:
            return None
        rendered = self._pages.at_hand(project)
        stored = None if rendered is None else rendered.files.get((place, filename))
        return None if stored is None else self._about.at_hand(stored.digest, stored.media_type)

    async def _answer_at_hand(self, scope: Scope, send: Send) -> bool:
        if not _is_plain(scope):
            return False
        accept, known = b"", b""
        for name, value in scope["headers"]:
            if name == b"accept":
                accept = accept + b"," + value if accept else value
            elif name == b"if-none-match":
                known = value
        # Whatever is wrong with the store is said by the routes.
        with suppress(WheelyardError):
            await self._pages.look()
        head = scope["method"] == "HEAD"
        answer = self.at_hand(scope["path"], accept=accept, known=known, head=head)
        if answer is None:
            return False
        await answer.send(send)
        return True

    async def _front(self, request: Request) -> Response:
        root = await self._pages.root()
        rows = []
        for project in root.projects.first(_ROWS):
            rendered = await self._pages.project(project)
            if rendered is not None and rendered.page.versions:
                shown_page = rendered.page
                rows.append(
                    Row(
                        project=project, newest=shown_page.versions[-1], files=len(shown_page.files)
                    )
                )
        more = max(0, len(root.projects) - _ROWS)
        return page(
            front_page(
                address_as_asked(request, _SIMPLE),
                rows,
                more=more,
                channel=self._channel is not None,
            )
        )

    async def _root(self, request: Request) -> Response:
        return negotiated(request, (await self._pages.root()).forms)

    async def _project(self, request: Request) -> Response:
        asked: str = request.path_params["project"]
        project = _known_name(asked)
        if project != asked:
            return redirect(request, f"../{project}/")
        rendered = await self._pages.project(project)
        if rendered is None:
            if self._upstream is not None and (target := await self._upstream.address(project)):
                # It may be published here at any moment, so that nobody must keep this answer.
                headers = {**SECURITY, "Cache-Control": "no-cache"}
                return RedirectResponse(target, 302, headers=headers)
            raise await self._unknown(request, project)
        return negotiated(request, rendered.forms)

    async def _to_slash(self, request: Request) -> Response:
        asked = request.path_params.get("project")
        target = "simple" if asked is None else _known_name(asked)
        return redirect(request, f"{target}/")

    async def _file(self, request: Request) -> Response:
        sha256: str = request.path_params["sha256"]
        filename: str = request.path_params["filename"]
        stored = await self._stored(sha256, filename)
        if stored is None:
            raise HTTPException(
                404,
                f"No file {shown(filename)} with this digest is published here. "
                "Take its address from the project's page: addresses hold the digest of the bytes.",
            )
        etag = f'"{stored.digest.removeprefix("sha256:")}"'
        headers = {"ETag": etag, **FOREVER}
        if matches(request.headers.get("if-none-match", "").encode(), etag.encode()):
            return Response(status_code=304, headers=headers)
        if stored.media_type != WHEELS and "range" not in request.headers:
            content = await self._about.read(stored.digest)
            return Response(content, headers=headers, media_type=stored.media_type)
        blobs = self._blobs
        if isinstance(blobs, LinkedBlobs) and blobs.here(stored.digest) is None:
            # The bucket gives the bytes itself, to whoever has this link in the next minutes.
            link = await blobs.link(stored.digest)
            return RedirectResponse(link, 302, headers={**SECURITY, "Cache-Control": "no-store"})
        path = blobs.path(stored.digest)
        if path is None:
            content = await self._blobs.read(stored.digest)
            return Response(content, headers=headers, media_type=stored.media_type)
        return FileResponse(path, headers=headers, media_type=stored.media_type)

    async def _stored(self, sha256: str, filename: str) -> StoredFile | None:
        """Find a published file. What is not on a project's page is not served, stored or not."""
        try:
            project = project_name(filename[:_LONGEST_NAME].partition("-")[0])
        except InvalidNameError:
            return None
        rendered = await self._pages.project(project)
        return None if rendered is None else rendered.files.get((sha256, filename))

    async def _unknown(self, request: Request, project: ProjectName) -> HTTPException:
        advice = f"To publish it, build it: wheelyard build {project}"
        # Installers ask for much that is not here and read none of this; people get the nearest name.
        if wants_page(request):
            alike = (await self._pages.root()).projects.beginning(project[0], _COMPARED)
            advice = f"{nearest(project, alike)} {advice}".strip()
        return HTTPException(404, f"Nothing of {project!r} is published here. {advice}")


def _is_plain(scope: Scope) -> bool:
    """Tell whether a request asks for nothing but a page or a file under its own, unquoted name."""
    path: str = scope["path"]
    return (
        ((path.startswith(_SIMPLE) and path.endswith("/")) or path.startswith(_FILES))
        and not scope["query_string"]
        and not scope.get("root_path")
        and b"%" not in scope.get("raw_path", b"")
        and scope["method"] in {"GET", "HEAD"}
        and not any(name == b"range" for name, _ in scope["headers"])
    )


def _with_quoted_slashes(scope: Scope) -> Scope:
    """Keep ``%2F`` from turning into a separator: no name here holds a slash, so none is found."""
    if b"%2f" not in scope.get("raw_path", b"").lower():
        return scope
    return {**scope, "path": scope["raw_path"].decode("latin-1")}


def _known_name(asked: str) -> ProjectName:
    if len(asked) <= _LONGEST_NAME:
        with suppress(InvalidNameError):
            return project_name(asked)
    raise HTTPException(404, f"{shown(asked)} cannot be the name of a project.")
