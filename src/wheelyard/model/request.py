"""What somebody asked for."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NewType

RequestId = NewType("RequestId", str)


class RequestState(StrEnum):
    """Where a request stands."""

    OPEN = "open"
    DONE = "done"
    """Everything that was asked for is there."""
    FAILED = "failed"
    """It ended, and something that was asked for is not there."""
    CANCELLED = "cancelled"


class Kind(StrEnum):
    """What is asked for: wheels of requirements, or the result of a command on a git tree."""

    WHEELS = "wheels"
    COMMAND = "command"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What somebody asked for, as it is kept.

    ``text`` is the JSON of what was asked (``protocol.requests``); ``digest`` names it, so that two
    who ask for the same share one. ``priority`` is higher for what matters more; 0 is usual.
    ``summary`` is one line for people. ``reason`` goes with every state but ``OPEN``.
    """

    id: RequestId
    kind: Kind
    owner: str
    text: bytes
    digest: str
    summary: str
    created: datetime
    priority: int = 0
    state: RequestState = RequestState.OPEN
    reason: str = ""
    ended: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One message to one waiter, told once. ``id`` is its number; ``address`` is an apprise URL or ``mailto:…``."""

    id: int
    request: RequestId
    address: str
    subject: str
    body: str
    tries: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What somebody asks for: ``asked`` is the JSON of it (``protocol.requests``), ``notify`` who is told of its end."""

    kind: Kind
    asked: bytes
    owner: str
    priority: int = 0
    notify: tuple[str, ...] = ()
