"""Jobs that have gone some steps of their life."""

from datetime import UTC, datetime

from wheelyard.jobs.commands import (
    Grant,
    Requeue,
)
from wheelyard.jobs.events import (
    Finished,
    Leased,
)
from wheelyard.jobs.job import Job, State
from wheelyard.jobs.machine import step
from wheelyard.model.job import BuildKey, Outcome
from wheelyard.model.release import Release
from wheelyard.targets.target import Target

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
NEW = Job(
    key=BuildKey("k"),
    release=Release.parse("six==1.17.0"),
    target=Target.parse("cp312-manylinux_2_28_x86_64"),
)
LEASE = Leased(builder="yard-1", seconds=60)


def leased(job: Job = NEW, now: datetime = NOW) -> Job:
    after, commands = step(job, LEASE, now)
    assert isinstance(commands[0], Grant)
    return after


def finished(
    job: Job,
    outcome: Outcome,
    *,
    reason: str = "",
    artifact: str = "sha256:a",
    hold: str = "",
    fingerprint: str = "f",
    limited: bool = False,
) -> Finished:
    return Finished(
        fence=job.fence,
        outcome=outcome,
        fingerprint=fingerprint,
        reason=reason,
        artifact=artifact if outcome is Outcome.BUILT else "",
        hold=hold,
        limited=limited,
    )


def ended(outcome: Outcome, job: Job = NEW, now: datetime = NOW) -> Job:
    running = leased(job, now)
    return step(running, finished(running, outcome, reason="why"), now)[0]


def again_and_again(outcome: Outcome, job: Job = NEW) -> tuple[Job, list[float]]:
    """Meet one outcome until the job is not ready any more; also return the waits between."""
    now, waits = NOW, list[float]()
    while True:
        running = leased(job, now)
        job, commands = step(running, finished(running, outcome, reason="why"), now)
        waits += [c.after_seconds for c in commands if isinstance(c, Requeue)]
        if job.state is not State.READY or len(waits) > 50:
            return job, waits
        now = job.not_before or now
