"""Events as JSON, one a line: the field ``event`` names its kind."""

import dataclasses
import re
from collections.abc import Callable
from datetime import datetime
from typing import TextIO

import msgspec

from wheelyard.coordinator.run import Standing
from wheelyard.coordinator.story import RunEvent
from wheelyard.model.artifact import Artifact
from wheelyard.model.job import Offer, Report
from wheelyard.model.release import Release
from wheelyard.plan.bootstrap import BrokenCycle
from wheelyard.plan.events import UnitId


class JsonDisplay:
    """Writes every event to a stream."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def start(self, standing: Callable[[], Standing]) -> None:
        """Begin; events say all there is."""

    def stop(self) -> None:
        """End."""

    def __call__(self, event: RunEvent) -> None:
        """Take an event."""
        self.write(encode(event))

    def write(self, line: str) -> None:
        """Write one line of JSON."""
        self._stream.write(line + "\n")
        self._stream.flush()


def encode(event: object) -> str:
    """Return an event, or a row of the summary, as one line of JSON."""
    fields = {"event": kind(event)} | as_fields(event)
    return msgspec.json.encode(fields).decode()


def kind(event: object) -> str:
    """Return the name of an event: ``job-ended`` for JobEnded."""
    return re.sub(r"(?<!^)(?=[A-Z])", "-", type(event).__name__).lower()


def as_fields(value: object) -> dict[str, object]:
    """Return the fields of a value, plain enough for JSON."""
    if not dataclasses.is_dataclass(value):
        return {}
    return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}


def _plain(value: object) -> object:
    match value:
        case UnitId():
            return {"release": str(value.release), "target": str(value.target)}
        case Release():
            return str(value)
        case Artifact():
            return {
                "filename": value.filename,
                "digest": value.digest,
                "size": value.size,
                "origin": value.origin.value,
            }
        case Report() | BrokenCycle():
            return as_fields(value)
        case Offer():
            return {
                "requirements": [wheel.filename for wheel in value.requirements],
                "source": value.source.location,
            }
        case datetime():
            return value.isoformat()
        case tuple() | list() | frozenset():
            return [_plain(item) for item in value]
        case str() | int() | float() | None:
            return value
    return as_fields(value) if dataclasses.is_dataclass(value) else str(value)
