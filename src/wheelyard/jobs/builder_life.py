"""The life of a builder: what people decide about it, and what its failures say.

``step`` is the only place where a builder's mode changes. A builder that fails everything is the
builder's fault until somebody else fails the same: after ``SUSPECT`` failures in a row it gets nothing
more, and what it failed is built elsewhere. If that passes there, the failures were its own.
"""

from dataclasses import dataclass, replace
from typing import assert_never

from wheelyard.model.builder import Builder, Mode
from wheelyard.model.job import BuildKey, Outcome

SUSPECT = 5
"""So many failures in a row make a builder suspect."""
_ITS_FAULT = frozenset({Outcome.INFRASTRUCTURE, Outcome.RESOURCES})
_MAYBE_ITS_FAULT = frozenset({Outcome.FAILED, Outcome.TIMED_OUT, Outcome.UPSTREAM}) | _ITS_FAULT
PROBE_SECONDS = 60.0
_LONGEST_PROBE_SECONDS = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Paused:
    """A person wants it to get nothing new."""

    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drained:
    """A person wants it to finish and leave."""

    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resumed:
    """A person wants it back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Revoked:
    """A person shuts it out."""

    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobEnded:
    """A job ended on it. ``others``: another builder could run such jobs; ``probe``: it was only a try."""

    key: BuildKey
    outcome: Outcome
    others: bool
    probe: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadDamaged:
    """Bytes came that are not those that it announced, ``times`` in a row."""

    times: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Cleared:
    """What it failed failed elsewhere too: the packages were at fault."""


BuilderEvent = Paused | Drained | Resumed | Revoked | JobEnded | UploadDamaged | Cleared
_DAMAGED = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Tell:
    """Tell the builder its mode."""

    mode: Mode
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """Tell people."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DoubtFailures:
    """Have what it failed last (so many jobs) built elsewhere before it counts as failed."""

    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HandOver:
    """Take all its leases back and shut it out of the bus."""


BuilderCommand = Tell | Alarm | DoubtFailures | HandOver
_Answer = tuple[Builder, tuple[BuilderCommand, ...]]


def step(builder: Builder, event: BuilderEvent) -> _Answer:  # noqa: C901 - one arm an event
    """Say what becomes of a builder, and what must be done about that."""
    if builder.mode is Mode.REVOKED:
        return builder, ()
    match event:
        case Paused():
            return _moved(builder, Mode.PAUSED, event.reason)
        case Drained():
            return _moved(builder, Mode.DRAINING, event.reason)
        case Resumed():
            return _moved(replace(builder, streak=0), Mode.ACTIVE, "")
        case Revoked():
            after, commands = _moved(builder, Mode.REVOKED, event.reason)
            return after, (*commands, HandOver())
        case JobEnded():
            return _ended(builder, event)
        case UploadDamaged():
            if event.times < _DAMAGED:
                return builder, ()
            reason = f"its uploads were damaged {event.times} times in a row"
            return _quarantined(builder, reason, 0)
        case Cleared():
            if builder.mode is not Mode.QUARANTINED:
                return builder, ()
            return _moved(replace(builder, streak=0), Mode.ACTIVE, "")
        case _:
            assert_never(event)


def probe_after(failed_probes: int, first: float = PROBE_SECONDS) -> float:
    """Return after how many seconds a builder in quarantine is tried again, ``first`` for the first time."""
    return min(_LONGEST_PROBE_SECONDS, first * 2.0 ** min(failed_probes, 30))


def counts_for_nothing(builder: Builder, outcome: Outcome) -> bool:
    """Whether a job's end on this builder says nothing about the job."""
    return builder.mode is Mode.QUARANTINED and outcome in _MAYBE_ITS_FAULT


def _ended(builder: Builder, event: JobEnded) -> _Answer:
    if event.outcome in {Outcome.BUILT, Outcome.NEEDS}:
        passed = replace(builder, streak=0)
        if builder.mode is Mode.QUARANTINED and event.probe:
            return _moved(passed, Mode.ACTIVE, "")
        return passed, ()
    if event.outcome not in _MAYBE_ITS_FAULT:
        return builder, ()
    after = replace(builder, streak=builder.streak + 1)
    if after.mode is Mode.QUARANTINED:
        # What counts at all ended in the moment in which it was put there: it is doubted with the rest.
        theirs = event.others and event.outcome not in _ITS_FAULT
        return after, ((DoubtFailures(count=after.streak),) if theirs else ())
    if after.streak < SUSPECT:
        return after, ()
    # Where nobody else could build it, nobody could tell whose fault it is: unless it says so itself.
    if not event.others and event.outcome not in _ITS_FAULT:
        return after, ()
    reason = f"{after.streak} jobs in a row failed on it, the last one as {event.outcome}"
    return _quarantined(after, reason, after.streak)


def _quarantined(builder: Builder, reason: str, doubted: int) -> _Answer:
    after, commands = _moved(builder, Mode.QUARANTINED, reason)
    alarm = Alarm(text=f"{builder.name} is in quarantine: {reason}")
    doubts = (DoubtFailures(count=doubted),) if doubted else ()
    return after, (*commands, alarm, *doubts)


def _moved(builder: Builder, mode: Mode, reason: str) -> _Answer:
    if builder.mode is mode:
        return builder, ()
    return replace(builder, mode=mode, reason=reason), (Tell(mode=mode, reason=reason),)
