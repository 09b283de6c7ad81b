"""Bytes ↔ messages.

A message is a JSON object with the protocol's ``version``, the ``type`` of the message and its ``body``. What is read here
comes from machines that are not trusted: whatever they send, the only error is a ProtocolError that names the place.
A field that is not known is passed over, and one that an older side left out gets its default.
"""

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Any

import msgspec
from packaging.tags import Tag
from packaging.version import InvalidVersion, Version

from wheelyard.errors import ProtocolError, nearest
from wheelyard.protocol.messages import (
    LARGEST_BYTES,
    LARGEST_ORDER_BYTES,
    VERSION,
    Assignment,
    Order,
    Presence,
    Result,
    Returned,
    SetMode,
    Settled,
    Stop,
    Upload,
    Word,
)
from wheelyard.protocol.soundness import QUOTED, fault_of, quoted

_Kinds = Mapping[str, type]

_ORDERS: _Kinds = MappingProxyType(
    {
        "assignment": Assignment,
        "stop": Stop,
        "settled": Settled,
        "upload": Upload,
        "set-mode": SetMode,
    }
)
_WORDS: _Kinds = MappingProxyType({"presence": Presence, "result": Result, "returned": Returned})
_NAMES = {kind: name for kinds in (_ORDERS, _WORDS) for name, kind in kinds.items()}

_SAME_VERSIONS = "Let coordinator and builders run the same version of wheelyard."


class _Envelope(msgspec.Struct, frozen=True):
    version: int
    type: str
    body: msgspec.Raw


def encode(message: Order | Word) -> bytes:
    """Write a message. Raises ProtocolError where it is too large or cannot be written."""
    name = _NAMES[type(message)]
    try:
        body = msgspec.json.encode(message, enc_hook=_write)
    except (ValueError, OverflowError) as error:
        raise ProtocolError(
            f"a message of type {name!r} cannot be written: {error}",
            hint="Texts must be valid Unicode and numbers fit into 64 bits.",
        ) from error
    fault = fault_of(message)
    if fault:
        raise ProtocolError(
            f"a message of type {name!r} cannot be written: {fault}",
            hint="It could not be read on the other side.",
        )
    content = msgspec.json.encode(_Envelope(VERSION, name, msgspec.Raw(body)))
    check_size(content, largest=LARGEST_ORDER_BYTES if name in _ORDERS else LARGEST_BYTES)
    return content


def decode_order(content: bytes) -> Order:
    """Read what a coordinator says to a builder. Raises ProtocolError."""
    check_size(content, largest=LARGEST_ORDER_BYTES)
    order: Order = _decode(content, _ORDERS, "an order")
    return order


def decode_word(content: bytes) -> Word:
    """Read what a builder says. Raises ProtocolError."""
    check_size(content, largest=LARGEST_BYTES)
    word: Word = _decode(content, _WORDS, "a builder's word")
    return word


def check_size(content: bytes, *, largest: int) -> None:
    """Raise ProtocolError where a message is too large."""
    if len(content) > largest:
        raise ProtocolError(
            f"a message of {len(content):,} bytes is larger than the {largest:,} that are allowed",
            hint="Logs and artifacts go another way; shorten texts and patches.",
        )


def _decode(content: bytes, kinds: _Kinds, what: str) -> Any:
    envelope: _Envelope = _read_as(content, _Envelope, "a message")
    if envelope.version != VERSION:
        raise ProtocolError(
            f"a message is of version {envelope.version} of the protocol, and this side speaks version {VERSION}",
            hint=_SAME_VERSIONS,
        )
    kind = kinds.get(envelope.type)
    if kind is None:
        raise ProtocolError(
            f"{quoted(envelope.type)} is not the type of {what}",
            hint=nearest(envelope.type[:QUOTED], kinds) or _SAME_VERSIONS,
        )
    message = _read_as(bytes(envelope.body), kind, f"a message of type {envelope.type!r}")
    fault = fault_of(message)
    if fault:
        raise ProtocolError(
            f"a message of type {envelope.type!r} cannot be read: {fault}", hint=_SAME_VERSIONS
        )
    return message


def _read_as(content: bytes, kind: type, what: str) -> Any:
    try:
        return _decoder(kind).decode(content)
    except (msgspec.MsgspecError, ValueError, OverflowError, RecursionError) as error:
        # An error may quote what a stranger sent, at any length.
        reason = str(error) if len(str(error)) < 10 * QUOTED else f"{str(error)[: 10 * QUOTED]}…"
        raise ProtocolError(f"{what} cannot be read: {reason}", hint=_SAME_VERSIONS) from error


@cache
def _decoder(kind: type) -> "msgspec.json.Decoder[Any]":
    return msgspec.json.Decoder(kind, dec_hook=_read)


def _write(value: object) -> str:
    if isinstance(value, Version | Tag):
        return str(value)
    raise NotImplementedError(f"{type(value).__name__} has no form on the wire")


def _read(kind: type, value: object) -> object:
    if not isinstance(value, str):
        raise ValueError(f"Expected `str`, got `{type(value).__name__}`")  # noqa: TRY004 - msgspec adds the place to this one
    if kind is Version:
        return _read_version(value)
    if kind is Tag:
        return _read_tag(value)
    raise NotImplementedError(f"{kind.__name__} has no form on the wire")


def _read_version(text: str) -> Version:
    try:
        return Version(text)
    except InvalidVersion:
        raise ValueError(f"{quoted(text)} is not a version") from None


def _read_tag(text: str) -> Tag:
    parts = text.split("-")
    if len(parts) != 3 or not all(parts):  # noqa: PLR2004 - interpreter, ABI, platform
        raise ValueError(f"{quoted(text)} is not a tag")
    return Tag(*parts)
