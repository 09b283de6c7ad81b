"""The compiler commands of an attempt: all of them, and the file that editors and analysers read."""

from collections import OrderedDict
from collections.abc import Sequence
from urllib.parse import urlencode

import msgspec
from anyio.to_thread import run_sync
from starlette.responses import Response

from wheelyard.cross.calls import Call as CompilerCall
from wheelyard.cross.calls import compile_commands
from wheelyard.cross.kept import unpacked
from wheelyard.cross.timeline import Bar, bars
from wheelyard.jobs.job import Job
from wheelyard.jobs.selection import Selection
from wheelyard.model.job import Attempt
from wheelyard.ports import Blobs
from wheelyard.web.access import READERS
from wheelyard.web.endpoint import Call, Endpoint, Parameter
from wheelyard.web.filters import PAGES, next_offset, page_of
from wheelyard.web.jobs import find_job, view_of
from wheelyard.web.ports import Jobs, WebPorts
from wheelyard.web.refusals import Refusal, not_there
from wheelyard.web.site.call_views import (
    CallsPageView,
    CallState,
    CallsView,
    call_view,
    calls_view,
    counted,
    span,
    state_of,
)
from wheelyard.web.site.page import Page

_MOST_KNOWN = 32
_PATH = "/jobs/{key}/attempts/{number}"
_CHOICES = {
    "": frozenset(CallState),
    "failed": frozenset({CallState.FAILED, CallState.REFUSED}),
    "compiled": frozenset({CallState.COMPILED}),
}


class AttemptCalls:
    """Reads the commands that were kept of attempts."""

    def __init__(self, *, blobs: Blobs) -> None:
        self._blobs = blobs
        # Of a large build they take a second to read, and its page is looked at by many.
        self._known: OrderedDict[str, CallsView] = OrderedDict()

    async def of(self, attempt: Attempt | None) -> Sequence[CompilerCall]:
        """Return the commands of an attempt, the first first; none where nothing was caught."""
        digest = attempt.report.calls_digest if attempt and attempt.report else ""
        packed = self._blobs.path(digest) if digest else None
        if packed is None:
            return ()
        return await run_sync(lambda: unpacked(packed.read_bytes()))

    async def in_short(self, attempt: Attempt | None) -> CallsView | None:
        """Return what a page says of them; None where nothing was caught."""
        if attempt is None or attempt.report is None or not attempt.report.calls_digest:
            return None
        name = f"{attempt.id} {attempt.report.calls_digest}"
        if name not in self._known:
            found = await self.of(attempt)
            if not found:
                return None
            self._known[name] = await run_sync(calls_view, attempt.report, found)
        while len(self._known) > _MOST_KNOWN:
            self._known.popitem(last=False)
        return self._known[name]


class CallPages:
    """Shows commands."""

    def __init__(self, *, jobs: Jobs, calls: AttemptCalls) -> None:
        self._jobs = jobs
        self._calls = calls

    async def show(self, call: Call) -> CallsPageView:
        """Show some commands of an attempt with all their words."""
        job, attempt, found = await self._find(call)
        offset, limit = page_of(call)
        only = call.text("only")
        if only not in _CHOICES:
            raise Refusal(422, "that is no choice of commands", "Ask for failed or compiled.")
        drawn = await run_sync(bars, found)
        chosen = [bar for bar in drawn if state_of(bar.call) in _CHOICES[only]]
        following = next_offset(chosen, offset, limit)
        report = attempt.report
        if report is None:
            raise not_there("attempt", str(attempt.number))
        return CallsPageView(
            job=view_of(job),
            number=attempt.number,
            only=only,
            counted=counted(report.calls),
            seconds=span(drawn),
            calls=[call_view(bar) for bar in _some(chosen, offset, limit)],
            before=_address(only, max(0, offset - limit), limit) if offset else None,
            after=None if following is None else _address(only, following, limit),
        )

    async def database(self, call: Call) -> Response:
        """Answer with compile_commands.json."""
        _, _, found = await self._find(call)
        content = await run_sync(lambda: msgspec.json.encode(compile_commands(found)))
        return Response(content, media_type="application/json")

    async def _find(self, call: Call) -> tuple[Job, Attempt, Sequence[CompilerCall]]:
        job = await find_job(self._jobs, call.place("key"))
        wanted = call.place("number")
        attempts = await self._jobs.find_attempts(Selection(keys=(job.key,)), limit=100)
        attempt = next((one for one in attempts if str(one.number) == wanted), None)
        if attempt is None:
            raise not_there("attempt", wanted)
        found = await self._calls.of(attempt)
        if not found:
            raise Refusal(
                404,
                f"no compiler command of attempt {attempt.number} was written down",
                "They are where a wheel is built for another machine than the builder.",
            )
        return job, attempt, found


def _some(found: Sequence[Bar], offset: int, limit: int) -> Sequence[Bar]:
    return found[offset : offset + limit]


def _address(only: str, offset: int, limit: int) -> str:
    return f"?{urlencode({'only': only, 'offset': offset, 'limit': limit})}"


def _book(ports: WebPorts) -> CallPages:
    return CallPages(jobs=ports.jobs, calls=AttemptCalls(blobs=ports.blobs))


def pages(ports: WebPorts) -> Sequence[Page]:
    """Return what there is of commands."""
    return (
        Page(
            path=f"{_PATH}/calls",
            template="calls.html",
            title="Compiler commands of {job.release} for {job.target}, attempt {number}",
            show=_book(ports).show,
            says="The compiler commands of an attempt for another machine: as called, as run, how long, how ended.",
            query=(Parameter(name="only", says="Only those: failed or compiled."), *PAGES),
        ),
    )


def endpoints(ports: WebPorts) -> Sequence[Endpoint]:
    """Return what programs read."""
    return (
        Endpoint(
            method="GET",
            path=f"{_PATH}/compile_commands.json",
            allowed=READERS,
            answer=_book(ports).database,
            says="The compiled files of an attempt as editors and analysers read them.",
            gives=list,
            visitors=True,
        ),
    )
