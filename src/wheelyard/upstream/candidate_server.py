"""A simple repository on the loopback interface that shows candidate views to a resolver.

Each view has a secret path of its own, so that queries with different policies do not mix and other
users of the machine see none. It is spoken to by one kind of client that this project starts itself,
so it understands GET and nothing else of HTTP; a web framework would cost more to import than a
resolution costs to run.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from urllib.parse import quote, unquote

import msgspec
from packaging.version import InvalidVersion, Version

from wheelyard.errors import InvalidNameError, UpstreamError
from wheelyard.model.release import ProjectName, Release, project_name
from wheelyard.upstream.candidates import Candidate, Listing
from wheelyard.upstream.view import CandidateView

_JSON = "application/vnd.pypi.simple.v1+json"
_TAG = "py2.py3-none-any.whl"
_FAILED = "422 Unprocessable Content"
"""A status that no client tries again: the reason lies in the view and is reported from there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mount:
    """A view that is being served at ``url``. ``faults`` are errors of our own, to be raised."""

    view: CandidateView
    url: str
    faults: list[Exception]


@dataclass(frozen=True, slots=True)
class _Answer:
    status: str
    body: bytes = b""
    media_type: str = "text/plain"

    def encode(self) -> bytes:
        """Write a response. Nothing may be stored: the next query's view is another one."""
        head = (
            f"HTTP/1.1 {self.status}\r\nContent-Type: {self.media_type}\r\n"
            f"Content-Length: {len(self.body)}\r\nCache-Control: no-store\r\n\r\n"
        )
        return head.encode() + self.body


class CandidateServer:
    """Serves views while they are mounted; starts with the first one."""

    def __init__(self) -> None:
        self._mounts: dict[str, Mount] = {}
        self._server: asyncio.Server | None = None
        self._starting = asyncio.Lock()
        self._connections: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def mount(self, view: CandidateView) -> AsyncIterator[Mount]:
        """Serve a view for the length of a ``with`` block."""
        port = await self._port()
        token = secrets.token_urlsafe(18)
        mount = Mount(view=view, url=f"http://127.0.0.1:{port}/{token}/", faults=[])
        self._mounts[token] = mount
        try:
            yield mount
        finally:
            del self._mounts[token]

    async def close(self) -> None:
        """Stop serving."""
        if self._server is not None:
            self._server.close()
            for connection in self._connections:
                connection.cancel()
            await asyncio.gather(*self._connections, return_exceptions=True)
            await self._server.wait_closed()
            self._server = None

    async def _port(self) -> int:
        async with self._starting:
            if self._server is None:
                self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(self._converse(reader, writer))
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request after another until the client hangs up."""
        try:
            with suppress(asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError):
                while True:
                    request = await reader.readuntil(b"\r\n\r\n")
                    writer.write((await self._answer(request)).encode())
                    await writer.drain()
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    async def _answer(self, request: bytes) -> _Answer:
        method, path, *_ = [*request.split(b" ", 2), b"", b""]
        if method != b"GET":
            return _Answer("405 Method Not Allowed")
        token, *names = unquote(path.decode("ascii", "replace")).strip("/").split("/")
        mount = self._mounts.get(token)
        if mount is None:
            return _Answer("404 Not Found")
        try:
            return await _resource(mount.view, names)
        except UpstreamError:
            return _Answer(_FAILED)
        except Exception as fault:  # noqa: BLE001 - a bug here must reach the caller, not the resolver
            mount.faults.append(fault)
            return _Answer(_FAILED)


async def _resource(view: CandidateView, names: list[str]) -> _Answer:
    try:
        project = project_name(names[0] if names else "")
    except InvalidNameError:
        return _Answer("404 Not Found")
    listing = await view.listing(project)
    if listing is None:
        return _Answer("404 Not Found")
    if len(names) == 1:
        return _Answer("200 OK", _page(listing), _JSON)
    release = _release_of(listing, names[1])
    if release is None:
        return _Answer("404 Not Found")
    metadata = await view.metadata(release)
    # A file without a name is what makes a resolver leave a release out and look further.
    body = b"" if metadata is None else metadata.text(provided=view.provided)
    return _Answer("200 OK", body)


def _page(listing: Listing) -> bytes:
    project = listing.project
    return msgspec.json.encode(
        {
            "meta": {"api-version": "1.1"},
            "name": project,
            "versions": [str(version) for version in listing.candidates],
            "files": [_file(project, candidate) for candidate in listing.candidates.values()],
        }
    )


def _file(project: ProjectName, candidate: Candidate) -> dict[str, object]:
    filename = _filename(candidate.release)
    return {
        "filename": filename,
        "url": f"../{project}/{quote(filename)}",
        "hashes": {},
        "core-metadata": True,
        "yanked": candidate.yanked or candidate.yanked is not None,
    }


def _filename(release: Release) -> str:
    return f"{release.project.replace('-', '_')}-{release.version}-{_TAG}"


def _release_of(listing: Listing, filename: str) -> Release | None:
    _, _, rest = filename.partition("-")
    try:
        version = Version(rest.removesuffix(f"-{_TAG}.metadata"))
    except InvalidVersion:
        return None
    candidate = listing.candidates.get(version)
    return None if candidate is None else candidate.release
