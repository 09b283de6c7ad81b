"""Where a page is, as whoever asked for it wrote its address."""

import re

from starlette.requests import Request

_HOST = re.compile(r"[A-Za-z0-9._-]+(:\d+)?|\[[0-9A-Fa-f:.]+\](:\d+)?")


def address_as_asked(request: Request, place: str) -> str:
    """Return the address of a place of this server, under the name that this client knows it by."""
    host = request.headers.get("host", "")
    if not _HOST.fullmatch(host):
        name, port = request.scope["server"]
        host = f"{name}:{port}"
    return f"{request.scope['scheme']}://{host}{request.scope.get('root_path', '')}{place}"
