"""The life of a job, event by event: its leases and its reports."""

from datetime import timedelta

import pytest

from jobs.steps import LEASE, NEW, NOW, ended, finished, leased
from wheelyard.jobs.commands import (
    Acknowledge,
    Discard,
    Grant,
    Prolong,
    Publish,
    Record,
    Refuse,
)
from wheelyard.jobs.events import (
    Leased,
    LeaseExpired,
    OwnerGone,
    Renewed,
)
from wheelyard.jobs.job import State
from wheelyard.jobs.machine import step
from wheelyard.model.job import Outcome


def test_a_lease_is_granted_with_the_next_fence_and_attempt() -> None:
    job, commands = step(NEW, LEASE, NOW)
    assert (job.state, job.fence, job.attempt, job.holder) == (State.LEASED, 1, 1, "yard-1")
    assert commands == (Grant(fence=1, attempt=1, expires=NOW + timedelta(seconds=60)),)


def test_of_two_builders_that_want_one_job_one_gets_it() -> None:
    job = leased()
    after, commands = step(job, Leased(builder="yard-2", seconds=60), NOW)
    assert after == job
    assert commands == (Refuse(reason="yard-1 runs it"),)


def test_a_renewed_lease_lasts_longer() -> None:
    later = NOW + timedelta(seconds=30)
    job, commands = step(leased(), Renewed(fence=1, seconds=60), later)
    assert job.lease_expires == later + timedelta(seconds=60)
    assert commands == (Prolong(expires=later + timedelta(seconds=60)),)


@pytest.mark.parametrize("fence", [0, 2])
def test_a_lease_is_renewed_only_under_its_own_fence(fence: int) -> None:
    job = leased()
    assert step(job, Renewed(fence=fence, seconds=60), NOW) == (
        job,
        (Refuse(reason="the lease was lost"),),
    )


def test_a_built_job_is_done_and_its_wheel_counts() -> None:
    running = leased()
    job, commands = step(running, finished(running, Outcome.BUILT), NOW)
    assert (job.state, job.outcome, job.artifact) == (State.DONE, Outcome.BUILT, "sha256:a")
    assert commands == (
        Record(attempt=1, outcome=Outcome.BUILT, counted=False),
        Publish(digest="sha256:a"),
    )


def test_a_success_without_a_file_is_never_done() -> None:
    running = leased()
    job, commands = step(running, finished(running, Outcome.BUILT, artifact=""), NOW)
    assert job.state is State.READY
    assert job.count(Outcome.INFRASTRUCTURE) == 1
    assert isinstance(commands[0], Record)
    assert (commands[0].outcome, commands[0].counted) == (Outcome.INFRASTRUCTURE, False)
    assert "without a wheel" in commands[0].reason


def test_the_same_report_twice_is_accepted_twice_but_counts_once() -> None:
    running = leased()
    event = finished(running, Outcome.FAILED)
    once, _ = step(running, event, NOW)
    assert step(once, event, NOW) == (once, (Acknowledge(),))


def test_a_repeated_report_is_known_while_the_job_waits_for_its_next_try() -> None:
    running = leased()
    event = finished(running, Outcome.INFRASTRUCTURE)
    waiting, _ = step(running, event, NOW)
    assert waiting.state is State.READY
    assert step(waiting, event, NOW) == (waiting, (Acknowledge(),))


def test_another_report_under_a_fence_that_has_reported_is_discarded() -> None:
    running = leased()
    done, _ = step(running, finished(running, Outcome.FAILED), NOW)
    other = finished(running, Outcome.BUILT, fingerprint="other")
    after, commands = step(done, other, NOW)
    assert after == done
    assert isinstance(commands[0], Discard)


def test_a_late_holder_changes_nothing() -> None:
    first = leased()
    over = NOW + timedelta(seconds=61)
    free, _ = step(first, LeaseExpired(), over)
    second, _ = step(free, Leased(builder="yard-2", seconds=60), over)
    after, commands = step(second, finished(first, Outcome.BUILT), over)
    assert after == second
    assert isinstance(commands[0], Discard)


def test_a_report_of_an_earlier_fence_is_not_taken_for_the_present_one() -> None:
    waiting = ended(Outcome.INFRASTRUCTURE)
    second = leased(waiting, NOW + timedelta(days=1))
    free, _ = step(second, OwnerGone(builder="yard-1"), NOW)
    assert isinstance(step(free, finished(second, Outcome.INFRASTRUCTURE), NOW)[1][0], Discard)


def test_a_lease_that_is_over_is_still_the_holders_while_nobody_took_it() -> None:
    running = leased()
    late = NOW + timedelta(days=1)
    assert step(running, finished(running, Outcome.BUILT), late)[0].state is State.DONE


def test_a_lease_expires_only_when_its_time_is_over() -> None:
    running = leased()
    early = NOW + timedelta(seconds=59)
    assert step(running, LeaseExpired(), early)[0] == running


def test_a_job_says_when_it_changed_and_only_then() -> None:
    later = NOW + timedelta(minutes=1)
    job = leased()
    assert job.changed == NOW
    assert step(job, LEASE, later)[0].changed == NOW
    assert step(job, Renewed(fence=1, seconds=60), later)[0].changed == later
