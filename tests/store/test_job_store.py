"""What every JobStore promises, in memory, in SQLite and in PostgreSQL."""

from dataclasses import replace
from datetime import timedelta

import pytest

from store.conftest import Stores
from store.things import TARGET, built, digest_of, ended, held, offer, wheel
from wheelyard.jobs.job import State
from wheelyard.jobs.selection import Selection
from wheelyard.model.job import BuildKey, Outcome
from wheelyard.model.release import Release, project_name
from wheelyard.ports import JobStore, Lease
from wheelyard.targets.target import Target

pytestmark = pytest.mark.anyio

K1 = BuildKey("k1")
OTHER_TARGET = Target.parse("cp311-manylinux_2_28_x86_64")


async def take(stores: Stores, key: str = "k1", release: str = "six==1.17.0") -> Lease:
    lease = await stores.jobs.lease(offer(key, release), "yard-1", seconds=60)
    assert lease is not None
    return lease


async def end(
    stores: Stores, outcome: Outcome, key: str = "k1", release: str = "six==1.17.0", **more: str
) -> None:
    lease = await take(stores, key, release)
    assert await stores.jobs.finish(lease.key, lease.fence, ended(outcome, **more))


async def test_it_is_what_the_port_asks_for(stores: Stores) -> None:
    store: JobStore = stores.jobs
    assert await store.attempts() == []


async def test_finishing_says_how_the_job_stands_then(stores: Stores) -> None:
    lease = await take(stores)
    assert await stores.jobs.finish(K1, lease.fence + 1, built()) is None
    finished = await stores.jobs.finish(K1, lease.fence, built())
    assert finished is not None
    assert finished.state is State.DONE
    assert finished == await stores.jobs.job(K1)


async def test_a_new_job_is_leased_and_says_who_has_it(stores: Stores) -> None:
    lease = await take(stores)
    expires = stores.clock.now() + timedelta(seconds=60)
    assert lease == Lease(key=K1, fence=1, attempt=1, expires=expires)
    job = await stores.jobs.job(K1)
    assert job is not None
    assert (job.state, job.holder, job.lease_expires) == (State.LEASED, "yard-1", expires)
    assert (job.release, job.target) == (Release.parse("six==1.17.0"), TARGET)
    assert await stores.jobs.holders() == {"yard-1"}


async def test_of_two_builders_that_want_one_job_one_gets_it(stores: Stores) -> None:
    await take(stores)
    assert await stores.jobs.lease(offer(), "yard-2", seconds=60) is None


async def test_an_unknown_job_has_no_lease_to_lose(stores: Stores) -> None:
    assert await stores.jobs.job(K1) is None
    assert not await stores.jobs.renew(K1, 1, seconds=60)
    assert not await stores.jobs.finish(K1, 1, built())
    assert await stores.jobs.last_report(K1) is None


async def test_a_lease_that_is_over_goes_to_the_next_with_a_higher_fence(stores: Stores) -> None:
    first = await take(stores)
    stores.clock.advance(60)
    second = await stores.jobs.lease(offer(), "yard-2", seconds=60)
    assert second is not None
    assert (second.fence, second.attempt) == (2, 2)
    assert not await stores.jobs.finish(K1, first.fence, built())
    assert not await stores.jobs.renew(K1, first.fence, seconds=60)
    assert await stores.jobs.finish(K1, second.fence, ended(Outcome.FAILED))
    newest, oldest = await stores.jobs.attempts(key=K1)
    assert oldest.report is not None
    assert newest.report is not None
    assert (oldest.report.outcome, newest.report.outcome) == (Outcome.LOST, Outcome.FAILED)


async def test_a_renewed_lease_is_not_over(stores: Stores) -> None:
    lease = await take(stores)
    stores.clock.advance(50)
    assert await stores.jobs.renew(K1, lease.fence, seconds=60)
    stores.clock.advance(50)
    assert await stores.jobs.expire() == 0
    assert await stores.jobs.lease(offer(), "yard-2", seconds=60) is None


