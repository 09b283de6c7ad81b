"""A small web server that answers what a test tells it to."""

import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from upstream.archives import sha256

JSON = "application/vnd.pypi.simple.v1+json"


@dataclass
class Reply:
    """What the site answers: ``cut`` bytes fewer than announced."""

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    cut: int = 0


@dataclass
class Asked:
    path: str
    headers: Mapping[str, str]


Answer = Callable[[Asked], Reply]


class Site:
    """A web server that answers what a test put there, and remembers what it was asked."""

    def __init__(self) -> None:
        self.answers: dict[str, Answer] = {}
        self.asked: list[Asked] = []
        self.ranges = True
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.01}
        )
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def index(self) -> str:
        return f"{self.url}/simple"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def put(self, path: str, body: bytes | str, **headers: str) -> str:
        """Serve bytes at a path; header names are written with underscores."""
        content = body.encode() if isinstance(body, str) else body
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.answers[path] = lambda _: Reply(content, headers=named)
        return self.url + path

    def put_page(self, project: str, body: bytes | str, content_type: str = "text/html") -> None:
        self.put(f"/simple/{project}/", body, Content_Type=content_type)

    def put_files(self, project: str, *files: tuple[str, bytes], attributes: str = "") -> None:
        """Serve files, and an HTML page that lists them with their digests."""
        links = []
        for name, content in files:
            url = self.put(f"/files/{name}", content)
            links.append(f'<a href="{url}#sha256={sha256(content)}" {attributes}>{name}</a>')
        self.put_page(project, html(*links))

    def script(self, path: str, *replies: Reply) -> None:
        """Answer one after another; the last one stays."""
        left = list(replies)
        self.answers[path] = lambda _: left.pop(0) if len(left) > 1 else left[0]

    def count(self, path: str) -> int:
        return sum(asked.path == path for asked in self.asked)


def html(*links: str, head: str = "") -> str:
    return f"<!DOCTYPE html><html><head>{head}<title>Links for it</title></head><body>{'<br>'.join(links)}</body></html>"


def _handler(site: Site) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            asked = Asked(self.path, dict(self.headers.items()))
            site.asked.append(asked)
            answer = site.answers.get(self.path)
            reply = answer(asked) if answer else Reply(b"no", status=404)
            reply = self._ranged(reply)
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(reply.body)))
            self.end_headers()
            self.wfile.write(reply.body[: len(reply.body) - reply.cut])
            if reply.cut:
                self.close_connection = True

        def _ranged(self, reply: Reply) -> Reply:
            asked = self.headers.get("Range", "")
            match = re.fullmatch(r"bytes=(\d*)-(\d*)", asked)
            if not site.ranges or match is None or reply.status != 200:
                return reply
            size = len(reply.body)
            start = int(match[1]) if match[1] else max(0, size - int(match[2]))
            end = int(match[2]) + 1 if match[1] and match[2] else size
            headers = reply.headers | {"Content-Range": f"bytes {start}-{end - 1}/{size}"}
            return Reply(reply.body[start:end], status=206, headers=headers)

        def log_message(self, *arguments: object) -> None:
            pass

    return Handler
