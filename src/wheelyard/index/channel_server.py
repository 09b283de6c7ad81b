"""The conda channel over HTTP: what stands at ``/conda/`` and below, for solvers and for people."""

import re

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse, Response
from starlette.types import Receive, Scope, Send

from wheelyard.errors import StoreError
from wheelyard.index.answers import (
    FOREVER,
    SECURITY,
    explain,
    matches,
    page,
    shown,
    unavailable,
)
from wheelyard.index.asked import address_as_asked
from wheelyard.index.channel_html import channel_page
from wheelyard.index.channel_state import ChannelPage, ChannelState, RenderedChannel
from wheelyard.index.listing import LinkedBlobs
from wheelyard.index.negotiation import Form, choose
from wheelyard.index.rendered import WHEELS
from wheelyard.model.channel import NOARCH, CondaPackage
from wheelyard.ports import Blobs
from wheelyard.recipes.platforms import SUBDIRS

PLACE = "/conda"
_FORMS = {"html": Form.HTML, "json": Form.JSON_V1}
_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")
_ASKED_EACH_TIME = {"Cache-Control": "no-cache", **SECURITY}


def is_of_channel(path: str) -> bool:
    """Whether an address is the channel's."""
    return path == PLACE or path.startswith(f"{PLACE}/")


class ChannelServer:
    """The ASGI application."""

    def __init__(self, *, channel: RenderedChannel, blobs: Blobs) -> None:
        self._channel = channel
        self._blobs = blobs

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope, receive)
        try:
            answer = await self.answer(request)
        except HTTPException as error:
            answer = await explain(request, error)
        except StoreError as error:
            answer = await unavailable(request, error)
        await answer(scope, receive, send)

    async def answer(self, request: Request) -> Response:
        """Answer one request. Raises HTTPException and StoreError."""
        if request.method not in {"GET", "HEAD"}:
            raise HTTPException(405, "Method Not Allowed", {"Allow": "GET, HEAD"})
        path = request.scope["path"].removeprefix(PLACE)
        if not path or path[1:-1] in (NOARCH, *SUBDIRS):
            return RedirectResponse("../" if path else "conda/", 301, headers=SECURITY)
        state = await self._channel.state()
        if path == "/":
            return _front(request, state)
        found = state.pages.get(path[1:])
        if found is not None:
            return _page(request, found, path)
        subdir, _, filename = path[1:].partition("/")
        package = state.packages.get(subdir, {}).get(filename)
        if package is None:
            raise HTTPException(
                404,
                f"No {shown(path[1:])} is in this channel. What is in it is listed at {PLACE}/.",
            )
        return await self._file(request, package)

    async def _file(self, request: Request, package: CondaPackage) -> Response:
        etag = f'"{package.digest.removeprefix("sha256:")}"'
        headers = {"ETag": etag, **FOREVER}
        if matches(request.headers.get("if-none-match", "").encode(), etag.encode()):
            return Response(status_code=304, headers=headers)
        blobs = self._blobs
        if isinstance(blobs, LinkedBlobs) and blobs.here(package.digest) is None:
            # The bucket gives the bytes itself, to whoever has this link in the next minutes.
            link = await blobs.link(package.digest)
            return RedirectResponse(link, 302, headers={**SECURITY, "Cache-Control": "no-store"})
        path = blobs.path(package.digest)
        if path is None:
            content = await blobs.read(package.digest)
            return _part(request, content, headers, WHEELS)
        return FileResponse(path, headers=headers, media_type=WHEELS)


def _front(request: Request, state: ChannelState) -> Response:
    """Answer with what there is, for people or for programs."""
    asked = request.query_params.get("format")
    accept = ",".join(request.headers.getlist("accept")).replace("application/json", Form.JSON_V1)
    form = choose(accept) if asked is None else _FORMS.get(asked)
    if form is None:
        raise HTTPException(406, "This page comes as html and json (?format=json).")
    if form is Form.JSON_V1:
        return _page(request, state.pages[""], ".json", {"Vary": "Accept"})
    answer = page(channel_page(address_as_asked(request, PLACE), state.listed()))
    answer.headers["Vary"] = "Accept"
    return answer


def _page(
    request: Request, found: ChannelPage, path: str, more: dict[str, str] | None = None
) -> Response:
    headers = {"ETag": found.etag, **_ASKED_EACH_TIME, **(more or {})}
    if matches(request.headers.get("if-none-match", "").encode(), found.etag.encode()):
        return Response(status_code=304, headers=headers)
    media = "application/zstd" if path.endswith(".zst") else "application/json"
    return _part(request, found.content, headers, media)


def _part(request: Request, content: bytes, headers: dict[str, str], media: str) -> Response:
    """Answer with bytes, or with the one range of them that is wanted (RFC 9110 section 14)."""
    headers = {"Accept-Ranges": "bytes", **headers}
    wanted = _RANGE.fullmatch(request.headers.get("range", ""))
    unchanged = request.headers.get("if-range", headers["ETag"]) == headers["ETag"]
    if wanted is None or not any(wanted.groups()) or not unchanged:
        return Response(content, headers=headers, media_type=media)
    first, last = wanted.groups()
    begin = int(first) if first else max(0, len(content) - int(last))
    end = min(int(last) if first and last else len(content), len(content) - 1)
    if begin > end:
        headers["Content-Range"] = f"bytes */{len(content)}"
        return Response(status_code=416, headers=headers)
    headers["Content-Range"] = f"bytes {begin}-{end}/{len(content)}"
    return Response(content[begin : end + 1], 206, headers, media)
