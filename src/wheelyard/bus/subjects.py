"""What streams, consumers and subjects are called on NATS, and how names of ours become parts of them.

Whoever runs a NATS server of their own finds these names in ``docs/reference/bus.md``.
"""

import re

from wheelyard.errors import BusError

ORDERS = "wheelyard-orders"
WORDS = "wheelyard-words"
LOGS = "wheelyard-logs"
PRESENCE_BUCKET = "wheelyard_presence"
PRESENCE = f"KV_{PRESENCE_BUCKET}"
"""The stream behind the key-value bucket, as NATS names it."""
COORDINATOR = "coordinator"
"""The consumer of words, and the coordinator's user."""

ANY = "*"
_LONGEST = 200
_OTHER_THAN_SAFE = re.compile(rb"[^A-Za-z0-9_-]")
_ESCAPED = re.compile(rb"=([0-9A-F]{2})")


def token(name: str) -> str:
    """Write a name as one token of a subject; equal tokens come from equal names.

    ``=`` introduces a byte in hexadecimal digits: NATS gives a meaning to ``.``, ``*``, ``>`` and space,
    and a token is the name of a folder and of a key in a bucket, too. Raises BusError.
    """
    escaped = _OTHER_THAN_SAFE.sub(lambda m: b"=%02X" % m[0][0], name.encode("utf-8", "replace"))
    if not 0 < len(escaped) <= _LONGEST:
        raise BusError(
            f"{name[:_LONGEST]!r} is not a name that the bus can carry",
            hint=f"Names have between 1 and {_LONGEST} characters, of which others than letters and digits count more.",
        )
    return escaped.decode()


def name_of(text: str) -> str:
    """Read a token again."""
    raw = _ESCAPED.sub(lambda m: bytes([int(m[1], 16)]), text.encode())
    return raw.decode("utf-8", "replace")


def order_subject(builder: str) -> str:
    """Return where a builder's orders go."""
    return f"wheelyard.order.{token(builder)}"


def word_subject(builder: str) -> str:
    """Return where a builder hands over results."""
    return f"wheelyard.word.{token(builder)}"


def log_subject(builder: str, attempt: str) -> str:
    """Return where a builder writes an attempt's log; without a builder, where any of them would."""
    return f"wheelyard.log.{token(builder) if builder else ANY}.{token(attempt)}"


def presence_subject(builder: str) -> str:
    """Return the key of a builder's presence, as a subject."""
    return f"$KV.{PRESENCE_BUCKET}.{token(builder)}"


def sender_of(subject: str) -> str:
    """Return the builder whose subject it is; only that builder may publish there."""
    return name_of(subject.split(".")[2])
