"""Jobs: the list with its filters, one job with its attempts and log, and what people do to it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from urllib.parse import urlencode

import msgspec

from wheelyard.farm_ports import Queue, QueuedJob
from wheelyard.jobs.job import Job, State
from wheelyard.jobs.selection import Selection
from wheelyard.model.job import Attempt, Offer
from wheelyard.ports import Clock
from wheelyard.web.access import OPERATORS
from wheelyard.web.endpoint import Call
from wheelyard.web.filters import (
    PAGES,
    PARAMETERS,
    Filter,
    filter_from,
    filter_of,
    next_offset,
    page_of,
)
from wheelyard.web.jobs import JobView, find_job, view_of
from wheelyard.web.place_in_queue import begins, terms_of, usual_seconds
from wheelyard.web.ports import Desk, Jobs, WebPorts
from wheelyard.web.refusals import Refusal, not_there
from wheelyard.web.site.calls import AttemptCalls
from wheelyard.web.site.job_views import (
    AttemptPageView,
    InputView,
    JobPageView,
    attempt_view,
    state_of,
)
from wheelyard.web.site.logs import AttemptLogs
from wheelyard.web.site.page import Deed, Page

_MOST_LEVELS = 100
_LOOKED_THROUGH = 200


class JobRow(msgspec.Struct, kw_only=True):
    """A job in a list."""

    job: JobView
    state: str


class JobList(msgspec.Struct, kw_only=True):
    """Some jobs, the last changed first, and the addresses of the pages beside this one."""

    filter: Filter
    jobs: Sequence[JobRow]
    before: str | None
    after: str | None


class RetryPreview(msgspec.Struct, kw_only=True):
    """Which jobs would be tried again."""

    filter: Filter
    jobs: Sequence[JobRow]


class JobPages:
    """Shows jobs, and passes on what people want of them."""

    def __init__(  # noqa: PLR0913 - its ports
        self,
        *,
        jobs: Jobs,
        queue: Queue,
        desk: Desk,
        logs: AttemptLogs,
        calls: AttemptCalls,
        clock: Clock,
    ) -> None:
        self._clock = clock
        self._jobs = jobs
        self._queue = queue
        self._desk = desk
        self._logs = logs
        self._calls = calls

    async def list(self, call: Call) -> JobList:
        """Show some jobs."""
        offset, limit = page_of(call)
        wanted = filter_of(call)
        found = await self._jobs.jobs(wanted.selection(), limit=offset + limit + 1)
        following = next_offset(found, offset, limit)
        return JobList(
            filter=wanted,
            jobs=[_row(job) for job in found[offset : offset + limit]],
            before=_address(wanted, max(0, offset - limit)) if offset else None,
            after=None if following is None else _address(wanted, following),
        )

    async def show(self, call: Call) -> JobPageView:
        """Show one job."""
        job = await find_job(self._jobs, call.place("key"))
        queued = await self._queue.queued(job.key)
        attempts = await self._attempts(job)
        newest = attempts[0] if attempts else None
        return JobPageView(
            job=view_of(job),
            state=state_of(job),
            why=await self._desk.why(job.key),
            pool=queued.terms.pool if queued else "",
            needs=dict(queued.terms.needs) if queued else {},
            owner=queued.terms.owner if queued else "",
            rank=queued.terms.rank if queued else None,
            terms=terms_of(queued, self._clock.now()) if _waits(job, queued) and queued else {},
            begins=await self._begins(queued) if _waits(job, queued) and queued else None,
            requests=list(await self._queue.requests_of(job.key)),
            way=_way(queued, newest),
            inputs=_inputs(queued.offer) if queued else (),
            attempts=[attempt_view(one, running=_runs(job, one)) for one in attempts],
            log=await self._logs.end_of(job, newest) if newest else None,
            calls=await self._calls.in_short(newest),
        )

    async def _begins(self, queued: QueuedJob) -> datetime | None:
        """Estimate when a job begins; None where it is too far back to be looked for."""
        keys = await self._queue.order(queued.terms.pool, limit=_LOOKED_THROUGH)
        if queued.job.key not in keys:
            return None
        return begins(
            queued,
            await self._desk.standings(),
            self._clock.now(),
            ahead=keys.index(queued.job.key),
            seconds=await usual_seconds(self._jobs),
        )

    async def attempt(self, call: Call) -> AttemptPageView:
        """Show one attempt."""
        job = await find_job(self._jobs, call.place("key"))
        attempts = await self._attempts(job)
        wanted = call.place("number")
        found = next((one for one in attempts if str(one.number) == wanted), None)
        if found is None:
            raise not_there("attempt", wanted)
        return AttemptPageView(
            job=view_of(job),
            attempt=attempt_view(found, running=_runs(job, found)),
            log=await self._logs.end_of(job, found),
            calls=await self._calls.in_short(found),
            numbers=[one.number for one in attempts],
            why=await self._desk.why(job.key) if _runs(job, found) else "",
        )

    async def _attempts(self, job: Job) -> Sequence[Attempt]:
        return await self._jobs.find_attempts(Selection(keys=(job.key,)), limit=100)

    async def preview(self, call: Call) -> RetryPreview:
        """Show which jobs of a filter would be tried again."""
        wanted = filter_of(call)
        actor = call.bearer.subject
        found = await self._desk.retry(wanted.selection(), actor=actor, preview=True)
        return RetryPreview(filter=wanted, jobs=[_row(job) for job in found])

    async def retry_many(self, call: Call, fields: Mapping[str, str]) -> str:
        """Try the jobs of a filter again."""
        wanted = filter_from(fields)
        await self._desk.retry(wanted.selection(), actor=call.bearer.subject)
        return "/jobs"

    async def retry(self, call: Call, _: Mapping[str, str]) -> str:
        """Try one job again."""
        job = await find_job(self._jobs, call.place("key"))
        await self._desk.retry(Selection(keys=(job.key,)), actor=call.bearer.subject)
        return _own(job)

    async def cancel(self, call: Call, fields: Mapping[str, str]) -> str:
        """End a job."""
        job = await find_job(self._jobs, call.place("key"))
        reason = fields.get("reason", "")
        await self._desk.cancel(job.key, actor=call.bearer.subject, reason=reason)
        return _own(job)

    async def hold(self, call: Call, fields: Mapping[str, str]) -> str:
        """Let a job wait for a person."""
        job = await find_job(self._jobs, call.place("key"))
        actor = call.bearer.subject
        await self._desk.hold(
            job.key, actor=actor, reason=fields.get("reason") or f"{actor} holds it"
        )
        return _own(job)

    async def approve(self, call: Call, _: Mapping[str, str]) -> str:
        """Let a wheel count that was held."""
        job = await find_job(self._jobs, call.place("key"))
        await self._desk.approve(job.key, actor=call.bearer.subject)
        return _own(job)

    async def boost(self, call: Call, fields: Mapping[str, str]) -> str:
        """Let a job that waits come sooner, or later."""
        job = await find_job(self._jobs, call.place("key"))
        text = fields.get("by") or "1"
        if not text.lstrip("-").isdecimal() or abs(int(text[:6])) > _MOST_LEVELS:
            raise Refusal(422, "that is no number of levels", f"Up to {_MOST_LEVELS}, or -1.")
        await self._desk.boost(Selection(keys=(job.key,)), by=int(text), actor=call.bearer.subject)
        return _own(job)


def _row(job: Job) -> JobRow:
    return JobRow(job=view_of(job), state=state_of(job))


def _runs(job: Job, attempt: Attempt) -> bool:
    return job.state is State.LEASED and attempt.number == job.attempt


def _own(job: Job) -> str:
    return f"/jobs/{job.key}"


def _address(wanted: Filter, offset: int) -> str:
    kept = {name: value for name, value in msgspec.to_builtins(wanted).items() if value}
    kept.pop("keys", None)
    return f"?{urlencode({**kept, 'offset': offset})}"


def _waits(job: Job, queued: QueuedJob | None) -> bool:
    return queued is not None and job.state is State.READY


def _way(queued: QueuedJob | None, newest: Attempt | None) -> str:
    if newest is not None and newest.report is not None and newest.report.way:
        return newest.report.way
    return str(queued.offer.way) if queued is not None else ""


def _inputs(offer: Offer) -> Sequence[InputView]:
    source = offer.source
    return [
        InputView(kind="source", name=source.location, digest=source.digest),
        *(
            InputView(kind="build requirement", name=one.filename, digest=one.digest)
            for one in offer.requirements
        ),
        *(
            InputView(kind="patch", name=one.name, digest=getattr(one, "digest", ""))
            for one in offer.recipe.patches
        ),
    ]


def pages(ports: WebPorts) -> Sequence[Page | Deed]:
    """Return what there is of jobs."""
    logs = AttemptLogs(jobs=ports.jobs, bus=ports.bus, blobs=ports.blobs)
    book = JobPages(
        jobs=ports.jobs,
        queue=ports.queue,
        desk=ports.desk,
        logs=logs,
        calls=AttemptCalls(blobs=ports.blobs),
        clock=ports.clock,
    )
    return (
        Page(
            path="/jobs",
            template="jobs.html",
            title="Jobs",
            show=book.list,
            says="Jobs, the last changed first, with filters.",
            query=(*PARAMETERS, *PAGES),
            follows=("jobs",),
        ),
        Page(
            path="/jobs/retry",
            template="retry.html",
            title="Try again",
            show=book.preview,
            says="Which jobs of a filter would be tried again.",
            query=PARAMETERS,
            allowed=OPERATORS,
            visitors=False,
        ),
        Page(
            path="/jobs/{key}",
            template="job.html",
            title="{job.release} for {job.target}",
            show=book.show,
            says="A job: why it waits or how it ended, its steps, log, inputs and attempts.",
            follows=("job:{job.key}",),
        ),
        Page(
            path="/jobs/{key}/attempts/{number}",
            template="attempt.html",
            title="{job.release} for {job.target}, attempt {attempt.number}",
            show=book.attempt,
            says="One attempt with its steps, log, and what its compilers did.",
            follows=("job:{job.key}",),
        ),
        *_deeds(book),
    )


def _deeds(book: JobPages) -> Sequence[Deed]:
    wanted = (
        ("/jobs/retry", book.retry_many, "Try the jobs of a filter again.", ()),
        ("/jobs/{key}/retry", book.retry, "Try a job again that did not end well.", ()),
        ("/jobs/{key}/cancel", book.cancel, "End a job.", ("reason",)),
        ("/jobs/{key}/hold", book.hold, "Let a job wait for a person.", ("reason",)),
        ("/jobs/{key}/approve", book.approve, "Let a wheel count that was held.", ()),
        ("/jobs/{key}/boost", book.boost, "Let a job come sooner.", ("by",)),
    )
    return [
        Deed(path=path, do=do, says=says, allowed=OPERATORS, fields=fields)
        for path, do, says, fields in wanted
    ]
