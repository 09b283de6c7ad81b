"""The site as a part of the application: its table, its live streams, and refusals as pages."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from starlette.requests import Request
from starlette.responses import Response

from wheelyard.web.attendance import Attendance
from wheelyard.web.ending import Ending
from wheelyard.web.endpoint import INTERFACE, Endpoint
from wheelyard.web.ports import WebPorts
from wheelyard.web.refusals import Refusal, refusal_of
from wheelyard.web.site import (
    admin,
    badges,
    builders,
    calls,
    channel,
    compare,
    curating,
    feeds,
    home,
    jobs,
    matrix,
    migration_deeds,
    migrations,
    projects,
    queue,
    reports,
    requests,
    search,
    shelf,
    sign_in,
)
from wheelyard.web.site.figures import Figures
from wheelyard.web.site.live import Changes, LivePages
from wheelyard.web.site.negotiation import Wanted, wanted
from wheelyard.web.site.page import Deed, Page
from wheelyard.web.site.rendering import Renderer
from wheelyard.web.site.static import StaticFiles

Answering = Callable[[Request, Exception], Awaitable[Response]]


class Site:
    """Pages, forms, files and streams. ``run()`` beside it is what keeps pages live."""

    def __init__(self, ports: WebPorts, *, ending: Ending, attendance: Attendance) -> None:
        self._static = StaticFiles()
        self._renderer = Renderer(clock=ports.clock, static=self._static, name=ports.name)
        self.changes = Changes(events=ports.events, times=ports.times)
        self._live = LivePages(changes=self.changes, ending=ending)
        self.figures = Figures(site=ports.site, clock=ports.clock)
        self._files = (*feeds.endpoints(ports), *badges.endpoints(ports), *calls.endpoints(ports))
        sessions = sign_in.sessions_of(ports)
        self._table: Sequence[Page | Deed] = (
            *home.pages(ports, attendance, self.figures),
            *projects.pages(ports),
            *matrix.pages(ports, self.figures),
            *reports.pages(self.figures),
            *migrations.pages(ports),
            *migration_deeds.deeds(ports),
            *compare.pages(ports),
            *jobs.pages(ports),
            *calls.pages(ports),
            *queue.pages(ports),
            *requests.pages(ports),
            *builders.pages(ports, attendance),
            *search.pages(ports),
            *sign_in.pages(sessions),
            *shelf.pages(ports),
            *channel.pages(ports),
            *curating.deeds(ports),
            *admin.pages(ports),
        )
        self._openid = _openid(ports, sessions)

    def endpoints(self) -> Sequence[Endpoint]:
        """Return the rows of the route table, those with a literal address first."""
        pages = [one.endpoint(self._renderer) for one in self._table]
        pages.sort(key=lambda one: "{" in one.path)
        return (
            *pages,
            *self._openid,
            *self._files,
            *self._static.endpoints(),
            *self._live.endpoints(),
        )

    async def run(self) -> None:
        """Keep pages live and what is counted fresh, for ever."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.changes.run())
            group.create_task(self.figures.run())

    def or_page(self, answer: Answering) -> Answering:
        """Let people have a page where a program would have JSON."""

        async def answered(request: Request, error: Exception) -> Response:
            if not _is_for_people(request):
                return await answer(request, error)
            plain = await answer(request, error)
            refusal = refusal_of(plain.status_code, error)
            refusal.headers = {**refusal.headers, **_kept(plain)}
            return self._renderer.refusal(request, refusal, None)

        return answered


def _openid(ports: WebPorts, sessions: sign_in.Sessions) -> Sequence[Endpoint]:
    """Return where a provider of identities is asked. What that takes is imported only where there is one."""
    if ports.identities is None:
        return ()
    from wheelyard.web.site.openid import OpenId

    return OpenId(ports.identities, sessions=sessions, clock=ports.clock).endpoints()


def _is_for_people(request: Request) -> bool:
    """Whether a person is likely to read the answer."""
    if request.url.path.startswith(INTERFACE) or request.method == "PUT":
        # No form sends a PUT.
        return False
    try:
        return wanted(request) is Wanted.HTML
    except Refusal:
        return False


def _kept(answer: Response) -> dict[str, str]:
    """Return the headers of a refusal that also go with its page."""
    names = ("retry-after", "allow", "www-authenticate")
    return {name: answer.headers[name] for name in names if name in answer.headers}
