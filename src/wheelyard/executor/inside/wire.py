"""Messages over a SOCK_SEQPACKET pair: one JSON object a packet, file descriptors along with it."""

import array
import json
import os
import socket

LARGEST = 128 * 1024
_DESCRIPTORS = 4


def open_channel(descriptor):  # type: (int) -> socket.socket
    """Take over an inherited descriptor (Python 3.6 cannot find out its kind)."""
    return socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET, 0, fileno=descriptor)


def send(channel, message):  # type: (socket.socket, dict[str, object]) -> None
    """Send one message; a peer that is gone is no error, because it asks for nothing any more."""
    try:
        channel.sendall(json.dumps(message).encode())
    except (BrokenPipeError, ConnectionError):
        pass


def receive(channel):  # type: (socket.socket) -> tuple[dict[str, object] | None, list[int]]
    """Wait for one message; None where the peer is gone."""
    room = socket.CMSG_SPACE(_DESCRIPTORS * array.array("i").itemsize)
    try:
        content, ancillary, _, _ = channel.recvmsg(LARGEST, room)
    except ConnectionError:
        content, ancillary = b"", []
    descriptors = array.array("i")
    for level, kind, carried in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            descriptors.frombytes(carried[: len(carried) - len(carried) % descriptors.itemsize])
    if not content:
        for descriptor in descriptors:
            os.close(descriptor)
        return None, []
    message = json.loads(content.decode())
    return message, list(descriptors)
