"""The route table, joined from the nouns'. The first row that fits an address answers it."""

from collections.abc import Sequence

from wheelyard.web import (
    blobs,
    builders,
    bus,
    channel,
    curation,
    enrolment,
    happenings,
    health,
    hooks,
    jobs,
    live,
    metrics,
    requests,
    tokens,
    uploads,
    waiting,
    watching,
)
from wheelyard.web.attendance import Attendance
from wheelyard.web.doors import Doors
from wheelyard.web.ending import Ending
from wheelyard.web.endpoint import Endpoint
from wheelyard.web.metrics import Metrics
from wheelyard.web.minting import Mint
from wheelyard.web.ports import WebPorts


def endpoints(
    ports: WebPorts, *, doors: Doors, ending: Ending, metrics: Metrics, attendance: Attendance
) -> Sequence[Endpoint]:
    """Return every endpoint of the interface, those with a literal address before those with a part of it left open."""
    mint = Mint(tokens=ports.tokens, clock=ports.clock)
    return (
        *enrolment.endpoints(ports, mint),
        *blobs.endpoints(ports, metrics),
        *bus.endpoints(ports, doors),
        *requests.endpoints(ports),
        *watching.endpoints(ports, ending),
        *jobs.endpoints(ports),
        *live.endpoints(ports, ending),
        *waiting.endpoints(ports),
        *builders.endpoints(ports, attendance),
        *tokens.endpoints(ports),
        *happenings.endpoints(ports),
        *curation.endpoints(ports),
        *uploads.endpoints(ports),
        *hooks.endpoints(ports),
        *channel.endpoints(ports),
        *health.endpoints(ports),
        *_measured(ports, metrics, attendance),
    )


def _measured(ports: WebPorts, numbers: Metrics, attendance: Attendance) -> Sequence[Endpoint]:
    return metrics.endpoints(ports, numbers, attendance)
