"""When each command of a build ran, and beside which others."""

from collections.abc import Sequence
from dataclasses import dataclass
from heapq import heappop, heappush

from wheelyard.cross.calls import Call


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One command in a drawing. ``number`` is its place among all, ``lane`` that of those that ran beside it; in seconds."""

    number: int
    call: Call
    started: float
    seconds: float
    lane: int


def bars(calls: Sequence[Call]) -> Sequence[Bar]:
    """Put calls, the first first, into as few lanes as do not overlap; seconds are from the first on."""
    first = calls[0].began if calls else 0.0
    busy: list[tuple[float, int]] = []
    free: list[int] = []
    found: list[Bar] = []
    for number, call in enumerate(calls):
        started, seconds = call.began - first, call.milliseconds / 1000
        while busy and busy[0][0] <= started:
            heappush(free, heappop(busy)[1])
        lane = heappop(free) if free else len(busy)
        heappush(busy, (started + seconds, lane))
        found.append(Bar(number=number, call=call, started=started, seconds=seconds, lane=lane))
    return found
