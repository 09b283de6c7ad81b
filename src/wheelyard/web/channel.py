"""The conda channel of a farm: its files for solvers, and where packages are uploaded."""

import errno
import re
import tempfile
from collections.abc import Sequence
from pathlib import Path

import msgspec
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from wheelyard.coordinator.channel import subdirs
from wheelyard.errors import OutOfSpaceError
from wheelyard.index.channel_server import ChannelServer
from wheelyard.model.channel import CondaName
from wheelyard.web.access import ANYBODY, OPERATORS
from wheelyard.web.endpoint import Call, Endpoint, announced_size, answered
from wheelyard.web.ports import PackageDoor, WebPorts
from wheelyard.web.refusals import Refusal, not_there, shortened

_PLACE = "/conda/{subdir}/{filename}"
_MOST = 2 << 30
_SHA256 = re.compile(r"[0-9a-f]{64}")
_ANNOUNCED = "x-checksum-sha256"
_CLOSE = {"Connection": "close"}
_FULL = {errno.ENOSPC, errno.EDQUOT}


class PackageAdded(msgspec.Struct, kw_only=True):
    """A package that is in the channel; not ``new`` where just these bytes were there before."""

    package: str
    digest: str
    new: bool


class PackageDesk:
    """Takes packages in."""

    def __init__(self, door: PackageDoor | None, *, most: int = _MOST) -> None:
        self._door = door
        self._most = most

    async def take(self, call: Call) -> Response:
        """Take one package in."""
        if self._door is None:
            raise Refusal(404, "nothing can be uploaded here", "", _CLOSE)
        subdir, name = call.place("subdir"), str(CondaName.parse(call.place("filename")))
        if subdir not in subdirs():
            hint = "Upload to noarch, linux-64 and the like."
            raise Refusal(422, f"there is no subdir {shortened(subdir)!r}", hint, _CLOSE)
        if announced_size(call.request) > self._most:
            raise self._too_large()
        with tempfile.TemporaryDirectory(dir=self._door.scratch, prefix="upload-") as folder:
            path = Path(folder, name)
            await self._receive(call, path)
            (package,), entered = await self._door.take(
                [path], actor=call.bearer.subject, subdir=subdir, announced=_announced(call)
            )
        new = bool(entered.new)
        added = PackageAdded(package=package.place, digest=package.digest, new=new)
        return answered(added, 201 if new else 200)

    async def _receive(self, call: Call, path: Path) -> None:
        size = 0
        with path.open("wb") as file:
            async for chunk in call.chunks():
                size += len(chunk)
                if size > self._most:
                    raise self._too_large()
                try:
                    file.write(chunk)
                except OSError as error:
                    if error.errno not in _FULL:
                        raise
                    raise OutOfSpaceError(
                        "there is no room for the package", hint="Try again when there is some."
                    ) from error

    def _too_large(self) -> Refusal:
        return Refusal(413, f"the package has more than {self._most:,} bytes", "", _CLOSE)


class ChannelFiles:
    """Gives the channel's files to whoever asks, as the index gives its own."""

    def __init__(self, ports: WebPorts) -> None:
        self._server = None
        if ports.channel is not None:
            self._server = ChannelServer(channel=ports.channel, blobs=ports.blobs)

    async def give(self, call: Call) -> Response:
        """Answer with a file."""
        path = call.request.url.path
        if self._server is None:
            raise not_there("channel", path)
        try:
            return await self._server.answer(call.request)
        except HTTPException as error:
            raise Refusal(error.status_code, error.detail, "", error.headers) from error


async def _to_the_page(_: Call) -> Response:
    # Clients are given the address without a slash, and so do people type it.
    return RedirectResponse("/conda/", 303)


def _announced(call: Call) -> str:
    """Return the digest that a client told, as JFrog's Artifactory has it told."""
    text = call.request.headers.get(_ANNOUNCED, "").lower()
    if text and _SHA256.fullmatch(text) is None:
        raise Refusal(400, f"{_ANNOUNCED} is {shortened(text)!r}", "", _CLOSE)
    return f"sha256:{text}" if text else ""


def endpoints(ports: WebPorts) -> Sequence[Endpoint]:
    """Return where the channel is read, and where packages are uploaded."""
    files = ChannelFiles(ports)
    return (
        Endpoint(
            method="GET",
            path="/conda",
            allowed=ANYBODY,
            answer=_to_the_page,
            says="The way to /conda/, for people who have the address that clients have.",
            status=303,
        ),
        Endpoint(
            method="GET",
            path="/conda/channeldata.json",
            allowed=ANYBODY,
            answer=files.give,
            says="What is in the conda channel, by name.",
            gives=dict,
        ),
        Endpoint(
            method="GET",
            path=_PLACE,
            allowed=ANYBODY,
            answer=files.give,
            says="A conda package, or what is said of a subdir: repodata.json, repodata.json.zst, run_exports.json …",
            media="application/octet-stream",
            also=((304, None),),
        ),
        Endpoint(
            method="PUT",
            path=_PLACE,
            allowed=OPERATORS,
            answer=PackageDesk(ports.packages).take,
            says="Upload a conda package into the channel; 200 where these bytes were there before.",
            body=bytes,
            body_media="application/octet-stream",
            gives=PackageAdded,
            status=201,
            also=((200, PackageAdded), (409, None)),
        ),
    )
