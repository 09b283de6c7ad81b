"""The site's own files: style, scripts, pictures. Each is named by its bytes, so that it is kept for ever."""

import gzip
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from types import MappingProxyType

from starlette.responses import Response

from wheelyard.web.access import ANYBODY
from wheelyard.web.endpoint import Call, Endpoint
from wheelyard.web.refusals import not_there

_MEDIA: Mapping[str, str] = MappingProxyType(
    {
        ".css": "text/css; charset=utf-8",
        ".js": "text/javascript; charset=utf-8",
        ".svg": "image/svg+xml",
        ".png": "image/png",
    }
)
_FOREVER = "public, max-age=31536000, immutable"
_FOLDERS = ("", "vendor")


@dataclass(frozen=True, slots=True, kw_only=True)
class _File:
    content: bytes
    packed: bytes
    media: str
    mark: str


class StaticFiles:
    """All files, read once."""

    def __init__(self) -> None:
        self._files = dict(_read())

    def address(self, name: str) -> str:
        """Return the address of a file; it changes with the file. Raises KeyError."""
        return f"/static/{self._files[name].mark}/{name}"

    async def answer(self, call: Call) -> Response:
        """Answer with a file."""
        name = call.place("name")
        file = self._files.get(name)
        if file is None or file.mark != call.place("mark"):
            raise not_there("file", name)
        headers = {"Cache-Control": _FOREVER, "Vary": "Accept-Encoding"}
        if "gzip" in call.request.headers.get("accept-encoding", ""):
            headers["Content-Encoding"] = "gzip"
            return Response(file.packed, headers=headers, media_type=file.media)
        return Response(file.content, headers=headers, media_type=file.media)

    def endpoints(self) -> Sequence[Endpoint]:
        """Return where files are fetched."""
        return (
            Endpoint(
                method="GET",
                path="/static/{mark}/{name}",
                allowed=ANYBODY,
                answer=self.answer,
                says="A file of the site's own: style, script or picture.",
                media="application/octet-stream",
            ),
        )


def _read() -> Sequence[tuple[str, _File]]:
    found = []
    root = files("wheelyard.web.site").joinpath("static")
    for folder in _FOLDERS:
        for entry in (root.joinpath(folder) if folder else root).iterdir():
            ending = f".{entry.name.rpartition('.')[2]}"
            if entry.is_file() and ending in _MEDIA:
                content = entry.read_bytes()
                file = _File(
                    content=content,
                    packed=gzip.compress(content, 9, mtime=0),
                    media=_MEDIA[ending],
                    mark=hashlib.sha256(content).hexdigest()[:12],
                )
                found.append((entry.name, file))
    return found