async def test_leases_that_are_over_are_taken_back(stores: Stores) -> None:
    await take(stores)
    stores.clock.advance(61)
    assert await stores.jobs.expire() == 1
    assert await stores.jobs.expire() == 0
    job = await stores.jobs.job(K1)
    assert job is not None
    assert (job.state, job.lost_by) == (State.READY, ("yard-1",))


async def test_a_built_job_is_done_with_its_wheel_and_report(stores: Stores) -> None:
    lease = await take(stores)
    stores.clock.advance(2.5)
    assert await stores.jobs.finish(K1, lease.fence, built())
    job = await stores.jobs.job(K1)
    assert job is not None
    assert (job.state, job.outcome, job.artifact) == (State.DONE, Outcome.BUILT, wheel().digest)
    assert await stores.jobs.last_report(K1) == built()
    (attempt,) = await stores.jobs.attempts(key=K1)
    assert (attempt.number, attempt.builder, attempt.report) == (1, "yard-1", built())
    assert attempt.finished is not None
    assert attempt.finished - attempt.started == timedelta(seconds=2.5)
    kept = await stores.artifacts.by_key(K1)
    assert kept == replace(wheel(), build_key="k1", target=TARGET, created=stores.clock.now())
    assert await stores.jobs.lease(offer(), "yard-2", seconds=60) is None


async def test_an_attempt_that_runs_has_no_end_and_no_report(stores: Stores) -> None:
    await take(stores)
    (attempt,) = await stores.jobs.attempts()
    assert (attempt.finished, attempt.report) == (None, None)
    assert await stores.jobs.last_report(K1) is None


async def test_a_report_that_is_delivered_twice_counts_once(stores: Stores) -> None:
    lease = await take(stores)
    assert await stores.jobs.finish(K1, lease.fence, ended(Outcome.FAILED))
    once = await stores.jobs.job(K1)
    assert await stores.jobs.finish(K1, lease.fence, ended(Outcome.FAILED))
    assert await stores.jobs.job(K1) == once
    assert len(await stores.jobs.attempts()) == 1
    assert not await stores.jobs.finish(K1, lease.fence, built())
    assert await stores.artifacts.by_key(K1) is None


async def test_a_job_waits_for_its_time(stores: Stores) -> None:
    await end(stores, Outcome.INFRASTRUCTURE)
    assert await stores.jobs.lease(offer(), "yard-1", seconds=60) is None
    stores.clock.advance(1)
    assert (await take(stores)).attempt == 2


async def test_a_success_without_a_file_is_kept_as_our_own_fault(stores: Stores) -> None:
    lease = await take(stores)
    assert await stores.jobs.finish(K1, lease.fence, replace(built(), artifact=None))
    report = await stores.jobs.last_report(K1)
    assert report is not None
    assert report.outcome is Outcome.INFRASTRUCTURE
    assert "without a wheel" in report.reason
    assert report.log_digest == digest_of("log")


async def test_the_leases_of_a_builder_that_is_gone_are_given_back(stores: Stores) -> None:
    await take(stores, "k1")
    await take(stores, "k2")
    assert await stores.jobs.lease(offer("k3"), "yard-2", seconds=60) is not None
    assert await stores.jobs.release_owner("yard-1") == 2
    assert await stores.jobs.release_owner("yard-1") == 0
    assert await stores.jobs.holders() == {"yard-2"}
    lease = await take(stores, "k1")
    assert (lease.fence, lease.attempt) == (2, 2)
    job = await stores.jobs.job(K1)
    assert job is not None
    assert job.counts == ()


async def test_counts_and_refusals_survive(stores: Stores) -> None:
    await end(stores, Outcome.REFUSED)
    assert await stores.jobs.lease(offer(), "yard-1", seconds=60) is None
    lease = await stores.jobs.lease(offer(), "yard-2", seconds=60)
    assert lease is not None
    await stores.jobs.finish(K1, lease.fence, ended(Outcome.RESOURCES))
    job = await stores.jobs.job(K1)
    assert job is not None
    assert (job.refused_by, job.size) == (("yard-1",), 1)
    assert dict(job.counts) == {Outcome.REFUSED: 1, Outcome.RESOURCES: 1}


