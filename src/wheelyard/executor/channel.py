"""The near end of a channel into the sandbox: one JSON object a packet, descriptors along with it.

What arrives was written by the sandbox, so it is taken as a stranger's word.
"""

import array
import asyncio
import contextlib
import json
import os
import socket
import struct
from collections.abc import Mapping, Sequence
from typing import Any

_LARGEST = 256 * 1024
_CREDENTIALS = struct.Struct("3i")


class Channel:
    """A SOCK_SEQPACKET socket on the event loop; ``peer`` is the process that spoke last."""

    def __init__(self, near: socket.socket) -> None:
        near.setblocking(False)
        near.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self._near = near
        self.peer = 0

    @classmethod
    def pair(cls) -> tuple["Channel", socket.socket]:
        """Make a channel and its far end, which is to be handed to another process."""
        near, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        return cls(near), far

    def send(self, message: Mapping[str, object], descriptors: Sequence[int] = ()) -> bool:
        """Send a message; False where nobody listens any more."""
        ancillary = []
        if descriptors:
            carried = array.array("i", descriptors)
            ancillary = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, carried)]
        try:
            self._near.sendmsg([json.dumps(message).encode()], ancillary)
        except OSError:
            return False
        return True

    async def receive(self) -> dict[str, Any] | None:
        """Wait for a message; None where the other side is gone or speaks no sense."""
        while True:
            try:
                return self._take()
            except BlockingIOError:
                await self._readable()
            except OSError:
                return None

    def _take(self) -> dict[str, Any] | None:
        room = socket.CMSG_SPACE(_CREDENTIALS.size) + socket.CMSG_SPACE(64)
        content, ancillary, _, _ = self._near.recvmsg(_LARGEST, room)
        for level, kind, carried in ancillary:
            if level == socket.SOL_SOCKET and kind == socket.SCM_CREDENTIALS:
                self.peer = _CREDENTIALS.unpack(carried[: _CREDENTIALS.size])[0]
            elif level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                _close_all(carried)
        try:
            message = json.loads(content)
        except ValueError:
            return None
        return message if isinstance(message, dict) else None

    async def _readable(self) -> None:
        loop = asyncio.get_running_loop()
        ready: asyncio.Future[None] = loop.create_future()
        loop.add_reader(self._near, _settle, ready)
        try:
            await ready
        finally:
            loop.remove_reader(self._near)

    def hang_up(self) -> None:
        """Tell the other side that nothing more is wanted; its last words can still be read."""
        with contextlib.suppress(OSError):
            self._near.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        """Close this end."""
        self._near.close()


def _settle(ready: asyncio.Future[None]) -> None:
    if not ready.done():
        ready.set_result(None)


def _close_all(carried: bytes) -> None:
    descriptors = array.array("i")
    descriptors.frombytes(carried[: len(carried) - len(carried) % descriptors.itemsize])
    for descriptor in descriptors:
        os.close(descriptor)
