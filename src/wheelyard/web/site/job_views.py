"""A job, its attempts and their logs, as pages show them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from wheelyard.jobs.job import Job, State
from wheelyard.model.job import Attempt, Outcome, Report
from wheelyard.web.jobs import JobView
from wheelyard.web.site.call_views import CallsView


class StepView(msgspec.Struct, kw_only=True):
    """One step of an attempt; seconds since its beginning, and how long it took."""

    name: str
    started: float
    seconds: float
    cpu_seconds: float


class FindingView(msgspec.Struct, kw_only=True):
    """Something about a green build that may be wrong."""

    check: str
    message: str
    verdict: str


class AttemptReport(msgspec.Struct, kw_only=True):
    """One try of a job, with all that its builder told. ``cached`` of ``cachable`` files were in the compiler cache."""

    id: str
    number: int
    builder: str
    started: datetime
    finished: datetime | None
    state: str
    reason: str
    hint: str
    detail: str
    wall_seconds: float
    cpu_seconds: float
    peak_memory_bytes: int
    log_bytes: int
    steps: Sequence[StepView]
    findings: Sequence[FindingView]
    sandbox: Sequence[str]
    environment: Sequence[str]
    system_libraries: Sequence[str]
    repeat: str
    irreproducible: str
    artifact: str
    filename: str
    way: str
    cached: int
    cachable: int


class InputView(msgspec.Struct, kw_only=True):
    """Something that a job is made of."""

    kind: str
    name: str
    digest: str


class LogSection(msgspec.Struct, kw_only=True):
    """What was printed during a step. ``failed``: the attempt ended in it."""

    step: str
    text: str
    failed: bool = False


class LogView(msgspec.Struct, kw_only=True):
    """The end of a log, by steps. ``left_out`` bytes come before it."""

    sections: Sequence[LogSection]
    left_out: int
    running: bool


class JobPageView(msgspec.Struct, kw_only=True):
    """All about a job.

    ``way`` says how it comes to its target, and why so. ``terms`` is what the place of one that waits is made of, in seconds of waiting; ``begins`` an estimate.
    """

    job: JobView
    state: str
    why: str
    pool: str
    needs: dict[str, Any]
    owner: str
    rank: int | None
    terms: Mapping[str, float]
    begins: datetime | None
    requests: Sequence[str]
    way: str
    inputs: Sequence[InputView]
    attempts: Sequence[AttemptReport]
    log: LogView | None
    calls: CallsView | None = None

    @property
    def newest(self) -> AttemptReport | None:
        """The newest attempt."""
        return self.attempts[0] if self.attempts else None


class AttemptPageView(msgspec.Struct, kw_only=True):
    """One attempt with its log, what its compilers did, and the numbers of its neighbours.

    ``why`` says where one stands that goes on.
    """

    job: JobView
    attempt: AttemptReport
    log: LogView | None
    numbers: Sequence[int]
    why: str = ""
    calls: CallsView | None = None


def state_of(job: Job) -> str:
    """Return where a job stands in one word: its outcome where it ended."""
    if job.state is State.DONE and job.outcome is not None:
        return job.outcome.value
    return {State.READY: "waiting", State.LEASED: "running"}.get(job.state, job.state.value)


def attempt_view(attempt: Attempt, *, running: bool) -> AttemptReport:
    """Return an attempt as pages show it; one without a report goes on, or was lost."""
    report = attempt.report or Report(outcome=Outcome.LOST)
    artifact = report.artifact
    return AttemptReport(
        id=f"a{attempt.id}",
        number=attempt.number,
        builder=attempt.builder,
        started=attempt.started,
        finished=attempt.finished,
        state="running" if running and attempt.report is None else report.outcome.value,
        reason=report.reason,
        hint=report.hint,
        detail=report.detail,
        wall_seconds=report.wall_seconds,
        cpu_seconds=report.cpu_seconds,
        peak_memory_bytes=report.peak_memory_bytes,
        log_bytes=report.log_bytes,
        steps=_steps(report),
        findings=[
            FindingView(check=one.check, message=one.message, verdict=one.verdict.value)
            for one in report.findings
        ],
        sandbox=report.sandbox,
        environment=report.environment,
        system_libraries=report.system_libraries,
        repeat=report.repeat,
        irreproducible=report.irreproducible,
        artifact=artifact.digest if artifact else "",
        filename=artifact.filename if artifact else "",
        way=report.way,
        cached=report.calls.cached,
        cachable=report.calls.cachable,
    )


def _steps(report: Report) -> Sequence[StepView]:
    return [
        StepView(
            name=one.name.value,
            started=one.started,
            seconds=one.seconds,
            cpu_seconds=one.cpu_seconds,
        )
        for one in report.steps
    ]
