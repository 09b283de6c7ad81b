"""Jobs: which there are, how each stands and why, and what people want of them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from starlette.responses import Response

from wheelyard.farm_ports import Queue
from wheelyard.jobs.job import Job
from wheelyard.jobs.selection import Selection
from wheelyard.model.job import Attempt, BuildKey
from wheelyard.web.access import OPERATORS, READERS
from wheelyard.web.endpoint import Call, Endpoint, answered
from wheelyard.web.filters import PAGES, PARAMETERS, Filter, filter_of, next_offset, page_of
from wheelyard.web.ports import Desk, Jobs, WebPorts
from wheelyard.web.refusals import Refusal, not_there

_SHORTEST_KEY = 6
_MOST_LEVELS = 100


class JobView(msgspec.Struct, kw_only=True):
    """A job as people see it."""

    key: str
    release: str
    target: str
    state: str
    outcome: str | None
    reason: str
    builder: str
    fence: int
    attempt: int
    changed: datetime | None
    not_before: datetime | None
    artifact: str


class AttemptView(msgspec.Struct, kw_only=True):
    """One try of it. ``log`` and ``calls`` are the digests of what was printed, and of the compiler commands that were caught."""

    id: str
    number: int
    builder: str
    started: datetime
    finished: datetime | None
    outcome: str | None
    reason: str
    hint: str
    wall_seconds: float
    log: str
    calls: str


class JobDetail(msgspec.Struct, kw_only=True):
    """All about a job. ``why`` says what it waits for, or where it stands."""

    job: JobView
    why: str
    pool: str
    needs: dict[str, Any]
    rank: int | None
    owner: str
    requests: Sequence[str]
    attempts: Sequence[AttemptView]


class JobPage(msgspec.Struct, kw_only=True):
    """Some jobs; ``next`` is the offset of the next page."""

    jobs: Sequence[JobView]
    next: int | None


class Changed(msgspec.Struct, kw_only=True):
    """Whether something changed; not where it was so already."""

    changed: bool


class Why(msgspec.Struct, kw_only=True):
    """Why somebody wants it."""

    reason: str = ""


class Boost(msgspec.Struct, kw_only=True):
    """By how many levels; one is worth a day of waiting."""

    by: int = 1


class Again(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Which jobs are tried again; ``preview`` changes nothing."""

    filter: Filter
    preview: bool = False


class JobBook:
    """Shows jobs and passes on what people want of them."""

    def __init__(self, *, jobs: Jobs, queue: Queue, desk: Desk) -> None:
        self._jobs = jobs
        self._queue = queue
        self._desk = desk

    async def page(self, call: Call) -> Response:
        """Answer with some jobs, the last changed first."""
        offset, limit = page_of(call)
        selection = filter_of(call).selection()
        found = await self._jobs.jobs(selection, limit=offset + limit + 1)
        views = [view_of(job) for job in found[offset : offset + limit]]
        return answered(JobPage(jobs=views, next=next_offset(found, offset, limit)))

    async def show(self, call: Call) -> Response:
        """Answer with all about a job."""
        job = await find_job(self._jobs, call.place("key"))
        queued = await self._queue.queued(job.key)
        attempts = await self._jobs.find_attempts(Selection(keys=(job.key,)), limit=100)
        detail = JobDetail(
            job=view_of(job),
            why=await self._desk.why(job.key),
            pool=queued.terms.pool if queued else "",
            needs=dict(queued.terms.needs) if queued else {},
            rank=queued.terms.rank if queued else None,
            owner=queued.terms.owner if queued else "",
            requests=list(await self._queue.requests_of(job.key)),
            attempts=[_attempt_view(one) for one in attempts],
        )
        return answered(detail)

    async def cancel(self, call: Call) -> Response:
        """End a job."""
        job = await find_job(self._jobs, call.place("key"))
        reason = (await call.value(Why)).reason
        actor = call.bearer.subject
        return _changed(await self._desk.cancel(job.key, actor=actor, reason=reason))

    async def hold(self, call: Call) -> Response:
        """Let a job wait for a person."""
        job = await find_job(self._jobs, call.place("key"))
        actor = call.bearer.subject
        reason = (await call.value(Why)).reason or f"{actor} holds it"
        return _changed(await self._desk.hold(job.key, actor=actor, reason=reason))

    async def approve(self, call: Call) -> Response:
        """Let a wheel count that was held."""
        job = await find_job(self._jobs, call.place("key"))
        return _changed(await self._desk.approve(job.key, actor=call.bearer.subject))

    async def retry(self, call: Call) -> Response:
        """Try one job again."""
        job = await find_job(self._jobs, call.place("key"))
        selection = Selection(keys=(job.key,))
        found = await self._desk.retry(selection, actor=call.bearer.subject)
        return _changed(bool(found))

    async def retry_many(self, call: Call) -> Response:
        """Try jobs again that did not end well."""
        wanted = await call.value(Again)
        found = await self._desk.retry(
            wanted.filter.selection(), actor=call.bearer.subject, preview=wanted.preview
        )
        return answered(JobPage(jobs=[view_of(job) for job in found], next=None))

    async def boost(self, call: Call) -> Response:
        """Let a job that waits come sooner, or later."""
        job = await find_job(self._jobs, call.place("key"))
        by = (await call.value(Boost)).by
        if not -_MOST_LEVELS <= by <= _MOST_LEVELS:
            raise Refusal(
                422, f"{by} is no number of levels", f"From -{_MOST_LEVELS} to {_MOST_LEVELS}."
            )
        selection = Selection(keys=(job.key,))
        moved = await self._desk.boost(selection, by=by, actor=call.bearer.subject)
        return _changed(moved > 0)


