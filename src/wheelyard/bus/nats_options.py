"""How a process reaches a NATS server, and what it keeps there."""

import ssl
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class NatsOptions:
    """Addresses (``nats://host:4222``, ``tls://…``) with a user and its password.

    ``answer_seconds``: how long a server that is away or silent is waited for, before BusError.
    """

    servers: tuple[str, ...]
    user: str = ""
    password: str = field(default="", repr=False)
    tls: ssl.SSLContext | None = None
    answer_seconds: float = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class NatsLimits:
    """What the coordinator lets the server keep. Seconds and bytes; -1 is no limit.

    ``silence`` is after how long without a word a delivery is given out again, ``presence`` after how
    long a builder that announces nothing is gone. ``words`` is how many unread results one builder may
    have there, so that none fills the disk alone. The oldest logs go first.
    """

    silence: float = 30.0
    presence: float = 30.0
    words: int = 10_000
    log_bytes: int = 2 << 30
    log_seconds: float = 3 * 86400
