"""Requests for what is at hand, answered before an HTTP library has read them.

Installers ask for dozens of pages at once, each with the same dozen of headers; to read these one by one
takes ten times as long as to find the page. So a request that is plain to the last byte (one whole head of a GET, no
body, nothing that changes what is meant) is answered here, and every other one goes the ordinary way.
"""

import asyncio
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, NamedTuple, Protocol

import h11

from wheelyard.index.answers import Answer
from wheelyard.index.patience import PatientProtocol

_LONGEST = 4096
_END = b"\r\n\r\n"
_LINE = re.compile(rb"GET (/(?:simple|files)/[A-Za-z0-9._~!/+-]*) HTTP/1\.1\r\n")
_FIELD = re.compile(rb"([A-Za-z0-9-]+):[ \t]*([\x21-\x7e](?:[\x20-\x7e\t]*[\x21-\x7e])?)?[ \t]*")
_STATUS = {200: b"HTTP/1.1 200 OK\r\n", 304: b"HTTP/1.1 304 Not Modified\r\n"}
# With any of these, a request is more than a question for a page.
_MORE = frozenset(
    {
        *(b"content-length", b"transfer-encoding", b"expect", b"upgrade", b"http2-settings", b"te"),
        *(b"trailer", b"range", b"if-range", b"if-match"),
    }
)


class Quick(Protocol):
    """What knows pages by heart."""

    def at_hand(self, path: str, *, accept: bytes, known: bytes, head: bool) -> Answer | None:
        """Return the answer for an address, or None where it is not known without asking somebody."""
        ...

    def looking(self) -> "asyncio.Future[None] | None":
        """Return what is done when what is known is true again; None: nothing has to be asked."""
        ...


class _Plain(NamedTuple):
    """What a plain request says; ``accept`` and ``known`` (If-None-Match) are empty where it does not."""

    path: str
    accept: bytes
    known: bytes


class QuickProtocol(PatientProtocol):
    """The ordinary protocol, with a short way."""

    def __init__(self, *args: Any, quick: Quick, **more: Any) -> None:
        super().__init__(*args, **more)
        self._quick = quick
        self._held = b""

    def data_received(self, data: bytes) -> None:
        """Take bytes, and answer at once where they are one plain request for what is at hand."""
        plain = _plain(data) if self._between_requests() else None
        if plain is None:
            super().data_received(data)
        elif not self._answered(plain):
            self._hold(data)

    def connection_lost(self, exc: Exception | None) -> None:
        """Answer nobody any more."""
        self._held = b""
        super().connection_lost(exc)

    def shutdown(self) -> None:
        """Answer what was asked, and nothing after it."""
        self._go_the_ordinary_way()
        super().shutdown()

    def _between_requests(self) -> bool:
        return (
            not self._busy()
            and self.conn.our_state is h11.IDLE
            and not self.conn.trailing_data[0]
            and not self.flow.write_paused
            and not self.transport.is_closing()
        )

    def _answered(self, plain: _Plain) -> bool:
        answer = self._quick.at_hand(plain.path, accept=plain.accept, known=plain.known, head=False)
        if answer is None:
            return False
        self._stop()
        self.transport.write(b"".join(self._written(answer)))
        self.on_response_complete()
        return True

    def _written(self, answer: Answer) -> Iterator[bytes]:
        yield _STATUS[answer.status]
        for name, value in (*self.server_state.default_headers, *answer.headers):
            yield b"%b: %b\r\n" % (name, value)
        yield b"\r\n"
        yield answer.body

    def _hold(self, data: bytes) -> None:
        """Wait for the look that all who ask at this moment wait for, where there is one."""
        looking = self._quick.looking()
        if looking is None:
            super().data_received(data)
            return
        self._stop()
        self._unset_keepalive_if_required()
        self.flow.pause_reading()
        self._held = data
        looking.add_done_callback(self._looked)

    def _looked(self, _: "asyncio.Future[None]") -> None:
        plain = _plain(self._held)
        if plain is not None and self._between_requests() and self._answered(plain):
            self._held = b""
        else:
            self._go_the_ordinary_way()

    def _go_the_ordinary_way(self) -> None:
        data, self._held = self._held, b""
        if data and not self.transport.is_closing():
            self.flow.resume_reading()
            super().data_received(data)


def _plain(data: bytes) -> _Plain | None:
    """Read a request; None where it has to be read by who knows all of HTTP."""
    line = _LINE.match(data)
    if line is None or len(data) > _LONGEST or not data.endswith(_END):
        return None
    fields = _read(data[line.end() : -len(_END)])
    return None if fields is None else _Plain(line[1].decode("ascii"), *fields)


@lru_cache(maxsize=512)
def _read(fields: bytes) -> tuple[bytes, bytes] | None:
    """Return Accept and If-None-Match of a plain request; None where there is more to it."""
    hosts, accept, known = 0, b"", b""
    for line in fields.split(b"\r\n"):
        field = _FIELD.fullmatch(line)
        if field is None:
            return None
        name, value = field[1].lower(), field[2] or b""
        if name in _MORE or (name == b"connection" and value.lower() != b"keep-alive"):
            return None
        if name == b"accept":
            accept = accept + b"," + value if accept else value
        elif name == b"if-none-match":
            known = value
        hosts += name == b"host"
    return (accept, known) if hosts == 1 else None