async def find_job(jobs: Jobs, name: str) -> Job:
    """Find a job by its key or the beginning of it. Raises a Refusal."""
    job = await jobs.job(BuildKey(name))
    if job is None and len(name) >= _SHORTEST_KEY:
        keys = await jobs.keys(name, limit=2)
        if len(keys) > 1:
            raise Refusal(422, f"{name!r} begins the keys of several jobs", "Write more of it.")
        job = await jobs.job(keys[0]) if keys else None
    if job is None:
        raise not_there("job", name)
    return job


def view_of(job: Job) -> JobView:
    """Return a job as people see it."""
    return JobView(
        key=job.key,
        release=str(job.release),
        target=str(job.target),
        state=job.state.value,
        outcome=job.outcome.value if job.outcome else None,
        reason=job.reason,
        builder=job.builder,
        fence=job.fence,
        attempt=job.attempt,
        changed=job.changed,
        not_before=job.not_before,
        artifact=job.artifact,
    )


def _attempt_view(attempt: Attempt) -> AttemptView:
    report = attempt.report
    return AttemptView(
        id=f"a{attempt.id}",
        number=attempt.number,
        builder=attempt.builder,
        started=attempt.started,
        finished=attempt.finished,
        outcome=report.outcome.value if report else None,
        reason=report.reason if report else "",
        hint=report.hint if report else "",
        wall_seconds=report.wall_seconds if report else 0.0,
        log=report.log_digest if report else "",
        calls=report.calls_digest if report else "",
    )


def _changed(changed: bool) -> Response:
    return answered(Changed(changed=changed))


def endpoints(ports: WebPorts) -> Sequence[Endpoint]:
    """Return what there is of jobs."""
    book = JobBook(jobs=ports.jobs, queue=ports.queue, desk=ports.desk)
    looked_at = (
        ("/api/jobs", book.page, "Jobs, the last changed first.", JobPage, (*PARAMETERS, *PAGES)),
        ("/api/jobs/{key}", book.show, "All about a job, and why it waits.", JobDetail, ()),
    )
    wanted = (
        ("cancel", book.cancel, "End a job; its builder stops at once.", Why),
        ("hold", book.hold, "Let a job wait for a person.", Why),
        ("approve", book.approve, "Let a wheel count that was held.", None),
        ("retry", book.retry, "Try a job again that did not end well.", None),
        ("boost", book.boost, "Let a job that waits come sooner.", Boost),
    )
    return (
        *(
            Endpoint(
                method="GET",
                path=path,
                allowed=READERS,
                answer=answer,
                says=says,
                gives=gives,
                query=query,
            )
            for path, answer, says, gives, query in looked_at
        ),
        Endpoint(
            method="POST",
            path="/api/jobs/retry",
            allowed=OPERATORS,
            answer=book.retry_many,
            says="Try all jobs again that a filter means and that did not end well.",
            body=Again,
            gives=JobPage,
        ),
        *(
            Endpoint(
                method="POST",
                path=f"/api/jobs/{{key}}/{verb}",
                allowed=OPERATORS,
                answer=answer,
                says=says,
                body=body,
                gives=Changed,
            )
            for verb, answer, says, body in wanted
        ),
    )
