"""What is measured, in the form that Prometheus reads."""

import time
from collections.abc import Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from wheelyard.farm_ports import Queue, RequestStore
from wheelyard.model.request import RequestState
from wheelyard.web.access import READERS
from wheelyard.web.attendance import Attendance
from wheelyard.web.endpoint import Call, Endpoint
from wheelyard.web.ports import WebPorts

_BUCKETS = (0.001, 0.005, 0.02, 0.1, 0.5, 2.0, 10.0, 60.0)


class Metrics:
    """The numbers of one process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.answers = Counter(
            "wheelyard_http_answers",
            "Answers by endpoint and status.",
            ("endpoint", "status"),
            registry=self.registry,
        )
        self.seconds = Histogram(
            "wheelyard_http_seconds",
            "How long answers took.",
            ("endpoint",),
            buckets=_BUCKETS,
            registry=self.registry,
        )
        self.received = Counter(
            "wheelyard_received_bytes", "Bytes of blobs taken in.", registry=self.registry
        )
        self.damaged = Counter(
            "wheelyard_damaged_uploads",
            "Uploads whose bytes were not those announced.",
            registry=self.registry,
        )
        self.jobs = Gauge(
            "wheelyard_jobs", "Jobs by pool and state.", ("pool", "state"), registry=self.registry
        )
        self.builders = Gauge(
            "wheelyard_builders_present", "Builders that are there.", registry=self.registry
        )
        self.requests = Gauge(
            "wheelyard_requests_open", "Requests that are open.", registry=self.registry
        )


class Measured:
    """Counts answers by endpoint; long polls and streams are counted, not timed with the rest."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        began, status = time.monotonic(), 500

        async def measured(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, measured)
        finally:
            # What no endpoint took is one row, whatever its path: strangers do not make new ones.
            name = scope.get("endpoint_name", "none")
            self._metrics.answers.labels(name, str(status)).inc()
            self._metrics.seconds.labels(name).observe(time.monotonic() - began)


class Meter:
    """The page of numbers."""

    def __init__(
        self, *, queue: Queue, requests: RequestStore, metrics: Metrics, attendance: Attendance
    ) -> None:
        self._queue = queue
        self._requests = requests
        self._metrics = metrics
        self._attendance = attendance

    async def page(self, _: Call) -> Response:
        """Answer with all numbers."""
        metrics = self._metrics
        metrics.jobs.clear()
        for depth in await self._queue.open_pools():
            metrics.jobs.labels(depth.pool, "waiting").set(depth.waiting)
            metrics.jobs.labels(depth.pool, "running").set(depth.running)
        metrics.builders.set(len(self._attendance.present()))
        found = await self._requests.find(state=RequestState.OPEN, limit=10_000)
        metrics.requests.set(len(found))
        return Response(generate_latest(metrics.registry), media_type=CONTENT_TYPE_LATEST)


def endpoints(ports: WebPorts, metrics: Metrics, attendance: Attendance) -> Sequence[Endpoint]:
    """Return what is measured."""
    meter = Meter(
        queue=ports.queue, requests=ports.requests, metrics=metrics, attendance=attendance
    )
    return (
        Endpoint(
            method="GET",
            path="/metrics",
            allowed=READERS,
            answer=meter.page,
            says="What is measured, as Prometheus reads it.",
            media="text/plain",
        ),
    )
