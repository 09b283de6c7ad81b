"""An index on the loopback interface that counts how often each file was fetched."""

import hashlib
import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from benchmarks.corpus import sdists_in


class CountingIndex:
    """Shows the sdists of a folder; ``fetched`` counts by file name."""

    def __init__(self, folder: Path, url: str) -> None:
        self.url = url
        self.fetched: Counter[str] = Counter()
        self._files = {path.name: path for path in sdists_in(folder).values()}
        self._pages: dict[str, list[str]] = {}
        for release, path in sdists_in(folder).items():
            self._pages.setdefault(str(release.project), []).append(path.name)

    def answer(self, path: str) -> tuple[int, str, bytes]:
        """Return status, type and content of a path."""
        kind, _, name = path.strip("/").partition("/")
        if kind == "files" and name in self._files:
            self.fetched[name] += 1
            return 200, "application/gzip", self._files[name].read_bytes()
        if kind == "simple" and name in self._pages:
            return 200, "text/html", _page(self._files[file] for file in self._pages[name])
        return 404, "text/plain", b""


def _page(files: Iterable[Path]) -> bytes:
    """List files with their digests, as every large index does."""
    links = (
        f'<a href="/files/{file.name}#sha256={hashlib.sha256(file.read_bytes()).hexdigest()}">'
        f"{file.name}</a>\n"
        for file in files
    )
    return "".join(links).encode()


@contextmanager
def counting_index(folder: Path) -> Iterator[CountingIndex]:
    """Serve the sdists of a folder for a while."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, media_type, body = index.answer(self.path)
            self.send_response(status)
            self.send_header("Content-Type", media_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        index = CountingIndex(folder, f"http://127.0.0.1:{server.server_address[1]}/simple")
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield index
        finally:
            server.shutdown()
            thread.join()
