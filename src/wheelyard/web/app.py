"""The ASGI application: the route table of site and interface, and the index beside it.

Deny by default: what the table does not open to a role answers 401 or 403, and the index is the only
thing beside it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from wheelyard.errors import WheelyardError
from wheelyard.index.server import IndexServer
from wheelyard.web import openapi
from wheelyard.web.access import Access
from wheelyard.web.attendance import Attendance
from wheelyard.web.doors import Doors
from wheelyard.web.ending import Ending
from wheelyard.web.endpoint import Call, Endpoint, check_texts
from wheelyard.web.metrics import Measured, Metrics
from wheelyard.web.ports import WebPorts
from wheelyard.web.refusals import (
    Refusal,
    answer_bug,
    answer_error,
    answer_http,
    answer_refusal,
)
from wheelyard.web.routes import endpoints
from wheelyard.web.site.site import Site
from wheelyard.web.tracing import Traced
from wheelyard.web.uploads import with_bearer

_INDEX = ("/simple", "/files/", "/snapshots/")


class WebApp:
    """The application. ``run`` beside it what listens; call ``end`` before the server is stopped."""

    def __init__(self, ports: WebPorts) -> None:
        self._ending = Ending()
        self._doors = Doors(end_of=ports.end_of, ending=self._ending)
        self.attendance = Attendance(ports.bus)
        self.metrics = Metrics()
        self.site = Site(ports, ending=self._ending, attendance=self.attendance)
        self.attendance.follow(self.site.changes.tell_jobs)
        table = endpoints(
            ports,
            doors=self._doors,
            ending=self._ending,
            metrics=self.metrics,
            attendance=self.attendance,
        )
        pages = self.site.endpoints()
        self.endpoints = (*table, *pages, *openapi.endpoints((*table, *pages)))
        self.index = IndexServer(
            artifacts=ports.artifacts,
            blobs=ports.blobs,
            snapshots=ports.snapshots,
            upstream=ports.fallthrough,
            channel=ports.channel,
        )
        access = Access(tokens=ports.tokens, clock=ports.clock, public=ports.public)
        application = _application(self.endpoints, access, self.site)
        self._api = Traced(Measured(application, self.metrics))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "http" and scope["path"].startswith(_INDEX):
            await self.index(scope, receive, send)
            return
        scope = with_bearer(scope)
        app: ASGIApp = self._api
        await app(scope, receive, send)

    async def run(self) -> None:
        """Listen to which builders are there and to what happens, for ever."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.attendance.run())
            group.create_task(self.site.run())

    async def end(self) -> None:
        """Let every long answer end, so that nobody is cut off."""
        self._ending.begin()
        await self._doors.close()
        await self.site.changes.listeners.end()
        await asyncio.sleep(0)


def _application(table: Sequence[Endpoint], access: Access, site: Site) -> Starlette:
    app = Starlette(
        routes=[
            Route(one.path, _guarded(one, access), methods=[one.method], name=one.name)
            for one in table
        ],
        exception_handlers={
            Refusal: site.or_page(answer_refusal),
            WheelyardError: site.or_page(answer_error),
            HTTPException: site.or_page(answer_http),
            Exception: site.or_page(answer_bug),
        },
    )
    app.router.redirect_slashes = False
    return app


def _guarded(endpoint: Endpoint, access: Access) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        check_texts(request)
        cookies = endpoint.page or endpoint.visitors
        bearer = await access.admit(
            request, endpoint.allowed, visitors=endpoint.visitors, cookies=cookies
        )
        request.scope["endpoint_name"] = endpoint.name
        request.scope["subject"] = "" if bearer is None else bearer.subject
        return await endpoint.answer(Call(request, bearer))

    return answer
