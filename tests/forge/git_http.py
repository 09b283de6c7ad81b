"""git over HTTP: ``git http-backend`` behind a handler of the standard library's server."""

import os
import subprocess
from http.server import BaseHTTPRequestHandler
from pathlib import Path


def serve_git(handler: BaseHTTPRequestHandler, root: Path, user: str) -> None:
    """Answer a request below ``/git/`` by git's own program (a CGI)."""
    path, _, query = handler.path.partition("?")
    variables = {
        "PATH": os.environ["PATH"],
        "GIT_PROJECT_ROOT": str(root),
        "GIT_HTTP_EXPORT_ALL": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_PROTOCOL": handler.headers.get("Git-Protocol", ""),
        "HTTP_CONTENT_ENCODING": handler.headers.get("Content-Encoding", ""),
        "PATH_INFO": path.removeprefix("/git"),
        "QUERY_STRING": query,
        "REQUEST_METHOD": handler.command,
        "CONTENT_TYPE": handler.headers.get("Content-Type", ""),
        "REMOTE_ADDR": "127.0.0.1",
        "REMOTE_USER": user,
    }
    ran = subprocess.run(
        ["git", "http-backend"],
        env=variables,
        input=_body(handler),
        capture_output=True,
        check=True,
    )
    head, _, body = ran.stdout.partition(b"\r\n\r\n")
    lines = [line.decode().split(": ", 1) for line in head.split(b"\r\n")]
    status = next((value for name, value in lines if name == "Status"), "200 OK")
    handler.send_response(int(status.split()[0]))
    for name, value in lines:
        if name != "Status":
            handler.send_header(name, value)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


def _body(handler: BaseHTTPRequestHandler) -> bytes:
    if handler.headers.get("Transfer-Encoding", "") != "chunked":
        return handler.rfile.read(int(handler.headers.get("Content-Length", "0")))
    pieces = []
    while size := int(handler.rfile.readline().strip() or b"0", 16):
        pieces.append(handler.rfile.read(size))
        handler.rfile.readline()
    handler.rfile.readline()
    return b"".join(pieces)