async def test_a_held_wheel_counts_only_when_it_is_approved(stores: Stores) -> None:
    lease = await take(stores)
    assert await stores.jobs.finish(K1, lease.fence, held())
    job = await stores.jobs.job(K1)
    assert job is not None
    assert (job.state, job.reason) == (State.HELD, "no C in it")
    assert await stores.artifacts.by_key(K1) is None
    assert await stores.jobs.approve(K1)
    assert not await stores.jobs.approve(K1)
    assert await stores.artifacts.by_key(K1) is not None


async def test_a_cancelled_job_discards_what_comes_late(stores: Stores) -> None:
    lease = await take(stores)
    assert await stores.jobs.cancel(K1, "not wanted")
    assert not await stores.jobs.cancel(K1)
    assert not await stores.jobs.finish(K1, lease.fence, built())
    assert await stores.artifacts.by_key(K1) is None
    (attempt,) = await stores.jobs.attempts()
    assert attempt.report is not None
    assert attempt.report.outcome is Outcome.CANCELLED


async def test_a_held_job_is_not_leased(stores: Stores) -> None:
    await end(stores, Outcome.INFRASTRUCTURE)
    assert await stores.jobs.hold(K1, "look at it")
    stores.clock.advance(999)
    assert await stores.jobs.lease(offer(), "yard-2", seconds=60) is None
    assert not await stores.jobs.hold(BuildKey("unknown"), "look")


async def test_what_did_not_end_well_is_retried_and_nothing_else(stores: Stores) -> None:
    lease = await take(stores, "good")
    await stores.jobs.finish(lease.key, lease.fence, built())
    await end(stores, Outcome.FAILED, "bad")
    await end(stores, Outcome.TIMED_OUT, "slow")
    await end(stores, Outcome.NEEDS, "more")
    await take(stores, "busy")
    preview = await stores.jobs.retry(Selection(), preview=True)
    assert [job.key for job in preview] == ["bad", "slow"]
    assert await stores.jobs.lease(offer("bad"), "yard-1", seconds=60) is None
    assert await stores.jobs.retry(Selection(outcome=Outcome.TIMED_OUT)) == preview[1:]
    assert (await take(stores, "slow")).fence == 2
    assert await stores.jobs.lease(offer("bad"), "yard-1", seconds=60) is None


async def test_a_wheel_whose_bytes_are_gone_is_built_again(stores: Stores) -> None:
    lease = await take(stores)
    await stores.jobs.finish(K1, lease.fence, built())
    kept = await stores.artifacts.by_key(K1)
    assert kept is not None
    await stores.artifacts.publish(kept)
    assert await stores.jobs.artifact_lost(kept.digest) == (K1,)
    assert await stores.jobs.artifact_lost(kept.digest) == ()
    assert await stores.artifacts.by_key(K1) is None
    assert list(await stores.artifacts.projects()) == []
    again = await take(stores)
    assert await stores.jobs.finish(K1, again.fence, built(wheel(text="other")))
    rebuilt = await stores.artifacts.by_key(K1)
    assert rebuilt is not None
    assert (await stores.artifacts.publish(rebuilt)).digest == digest_of("other")


async def test_the_same_bytes_may_be_built_again_after_they_were_lost(stores: Stores) -> None:
    for _ in range(2):
        lease = await take(stores)
        assert await stores.jobs.finish(K1, lease.fence, built())
        assert await stores.artifacts.by_key(K1) is not None
        assert await stores.jobs.artifact_lost(wheel().digest) == (K1,)


