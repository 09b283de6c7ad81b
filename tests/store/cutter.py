"""A way to a PostgreSQL server that is cut once, right after a chosen statement was carried out."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_SOCKET = ".s.PGSQL.5432"


class Cutter:
    """Listens like a server and passes everything on; what comes back after ``word`` is lost, once."""

    def __init__(self, folder: Path, behind: Path, word: bytes) -> None:
        self._behind = behind
        self._word = word
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(folder / _SOCKET))
        self._listener.listen()
        self._open: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self.armed = False
        self.cuts = 0

    def serve(self) -> None:
        """Pass on what clients say, until ``close``."""
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.socket(socket.AF_UNIX)
            server.connect(str(self._behind / _SOCKET))
            self._open += [client, server]
            for work, ends in ((self._forward, (client, server)), (_pump, (server, client))):
                thread = threading.Thread(target=work, args=ends)
                self._threads.append(thread)
                thread.start()

    def close(self) -> None:
        """Cut everything."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for one in self._open:
            _cut(one)
        for thread in self._threads:
            thread.join()
        for one in self._open:
            one.close()

    def _forward(self, client: socket.socket, server: socket.socket) -> None:
        try:
            self._pass_on(client, server)
        except OSError:
            return

    def _pass_on(self, client: socket.socket, server: socket.socket) -> None:
        while content := _received(client):
            if self.armed and self._word in content:
                self.armed = False
                self.cuts += 1
                # The client never hears how it went, and the server does not know that.
                _cut(client)
                server.sendall(content)
                server.shutdown(socket.SHUT_WR)
                return
            server.sendall(content)
        _cut(server)


@contextmanager
def cutter(folder: Path, behind: Path, word: bytes) -> Iterator[Cutter]:
    """Serve in the background."""
    one = Cutter(folder, behind, word)
    thread = threading.Thread(target=one.serve)
    thread.start()
    try:
        yield one
    finally:
        one.close()
        thread.join()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    try:
        while content := _received(source):
            sink.sendall(content)
    except OSError:
        return
    _cut(sink)


def _received(source: socket.socket) -> bytes:
    try:
        return source.recv(1 << 16)
    except OSError:
        return b""


def _cut(one: socket.socket) -> None:
    try:
        one.shutdown(socket.SHUT_RDWR)
    except OSError:
        return
