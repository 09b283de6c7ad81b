"""HTTP/1.1 that waits for nobody for ever: who is slow to say what they want is hung up on.

uvicorn bounds how long a connection may be idle between requests, not how long a head may take.
"""

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

HEAD_SECONDS = 20.0


class PatientProtocol(H11Protocol):
    """uvicorn's own, with a moment by which the head of each request must be there."""

    head_seconds = HEAD_SECONDS

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self._late: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first request."""
        super().connection_made(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        """Take bytes; those of a next request are waited for from its first one on."""
        if self._late is None and not self._busy():
            self._wait()
        super().data_received(data)
        if self._busy():
            self._stop()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        self._stop()
        super().connection_lost(exc)

    def _busy(self) -> bool:
        # uvicorn says it always has one; before the first request it has none.
        cycle: RequestResponseCycle | None = self.cycle
        return cycle is not None and not cycle.response_complete

    def _wait(self) -> None:
        self._late = self.loop.call_later(self.head_seconds, self._hang_up)

    def _stop(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None

    def _hang_up(self) -> None:
        self._late = None
        if not self._busy():
            self.transport.close()
