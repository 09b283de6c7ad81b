"""The farm's event log: what happened, in order."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec
from starlette.responses import Response

from wheelyard.farm_ports import EventLog, Happening
from wheelyard.web.access import READERS
from wheelyard.web.endpoint import Call, Endpoint, Parameter, answered
from wheelyard.web.ports import WebPorts

_MOST = 1000


class HappeningView(msgspec.Struct, kw_only=True):
    """One line."""

    id: int
    at: datetime
    action: str
    subject: str
    actor: str
    detail: Mapping[str, str | int | float]


class HappeningPage(msgspec.Struct, kw_only=True):
    """Some lines, oldest first; ask for those after ``last`` next."""

    events: Sequence[HappeningView]
    last: int


class Happenings:
    """Shows the event log."""

    def __init__(self, events: EventLog) -> None:
        self._events = events

    async def page(self, call: Call) -> Response:
        """Answer with lines after a number."""
        after = call.number("after", 0)
        found = await self._events.read(
            after=after,
            subject=call.text("subject"),
            limit=call.number("limit", 100, least=1, most=_MOST),
        )
        last = found[-1].id if found else after
        return answered(HappeningPage(events=[view_of(one) for one in found], last=last))


def view_of(one: Happening) -> HappeningView:
    """Return a line as people see it."""
    return HappeningView(
        id=one.id,
        at=one.at,
        action=one.action,
        subject=one.subject,
        actor=one.actor,
        detail=one.detail,
    )


def endpoints(ports: WebPorts) -> Sequence[Endpoint]:
    """Return where the event log is shown."""
    return (
        Endpoint(
            method="GET",
            path="/api/events",
            allowed=READERS,
            answer=Happenings(ports.events).page,
            says="What happened, oldest first.",
            query=(
                Parameter(name="after", says="Only what came after this line.", kind="integer"),
                Parameter(name="subject", says="Only what happened to this."),
                Parameter(name="limit", says="1000 at most.", kind="integer"),
            ),
            gives=HappeningPage,
        ),
    )
