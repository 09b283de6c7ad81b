"""The compiler commands of an attempt, as pages show them: when each ran, how long, and what it became."""

from collections.abc import Sequence
from enum import StrEnum

import msgspec

from wheelyard.cross.calls import Call, CallCount, shell_line
from wheelyard.cross.timeline import Bar, bars
from wheelyard.model.job import Report
from wheelyard.web.jobs import JobView

_MOST_DRAWN = 1000
_MOST_LANES = 32
_MOST_LISTED = 25
_MOST_FAILED = 5


class CallState(StrEnum):
    """What a command was, and how it ended."""

    COMPILED = "compiled"
    DONE = "done"
    """It archived, linked or the like."""
    PROBE = "probe"
    """It asked what the compiler can, and may fail."""
    FAILED = "failed"
    REFUSED = "refused"


class CountView(msgspec.Struct, kw_only=True):
    """What the commands of an attempt come to; ``seconds`` are those in compilers, which run beside each other."""

    calls: int
    compiled: int
    failed: int
    refused: int
    by_path: int
    cached: int
    cachable: int
    seconds: float


class BarView(msgspec.Struct, kw_only=True):
    """One command: seconds since the first began, how long it took, and the lane that it is drawn in."""

    number: int
    what: str
    tool: str
    state: CallState
    exit: int
    started: float
    seconds: float
    lane: int


class CallView(BarView, kw_only=True):
    """One command with its words: as the build called it, and as it was run; ``refused`` says why it was not."""

    source: str
    folder: str
    called: str
    run: str
    refused: str


class CallsView(msgspec.Struct, kw_only=True):
    """What the compilers of an attempt did, in short.

    ``seconds`` from the first command to the last end. ``drawn`` are the longest commands in the order in which they began;
    ``failed`` the last that failed and were no probes; ``longest`` of the project's own files.
    """

    counted: CountView
    seconds: float
    lanes: int
    drawn: Sequence[BarView]
    failed: Sequence[CallView]
    longest: Sequence[CallView]


class CallsPageView(msgspec.Struct, kw_only=True):
    """Commands of an attempt in the order in which they began, and the addresses of the pages beside this one."""

    job: JobView
    number: int
    only: str
    counted: CountView
    seconds: float
    calls: Sequence[CallView]
    before: str | None
    after: str | None


def counted(count: CallCount) -> CountView:
    """Return what commands come to."""
    return CountView(
        calls=count.calls,
        compiled=count.compiled,
        failed=count.failed,
        refused=count.refused,
        by_path=count.by_path,
        cached=count.cached,
        cachable=count.cachable,
        seconds=count.milliseconds / 1000,
    )


def calls_view(report: Report, calls: Sequence[Call]) -> CallsView:
    """Return the calls of a report in short."""
    found = bars(calls)
    longest = sorted(found, key=lambda bar: -bar.seconds)
    drawn = [bar for bar in longest[:_MOST_DRAWN] if bar.lane < _MOST_LANES]
    own = [bar for bar in longest if bar.call.compiles and not bar.call.is_probe]
    failed = [bar for bar in found if state_of(bar.call) in {CallState.FAILED, CallState.REFUSED}]
    return CallsView(
        counted=counted(report.calls),
        seconds=span(found),
        lanes=min(_MOST_LANES, 1 + max((bar.lane for bar in found), default=0)),
        drawn=[bar_view(bar) for bar in sorted(drawn, key=lambda bar: bar.number)],
        failed=[call_view(bar) for bar in failed[-_MOST_FAILED:]],
        longest=[call_view(bar) for bar in own[:_MOST_LISTED]],
    )


def span(found: Sequence[Bar]) -> float:
    """Return the seconds from the first command to the last end."""
    return max((bar.started + bar.seconds for bar in found), default=0.0)


def state_of(call: Call) -> CallState:
    """Return what a command was, and how it ended."""
    if call.is_probe:
        return CallState.PROBE
    if call.refused:
        return CallState.REFUSED
    if call.exit:
        return CallState.FAILED
    return CallState.COMPILED if call.compiles else CallState.DONE


def bar_view(bar: Bar) -> BarView:
    """Return a command as it is drawn."""
    return BarView(
        number=bar.number,
        what=bar.call.what,
        tool=bar.call.tool,
        state=state_of(bar.call),
        exit=bar.call.exit,
        started=bar.started,
        seconds=bar.seconds,
        lane=bar.lane,
    )


def call_view(bar: Bar) -> CallView:
    """Return a command with its words."""
    call = bar.call
    return CallView(
        **msgspec.structs.asdict(bar_view(bar)),
        source=call.source,
        folder=call.folder,
        called=shell_line(call.argv),
        run=shell_line(call.run),
        refused=call.refused,
    )
