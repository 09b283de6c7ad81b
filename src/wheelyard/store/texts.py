"""Values as JSON text and back; what an older wheelyard left out gets its default."""

from typing import Any, TypeVar

import msgspec
from packaging.tags import Tag
from packaging.version import Version

from wheelyard.model.job import Report

T = TypeVar("T")

# Making one takes longer than all that it will ever decode in a short run.
_DECODERS: "dict[type, msgspec.json.Decoder[Any]]" = {}


def write_value(value: object) -> str:
    """Return a value as JSON."""
    return msgspec.json.encode(value, enc_hook=_write).decode()


def read_value(kind: type[T], text: str) -> T:
    """Read what ``write_value`` wrote."""
    if kind not in _DECODERS:
        _DECODERS[kind] = msgspec.json.Decoder(kind, dec_hook=_read)
    value: T = _DECODERS[kind].decode(text)
    return value


def write_report(report: Report) -> str:
    """Return a report as JSON."""
    return write_value(report)


def read_report(text: str) -> Report:
    """Read what ``write_report`` wrote."""
    return read_value(Report, text)


def read_tag(text: str) -> Tag:
    """Read one compatibility tag; a tag set does not occur here."""
    return Tag(*text.split("-", 2))


def _write(value: object) -> str:
    if isinstance(value, Version | Tag):
        return str(value)
    raise NotImplementedError(f"a value holds a {type(value).__name__}")


def _read(kind: type, text: Any) -> object:
    if kind is Version:
        return Version(text)
    if kind is Tag:
        return read_tag(text)
    raise NotImplementedError(f"a value holds a {kind.__name__}")
