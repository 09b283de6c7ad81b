"""A plan as a file: what was asked, and every answer of the resolver, so that it can be repeated exactly."""

from dataclasses import dataclass
from typing import Self

import msgspec
from packaging.tags import Tag
from packaging.version import InvalidVersion, Version

from wheelyard.errors import InvalidPlanError
from wheelyard.model.resolution import Query, Resolution
from wheelyard.plan.unit import PlanOptions

FORMAT = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A question to the resolver and what it said."""

    query: Query
    resolution: Resolution


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanRecord:
    """The options of a plan, and the answers that shaped it, in the order of their questions' text."""

    options: PlanOptions
    answers: tuple[Answer, ...] = ()
    wheelyard_plan: int = FORMAT

    @classmethod
    def decode(cls, text: str | bytes) -> Self:
        """Read a record. Raises InvalidPlanError."""
        try:
            head = msgspec.json.decode(text, type=_Head)
        except msgspec.DecodeError as error:
            raise InvalidPlanError(
                f"this is not a recorded plan: {error}",
                hint="Write one with 'wheelyard plan --write-plan FILE'.",
            ) from error
        if head.wheelyard_plan != FORMAT:
            raise InvalidPlanError(
                f"the plan has format {head.wheelyard_plan}, and this wheelyard reads {FORMAT}",
                hint="Use the wheelyard that wrote it, or record it again.",
            )
        try:
            return msgspec.json.decode(text, type=cls, dec_hook=_decode)
        except (msgspec.ValidationError, InvalidVersion) as error:
            raise InvalidPlanError(
                f"the recorded plan cannot be read: {error}", hint="Record it again."
            ) from error

    def encode(self) -> str:
        """Return the record as JSON; the same record gives the same text."""
        text = msgspec.json.encode(self, enc_hook=_encode, order="sorted")
        return msgspec.json.format(text, indent=1).decode() + "\n"


class _Head(msgspec.Struct):
    wheelyard_plan: int


def _encode(value: object) -> object:
    if isinstance(value, Version | Tag):
        return str(value)
    raise NotImplementedError(type(value))


def _decode(kind: type, value: object) -> object:
    if kind is Version and isinstance(value, str):
        return Version(value)
    raise NotImplementedError(kind)
