"""What people decide on a job, and what the loss of its wheel does."""

import pytest

from jobs.steps import LEASE, NEW, NOW, ended, finished, leased
from wheelyard.jobs.commands import (
    Discard,
    Hold,
    Publish,
    Record,
    Refuse,
    Requeue,
    Stop,
    Withdraw,
)
from wheelyard.jobs.events import (
    Approved,
    ArtifactLost,
    Cancelled,
    Held,
    Retried,
)
from wheelyard.jobs.job import Job, State
from wheelyard.jobs.machine import step
from wheelyard.model.job import Outcome


def test_a_cancelled_job_stops_its_builder_and_discards_the_late_result() -> None:
    running = leased()
    job, commands = step(running, Cancelled(reason="not wanted"), NOW)
    assert (job.state, job.outcome, job.counted) == (State.CANCELLED, Outcome.CANCELLED, 0)
    assert commands == (
        Record(attempt=1, outcome=Outcome.CANCELLED, counted=False),
        Stop(builder="yard-1", fence=1),
    )
    after, late = step(job, finished(running, Outcome.BUILT), NOW)
    assert after == job
    assert isinstance(late[0], Discard)
    assert isinstance(step(job, LEASE, NOW)[1][0], Refuse)


def test_to_cancel_twice_is_to_cancel_once() -> None:
    job, _ = step(NEW, Cancelled(), NOW)
    assert step(job, Cancelled(), NOW)[0] == job
    assert step(NEW, Cancelled(), NOW)[1] == ()


def test_a_builder_may_tell_that_its_attempt_was_cancelled() -> None:
    assert ended(Outcome.CANCELLED).state is State.CANCELLED


def test_a_late_result_of_a_cancelled_try_does_not_end_the_next_one() -> None:
    running = leased()
    job, _ = step(running, Cancelled(), NOW)
    job, _ = step(job, Retried(), NOW)
    assert isinstance(step(job, finished(running, Outcome.BUILT), NOW)[1][0], Discard)


def test_a_held_job_waits_for_a_person() -> None:
    job, commands = step(NEW, Held(reason="look at it"), NOW)
    assert (job.state, job.reason, commands) == (
        State.HELD,
        "look at it",
        (Hold(reason="look at it"),),
    )
    assert isinstance(step(job, LEASE, NOW)[1][0], Refuse)
    assert isinstance(step(job, Approved(), NOW)[1][0], Refuse)
    assert isinstance(step(job, Held(reason="again"), NOW)[1][0], Refuse)


def test_to_hold_a_running_job_stops_its_builder() -> None:
    assert Stop(builder="yard-1", fence=1) in step(leased(), Held(reason="stop"), NOW)[1]


def test_a_green_build_with_a_finding_to_hold_waits_until_it_is_approved() -> None:
    running = leased()
    held, commands = step(running, finished(running, Outcome.BUILT, hold="no C in it"), NOW)
    assert (held.state, held.reason) == (State.HELD, "no C in it")
    assert not any(isinstance(command, Publish) for command in commands)
    done, commands = step(held, Approved(), NOW)
    assert (done.state, done.outcome) == (State.DONE, Outcome.BUILT)
    assert commands == (Publish(digest="sha256:a"),)


@pytest.mark.parametrize("outcome", [Outcome.FAILED, Outcome.TIMED_OUT, Outcome.CANCELLED])
def test_a_retried_job_starts_anew_but_its_numbers_only_grow(outcome: Outcome) -> None:
    job, commands = step(ended(outcome), Retried(), NOW)
    assert (job.state, job.counts, job.outcome, job.fence, job.attempt) == (
        State.READY,
        (),
        None,
        1,
        1,
    )
    assert commands == (Requeue(after_seconds=0),)
    assert leased(job).fence == 2


def test_a_retried_job_waits_no_longer() -> None:
    job, _ = step(ended(Outcome.INFRASTRUCTURE), Retried(), NOW)
    assert leased(job).attempt == 2


@pytest.mark.parametrize(
    "job", [leased(), ended(Outcome.BUILT), ended(Outcome.NEEDS)], ids=["leased", "built", "needs"]
)
def test_what_runs_or_is_known_is_not_retried(job: Job) -> None:
    after, commands = step(job, Retried(), NOW)
    assert after == job
    assert isinstance(commands[0], Refuse)


def test_a_job_whose_wheel_was_lost_is_queued_again() -> None:
    job, commands = step(ended(Outcome.BUILT), ArtifactLost(digest="sha256:a"), NOW)
    assert (job.state, job.artifact) == (State.READY, "")
    assert commands == (Withdraw(digest="sha256:a"), Requeue(after_seconds=0))


def test_the_loss_of_another_wheel_changes_nothing() -> None:
    job = ended(Outcome.BUILT)
    assert step(job, ArtifactLost(digest="sha256:b"), NOW)[0] == job
    assert step(NEW, ArtifactLost(digest=""), NOW)[0] == NEW


def test_the_loss_of_a_held_wheel_of_a_cancelled_job_revives_nothing() -> None:
    running = leased()
    held, _ = step(running, finished(running, Outcome.BUILT, hold="look"), NOW)
    cancelled, _ = step(held, Cancelled(), NOW)
    after, commands = step(cancelled, ArtifactLost(digest="sha256:a"), NOW)
    assert (after.state, after.artifact) == (State.CANCELLED, "")
    assert commands == (Withdraw(digest="sha256:a"),)
