"""A report as JSON text and back; what an older wheelyard left out gets its default."""

from functools import cache
from typing import Any

import msgspec
from packaging.tags import Tag
from packaging.version import Version

from wheelyard.model.job import Report


def write_report(report: Report) -> str:
    """Return a report as JSON."""
    return msgspec.json.encode(report, enc_hook=_write).decode()


def read_report(text: str) -> Report:
    """Read what ``write_report`` wrote."""
    return _decoder().decode(text)


@cache
def _decoder() -> "msgspec.json.Decoder[Report]":
    return msgspec.json.Decoder(Report, dec_hook=_read)


def read_tag(text: str) -> Tag:
    """Read one compatibility tag; a tag set does not occur here."""
    return Tag(*text.split("-", 2))


def _write(value: object) -> str:
    if isinstance(value, Version | Tag):
        return str(value)
    raise NotImplementedError(f"a report holds a {type(value).__name__}")


def _read(kind: type, text: Any) -> object:
    if kind is Version:
        return Version(text)
    if kind is Tag:
        return read_tag(text)
    raise NotImplementedError(f"a report holds a {kind.__name__}")
