"""A server that speaks the parts of GitHub's interface that are used, over real git repositories.

Pages, ETags, limits, redirects and tokens are as GitHub's; so is git over HTTP, by git's own program.
"""

import base64
import hashlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from forge.git_http import serve_git
from forge.github_hub import BOT, TOKEN, Asked, GitHub, Json, RefusalError
from forge.github_routes import Routes


class GitHubServer(GitHub):
    """The server, on a free port."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.01}
        )
        self._thread.start()

    def close(self) -> None:
        if self._thread.is_alive():
            self._server.shutdown()
            self._server.server_close()
            self._thread.join()


def _handler(hub: GitHub) -> type[BaseHTTPRequestHandler]:
    return type("Handler", (_Handler,), {"hub": hub, "routes": Routes(hub)})


class _Handler(BaseHTTPRequestHandler):
    """Answers for the hub of its class."""

    hub: GitHub
    routes: Routes
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the parent's name
        pass

    def answer(self) -> None:
        with self.hub.lock:
            self.hub.seen.append(f"{self.command} {self.path}")
            self.hub.asked.append(Asked(self.command, self.path))
            if self.path.startswith("/git/"):
                self.git()
            else:
                self.interface()

    do_GET = do_POST = do_PATCH = do_PUT = answer  # noqa: N815 - the parent's names

    def git(self) -> None:
        secret = base64.b64encode(f"x-access-token:{TOKEN}".encode()).decode()
        if self.headers.get("Authorization") != f"Basic {secret}":
            self.reply(401, {"message": "Bad credentials"}, {"WWW-Authenticate": "Basic"})
            return
        name = unquote(self.path).removeprefix("/git/").partition(".git")[0]
        pushes = "git-receive-pack" in self.path
        if not self.hub.bare(name).exists() or (pushes and not name.startswith(BOT)):
            self.rfile.read(int(self.headers.get("Content-Length", "0")))
            self.reply(404 if not pushes else 403, {"message": "Not Found"})
            return
        self.hub.sync()
        serve_git(self, self.hub.folder, BOT)

    def interface(self) -> None:
        parts = urlsplit(self.path)
        said = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        asked = json.loads(said) if said else query
        try:
            self.known()
            self.hub.refuse(self.command, parts.path)
            self.found(unquote(parts.path), asked, query)
        except RefusalError as refusal:
            self.hub.asked[-1].status = refusal.status
            errors = [{"message": error} for error in refusal.errors]
            headers = {name.replace("_", "-"): value for name, value in refusal.headers.items()}
            self.reply(refusal.status, {"message": refusal.message, "errors": errors}, headers)

    def known(self) -> None:
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            raise RefusalError(401, "Bad credentials")

    def found(self, path: str, asked: Json, query: dict[str, str]) -> None:
        for old, new in self.hub.moved.items():
            if path.startswith(f"/repos/{old}"):
                location = self.hub.url + path.replace(old, new, 1)
                self.reply(301, {"message": "Moved Permanently"}, {"Location": location})
                return
        self.hub.sync()
        for verb, pattern, route in self.routes.table:
            match = pattern.fullmatch(path)
            if verb == self.command and match:
                if any(word in path for word in self.hub.may_not):
                    raise RefusalError(403, "Resource not accessible by integration")
                self.listed(route(asked, *match.groups()), query)
                return
        raise RefusalError(404, "Not Found")

    def listed(self, body: Json, query: dict[str, str]) -> None:
        if not isinstance(body, list) or len(body) <= self.hub.page:
            self.reply(201 if self.command == "POST" else 200, body)
            return
        page, size = int(query.get("page", "1")), self.hub.page
        url = (
            f"{self.hub.pages_at or self.hub.url}{self.path.partition('&page')[0]}&page={page + 1}"
        )
        more = {"Link": f'<{url}>; rel="next"'} if page * size < len(body) else {}
        self.reply(200, body[(page - 1) * size : page * size], more)

    def reply(self, status: int, body: Json, headers: dict[str, str] | None = None) -> None:
        content = json.dumps(body).encode()
        etag = f'"{hashlib.sha256(content).hexdigest()}"'
        if self.command == "GET" and status == 200:
            if self.headers.get("If-None-Match") == etag:
                status, content = 304, b""
            headers = {**(headers or {}), "ETag": etag}
        self.hub.asked[-1].status = status
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
