"""What happens during a run, as bytes and back, so that a display elsewhere shows what one here would."""

import types
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, get_args

import msgspec
from packaging.tags import Tag
from packaging.version import Version

from wheelyard.coordinator.command_run import CommandEnded
from wheelyard.coordinator.run import Standing
from wheelyard.coordinator.story import RunEvent
from wheelyard.errors import ProtocolError
from wheelyard.plan.bootstrap import BrokenCycle
from wheelyard.plan.events import Exclusion, UnitId
from wheelyard.plan.summary import Row


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEnded:
    """How everything ended."""

    rows: tuple[Row, ...]
    exclusions: tuple[Exclusion, ...]
    cycles: tuple[BrokenCycle, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Progressed:
    """How far a run is; ``running`` are units with seconds, and with the key of their job."""

    units: int
    settled: int
    seconds_left: float
    running: tuple[tuple[UnitId, float], ...] = ()

    @classmethod
    def of(cls, standing: Standing) -> "Progressed":
        """Return a standing as it is sent."""
        return cls(
            units=standing.units,
            settled=standing.settled,
            seconds_left=standing.seconds_left,
            running=tuple(standing.running.items()),
        )

    def standing(self) -> Standing:
        """Return it as displays take it."""
        return Standing(
            units=self.units,
            settled=self.settled,
            running=dict(self.running),
            seconds_left=self.seconds_left,
        )


Told = RunEvent | RunEnded | CommandEnded | Progressed
_KINDS: Mapping[str, type] = types.MappingProxyType(
    {kind.__name__: kind for kind in (*get_args(RunEvent), RunEnded, CommandEnded, Progressed)}
)


class _Envelope(msgspec.Struct, frozen=True):
    type: str
    body: msgspec.Raw


def write(event: Told) -> bytes:
    """Write an event as one line of JSON."""
    body = msgspec.json.encode(event, enc_hook=_leaf)
    return msgspec.json.encode(_Envelope(type(event).__name__, msgspec.Raw(body)))


def read(line: bytes) -> Told:
    """Read an event. Raises ProtocolError, also for what only a newer farm tells."""
    try:
        envelope = msgspec.json.decode(line, type=_Envelope)
        kind = _KINDS.get(envelope.type)
        if kind is None:
            raise ProtocolError(
                f"the farm tells a {envelope.type[:80]!r}, which is not known here",
                hint="Let both sides run the same version of wheelyard.",
            )
        event: Told = _decoder(kind).decode(envelope.body)
    except (msgspec.MsgspecError, ValueError) as error:
        raise ProtocolError(
            f"what the farm tells cannot be read: {error}",
            hint="Let both sides run the same version of wheelyard.",
        ) from error
    return event


@cache
def _decoder(kind: type) -> "msgspec.json.Decoder[Any]":
    return msgspec.json.Decoder(kind, dec_hook=_from_leaf)


def _leaf(value: object) -> str:
    if isinstance(value, Version | Tag):
        return str(value)
    raise NotImplementedError(type(value).__name__)


def _from_leaf(kind: type, value: Any) -> object:
    if kind is Version:
        return Version(value)
    if kind is Tag:
        return Tag(*str(value).split("-", 2))
    raise NotImplementedError(kind.__name__)
