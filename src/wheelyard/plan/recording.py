"""Questions to a resolver and their answers as JSON, and the name of a question.

The same value gives the same bytes in every run and on every machine.
"""

import hashlib
from dataclasses import replace
from typing import TypeVar

import msgspec
from packaging.version import InvalidVersion, Version

from wheelyard.errors import InvalidPlanError
from wheelyard.model.resolution import Query, Resolution

_Value = TypeVar("_Value")


def query_key(query: Query) -> str:
    """Name a question; the order in which its lines were written does not count."""
    ordered = replace(
        query,
        requirements=tuple(sorted(query.requirements)),
        constraints=tuple(sorted(query.constraints)),
        overrides=tuple(sorted(query.overrides)),
        preferences=tuple(sorted(query.preferences)),
    )
    return hashlib.sha256(encode(ordered)).hexdigest()


def encode(value: object) -> bytes:
    """Write a value of the model as JSON."""
    return msgspec.json.encode(value, enc_hook=_to_text)


def decode_query(content: bytes) -> Query:
    """Read a question. Raises InvalidPlanError."""
    return decode(content, Query)


def decode_resolution(content: bytes) -> Resolution:
    """Read an answer. Raises InvalidPlanError."""
    return decode(content, Resolution)


def decode(content: bytes, kind: type[_Value]) -> _Value:
    """Read a value of the model. Raises InvalidPlanError, which says where it is wrong."""
    try:
        return msgspec.json.decode(content, type=kind, dec_hook=_from_text)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise InvalidPlanError(
            f"a recorded {kind.__name__.lower()} cannot be read: {error}",
            hint="Write the plan again with wheelyard plan.",
        ) from error


def _to_text(value: object) -> str:
    if isinstance(value, Version):
        return str(value)
    raise NotImplementedError(f"{type(value).__name__} has no JSON form")


def _from_text(kind: type, value: object) -> object:
    if kind is Version and isinstance(value, str):
        try:
            return Version(value)
        except InvalidVersion as error:
            raise ValueError(str(error)) from error
    raise NotImplementedError(f"{kind.__name__} has no JSON form")
