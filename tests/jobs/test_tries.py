"""Which outcomes are tried again, when, and how often."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from jobs.steps import LEASE, NEW, NOW, again_and_again, ended, finished, leased
from wheelyard.jobs.commands import (
    Hold,
    Record,
    Refuse,
    Requeue,
)
from wheelyard.jobs.events import (
    Leased,
    LeaseExpired,
    OwnerGone,
)
from wheelyard.jobs.job import State
from wheelyard.jobs.machine import step
from wheelyard.jobs.retry import (
    INFRASTRUCTURE_BACK_OFF,
    INFRASTRUCTURE_CAP,
    LOST_CAP,
    RESOURCES_BACK_OFF,
    RESOURCES_CAP,
    UPSTREAM_BACK_OFF,
    BackOff,
)
from wheelyard.model.job import Outcome


def test_a_lost_job_is_offered_again_at_once_and_counted() -> None:
    job, commands = step(leased(), LeaseExpired(), NOW + timedelta(seconds=60))
    assert (job.state, job.not_before, job.lost_by) == (State.READY, None, ("yard-1",))
    assert isinstance(commands[0], Record)
    assert (commands[0].outcome, commands[0].counted) == (Outcome.LOST, True)
    assert commands[1] == Requeue(after_seconds=0)


def test_after_three_losses_a_job_is_held_and_names_its_builders() -> None:
    job = NEW
    for number in range(LOST_CAP):
        now = NOW + timedelta(hours=number)
        job = step(job, Leased(builder=f"yard-{number}", seconds=60), now)[0]
        job, commands = step(job, LeaseExpired(), now + timedelta(minutes=2))
    assert LOST_CAP == 3
    assert (job.state, job.counted) == (State.HELD, 3)
    assert commands[-1] == Hold(reason="its builders were lost: yard-0, yard-1, yard-2")


def test_a_process_that_ended_gives_its_lease_back_and_nothing_is_counted() -> None:
    job, commands = step(leased(), OwnerGone(builder="yard-1"), NOW)
    assert (job.state, job.counts, job.counted) == (State.READY, (), 0)
    assert isinstance(commands[0], Record)
    assert not commands[0].counted


def test_a_process_that_ended_gives_only_its_own_leases_back() -> None:
    job = leased()
    assert step(job, OwnerGone(builder="yard-2"), NOW)[0] == job


@pytest.mark.parametrize("outcome", [Outcome.FAILED, Outcome.TIMED_OUT, Outcome.OVER_LIMIT])
def test_the_packages_own_fault_is_counted_and_not_tried_again(outcome: Outcome) -> None:
    job = ended(outcome)
    assert (job.state, job.outcome, job.counted, job.reason) == (State.DONE, outcome, 1, "why")
    assert isinstance(step(job, LEASE, NOW + timedelta(days=9))[1][0], Refuse)


def test_a_job_that_needs_more_ends_because_its_successor_has_another_key() -> None:
    job = ended(Outcome.NEEDS)
    assert (job.state, job.outcome, job.counted) == (State.DONE, Outcome.NEEDS, 0)


def test_out_of_resources_is_tried_three_times_on_larger_builders() -> None:
    job, waits = again_and_again(Outcome.RESOURCES)
    assert RESOURCES_CAP == 3
    assert (job.state, job.outcome, job.attempt, job.counted) == (
        State.DONE,
        Outcome.RESOURCES,
        3,
        3,
    )
    assert waits == [RESOURCES_BACK_OFF.seconds(1), RESOURCES_BACK_OFF.seconds(2)]
    running = leased()
    _, commands = step(running, finished(running, Outcome.RESOURCES), NOW)
    assert commands[-1] == Requeue(after_seconds=RESOURCES_BACK_OFF.seconds(1), size=1)


def test_a_limit_of_the_offer_is_not_met_a_second_time() -> None:
    running = leased()

    job, _ = step(running, finished(running, Outcome.RESOURCES, limited=True), NOW)

    assert (job.state, job.outcome, job.counted) == (State.DONE, Outcome.RESOURCES, 1)


def test_the_farms_own_faults_are_not_counted_and_hold_the_job_after_five() -> None:
    job, waits = again_and_again(Outcome.INFRASTRUCTURE)
    assert INFRASTRUCTURE_CAP == 5
    assert (job.state, job.attempt, job.counted) == (State.HELD, 5, 0)
    assert job.reason == "the farm failed it 5 times: why"
    assert waits == [INFRASTRUCTURE_BACK_OFF.seconds(n) for n in range(1, 5)]


def test_a_fresh_upload_is_waited_for_until_its_hour_is_over() -> None:
    job, waits = again_and_again(Outcome.UPSTREAM, replace(NEW, uploaded=NOW))
    assert (job.state, job.outcome) == (State.DONE, Outcome.FAILED)
    assert waits[:3] == [UPSTREAM_BACK_OFF.seconds(n) for n in (1, 2, 3)]
    assert 3600 <= sum(waits) <= 3600 + UPSTREAM_BACK_OFF.longest
    assert (job.count(Outcome.FAILED), job.counted) == (1, 1)


@pytest.mark.parametrize(
    "uploaded", [None, NOW - timedelta(hours=1, seconds=1), NOW + timedelta(hours=2)]
)
def test_what_is_missing_long_after_the_upload_is_a_failure(uploaded: datetime | None) -> None:
    job = ended(Outcome.UPSTREAM, replace(NEW, uploaded=uploaded))
    assert (job.state, job.outcome) == (State.DONE, Outcome.FAILED)


def test_a_job_that_waits_is_not_leased_before_its_time() -> None:
    waiting = ended(Outcome.INFRASTRUCTURE)
    assert waiting.not_before == NOW + timedelta(seconds=1)
    assert isinstance(step(waiting, LEASE, NOW)[1][0], Refuse)
    assert leased(waiting, NOW + timedelta(seconds=1)).not_before is None


def test_a_job_that_was_refused_goes_to_another_builder() -> None:
    job = ended(Outcome.REFUSED)
    assert (job.state, job.counted) == (State.READY, 0)
    assert step(job, LEASE, NOW)[1] == (Refuse(reason="yard-1 refused it before"),)
    assert step(job, Leased(builder="yard-2", seconds=60), NOW)[0].state is State.LEASED


def test_a_back_off_grows_up_to_its_longest() -> None:
    back_off = BackOff(first=2, factor=3, longest=50)
    assert [back_off.seconds(n) for n in range(6)] == [2, 2, 6, 18, 50, 50]
    assert back_off.seconds(10**9) == 50