@pytest.mark.parametrize(
    ("selection", "keys"),
    [
        (Selection(), ["c", "b", "a"]),
        (Selection(project=project_name("Six")), ["a"]),
        (Selection(target=TARGET), ["b", "a"]),
        (Selection(outcome=Outcome.FAILED), ["c", "a"]),
        (Selection(reason="PYTHON.H"), ["c", "a"]),
        (Selection(reason="%"), ["b"]),
        (Selection(reason="o_s"), []),
        (Selection(builder="yard-2"), ["c"]),
        (Selection(keys=(BuildKey("a"), BuildKey("b"))), ["b", "a"]),
        (Selection(keys=(BuildKey("a"),), outcome=Outcome.OVER_LIMIT), []),
    ],
)
async def test_jobs_and_attempts_are_found_by_what_is_known_of_them(
    stores: Stores, selection: Selection, keys: list[str]
) -> None:
    await end(stores, Outcome.FAILED, "a", reason="Python.h not found")
    stores.clock.advance(10)
    await end(stores, Outcome.OVER_LIMIT, "b", "attrs==1.0", reason="100 % of the log")
    stores.clock.advance(10)
    last = offer("c", "attrs==1.0", OTHER_TARGET)
    lease = await stores.jobs.lease(last, "yard-2", seconds=60)
    assert lease is not None
    await stores.jobs.finish(last.key, lease.fence, ended(Outcome.FAILED, "no Python.h"))
    assert [job.key for job in await stores.jobs.jobs(selection)] == keys
    assert [found.key for found in await stores.jobs.find_attempts(selection)] == keys
    assert [found.key for found in await stores.jobs.jobs(selection, limit=1)] == keys[:1]
    recent = replace(selection, since=stores.clock.now() - timedelta(seconds=10))
    expected = [key for key in keys if key != "a"]
    assert [job.key for job in await stores.jobs.jobs(recent)] == expected
    assert [found.key for found in await stores.jobs.find_attempts(recent)] == expected


async def test_jobs_are_found_by_their_state(stores: Stores) -> None:
    await end(stores, Outcome.FAILED, "a")
    await take(stores, "b")
    assert [job.key for job in await stores.jobs.jobs(Selection(state=State.LEASED))] == ["b"]


async def test_attempts_are_listed_newest_first_and_called_by_a_short_name(stores: Stores) -> None:
    await end(stores, Outcome.FAILED, "a", "six==1.17.0")
    await end(stores, Outcome.FAILED, "b", "attrs==1.0")
    both = await stores.jobs.attempts()
    assert [attempt.id for attempt in both] == [2, 1]
    assert await stores.jobs.attempts(limit=1) == both[:1]
    assert await stores.jobs.attempts(project=project_name("six")) == both[1:]
    assert await stores.jobs.attempt("a1") == both[1]
    assert await stores.jobs.attempt("2") == both[0]


@pytest.mark.parametrize("name", ["a3", "0", "", "a", "b1", "-1", "1 OR 1", "²", "9" * 40])
async def test_a_name_that_no_attempt_has_finds_none(stores: Stores, name: str) -> None:
    await end(stores, Outcome.FAILED)
    assert await stores.jobs.attempt(name) is None


async def test_a_job_is_found_by_the_beginning_of_its_key(stores: Stores) -> None:
    for key in ("ab1", "ab2", "ac", "b%"):
        await take(stores, key)
    assert await stores.jobs.keys("ab") == ["ab1", "ab2"]
    assert await stores.jobs.keys("a", limit=2) == ["ab1", "ab2"]
    assert await stores.jobs.keys("%") == []
    assert await stores.jobs.keys("ab12") == []


async def test_durations_are_the_median_of_what_was_built(stores: Stores) -> None:
    for number, seconds in enumerate([4.0, 1.0, 2.0, 100.0]):
        lease = await take(stores, f"k{number}")
        await stores.jobs.finish(lease.key, lease.fence, built(seconds=seconds))
    lease = await take(stores, "attrs", "attrs==1.0")
    await stores.jobs.finish(lease.key, lease.fence, built(seconds=7))
    lease = await take(stores, "failed", "rich==1.0")
    failed = replace(ended(Outcome.FAILED), wall_seconds=9)
    await stores.jobs.finish(lease.key, lease.fence, failed)
    names = [project_name(name) for name in ("six", "attrs", "rich", "unknown")]
    assert await stores.jobs.durations(names) == {"six": 3.0, "attrs": 7.0}
    assert await stores.jobs.durations(names[1:2]) == {"attrs": 7.0}
    assert await stores.jobs.durations([]) == {}
