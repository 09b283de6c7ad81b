"""The life of a job, event by event."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from wheelyard.jobs.commands import (
    Acknowledge,
    Discard,
    Grant,
    Hold,
    Prolong,
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
    Finished,
    Held,
    Leased,
    LeaseExpired,
    OwnerGone,
    Renewed,
    Retried,
)
from wheelyard.jobs.job import Job, State
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
from wheelyard.model.job import BuildKey, Outcome
from wheelyard.model.release import Release
from wheelyard.targets.target import Target

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
DAY = 86400.0
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


def test_a_job_says_when_it_changed_and_only_then() -> None:
    later = NOW + timedelta(minutes=1)
    job = leased()
    assert job.changed == NOW
    assert step(job, LEASE, later)[0].changed == NOW
    assert step(job, Renewed(fence=1, seconds=60), later)[0].changed == later


def test_a_back_off_grows_up_to_its_longest() -> None:
    back_off = BackOff(first=2, factor=3, longest=50)
    assert [back_off.seconds(n) for n in range(6)] == [2, 2, 6, 18, 50, 50]
    assert back_off.seconds(10**9) == 50
