"""Named places at which a fault can be asked for, to see that wheelyard survives it.

A place that nobody armed costs one look into an empty dictionary. What is armed is the process's, once,
by the command that starts it (``WHEELYARD_FAILPOINTS``); ``docs/reference/failpoints.md`` lists the places.
"""

import os
import re
import signal
import time
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from wheelyard.errors import ConfigurationError, OutOfSpaceError, StoreError, nearest

_STOPS = frozenset({"kill", "error", "sleep", "disk-full"})
PLACES: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "dispatch.after_lease": _STOPS,
        "intake.before_commit": _STOPS,
        "intake.after_commit": _STOPS,
        "result.before_settled": _STOPS,
        "request.before_end": _STOPS,
        "blobs.before_name": _STOPS,
        "blobs.after_name": _STOPS,
        "campaigns.started": _STOPS,
        "campaigns.looked": _STOPS,
        "campaigns.offered": _STOPS,
        "build.begin": _STOPS,
        "delivery.before_upload": _STOPS,
        "delivery.after_upload": _STOPS,
        "delivery.say": frozenset({"repeat"}),
        "upload.body": frozenset({"flip"}),
        "clock.now": frozenset({"shift"}),
    }
)
"""Each place with what may be asked for there."""
_VALUED = frozenset({"sleep", "repeat", "shift"})
_WRITTEN = re.compile(
    r"(?P<place>[^=]+)=(?P<action>[a-z-]+)(?::(?P<value>-?[0-9]+(?:\.[0-9]+)?))?"
    r"(?:@(?P<first>[1-9][0-9]{0,8}))?(?:\*(?P<count>[1-9][0-9]{0,8}))?"
)
_HINT = "Write PLACE=ACTION[:VALUE][@FIRST][*COUNT], for example intake.before_commit=kill*1."


@dataclass(slots=True, kw_only=True)
class _Armed:
    """What was asked for: from the ``first`` time on that the place is passed, ``count`` times (0: always)."""

    action: str
    value: float
    first: int
    count: int
    passed: int = 0

    def due(self) -> bool:
        self.passed += 1
        since = self.passed - self.first
        return since >= 0 and (self.count == 0 or since < self.count)


_ARMED: dict[str, _Armed] = {}


def arm(text: str) -> None:
    """Arm places, written ``PLACE=ACTION,…``, in place of those that were. Raises ConfigurationError."""
    armed = dict(_read(one.strip()) for one in text.split(",") if one.strip())
    _ARMED.clear()
    _ARMED.update(armed)


def armed() -> bool:
    """Whether this process was asked for any fault."""
    return bool(_ARMED)


def pass_by(place: str) -> None:
    """Do here what was asked for: end, stand still for a while, or raise StoreError or OutOfSpaceError."""
    found = _ARMED.get(place)
    if found is not None and found.due():
        _carry_out(place, found)


def shift(place: str) -> float:
    """Return by how many seconds what is told here is to be wrong."""
    found = _ARMED.get(place)
    return found.value if found is not None and found.due() else 0.0


def times(place: str) -> int:
    """Return how often something is to be done here: once, or as often as was asked for."""
    found = _ARMED.get(place)
    return max(1, int(found.value)) if found is not None and found.due() else 1


def damaged(place: str, content: bytes) -> bytes:
    """Return bytes as they pass here: as they are, or with one bit of the first one flipped."""
    found = _ARMED.get(place)
    if found is None or not content or not found.due():
        return content
    return bytes([content[0] ^ 1]) + content[1:]


def _carry_out(place: str, found: _Armed) -> None:
    match found.action:
        case "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        case "sleep":
            # The whole thread: whoever asks for it wants to see what others do meanwhile.
            time.sleep(found.value)
        case "disk-full":
            raise OutOfSpaceError(
                f"no space is left, as asked for at {place!r}", hint="Unset WHEELYARD_FAILPOINTS."
            )
        case _:
            raise StoreError(
                f"a fault was asked for at {place!r}", hint="Unset WHEELYARD_FAILPOINTS."
            )


def _read(text: str) -> tuple[str, _Armed]:
    found = _WRITTEN.fullmatch(text)
    if found is None:
        raise ConfigurationError(f"{text!r} is no failpoint", hint=_HINT)
    place, action = found["place"], found["action"]
    if place not in PLACES:
        raise ConfigurationError(
            f"there is no failpoint {place!r}",
            hint=nearest(place, PLACES) or f"There are: {', '.join(PLACES)}.",
        )
    if action not in PLACES[place]:
        raise ConfigurationError(
            f"{place!r} cannot do {action!r}",
            hint=nearest(action, PLACES[place]) or f"It can: {', '.join(sorted(PLACES[place]))}.",
        )
    if (found["value"] is not None) != (action in _VALUED):
        raise ConfigurationError(
            f"{text!r}: {action} takes {'a' if action in _VALUED else 'no'} number", hint=_HINT
        )
    armed = _Armed(
        action=action,
        value=float(found["value"] or 0),
        first=int(found["first"] or 1),
        count=int(found["count"] or 0),
    )
    return place, armed
