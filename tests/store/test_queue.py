"""What every Queue promises, in memory, in SQLite and in PostgreSQL."""

from dataclasses import replace
from datetime import timedelta

import pytest

from store.conftest import Stores
from store.queueing import choose, keys, submit, terms, waiting
from store.things import built, ended, held, offer
from wheelyard.farm_ports import PoolDepth, QueuedJob
from wheelyard.jobs.job import State
from wheelyard.jobs.selection import Selection
from wheelyard.model.job import BuildKey, Outcome
from wheelyard.model.recipe import Recipe
from wheelyard.model.release import project_name
from wheelyard.model.request import RequestId
from wheelyard.ports import Lease

pytestmark = pytest.mark.anyio


async def test_a_submitted_job_waits_and_is_leased_with_all_that_was_said(stores: Stores) -> None:
    said = terms(needs={"os": "linux", "python": ("cp311", "cp312"), "memory_gb": ">=8"})
    recipe = Recipe(environment={"CC": "gcc"}, config_settings={"a": ("b", "c")}, imports=())
    whole = replace(offer(), recipe=recipe, upstream_files=("six.py",))
    job = await stores.queue.submit(whole, said)
    assert (job.state, job.fence, job.changed) == (State.READY, 0, stores.clock.now())
    assert await stores.queue.queued(job.key) == QueuedJob(job=job, offer=whole, terms=said)
    ((queued, lease),) = await choose(stores)
    expires = stores.clock.now() + timedelta(seconds=60)
    assert lease == Lease(key=BuildKey("k1"), fence=1, attempt=1, expires=expires)
    assert (queued.offer, queued.terms) == (whole, said)
    assert queued.job == await stores.jobs.job(job.key)
    assert (queued.job.holder, queued.job.lease_expires) == ("arm-1", expires)
    assert list(await stores.queue.leased()) == [(queued, lease)]
    (attempt,) = await stores.jobs.attempts(key=job.key)
    assert (attempt.number, attempt.builder, attempt.report) == (1, "arm-1", None)
    assert await choose(stores) == []


async def test_an_unknown_job_was_not_submitted(stores: Stores) -> None:
    assert await stores.queue.queued(BuildKey("k1")) is None
    assert list(await stores.queue.requests_of(BuildKey("k1"))) == []
    assert not await stores.queue.hand_back(BuildKey("k1"), 1, "no room")
    assert await stores.queue.expire_of("arm-1") == []
    assert list(await stores.queue.open_pools()) == []
    assert await stores.queue.wake() is None


async def test_a_job_that_nobody_submitted_is_nobodys_to_choose(stores: Stores) -> None:
    lease = await stores.jobs.lease(offer("k1"), "yard-1", seconds=60)
    assert lease is not None
    await stores.jobs.release_owner("yard-1")
    assert await stores.queue.queued(BuildKey("k1")) is None
    assert await choose(stores) == []
    await submit(stores)
    assert keys(await choose(stores)) == ["k1"]


async def test_the_smallest_rank_is_the_first_and_of_equals_the_oldest(stores: Stores) -> None:
    await submit(stores, "c", rank=5)
    await submit(stores, "b", rank=5)
    stores.clock.advance(1)
    await submit(stores, "a", rank=5)
    await submit(stores, "first", rank=-(1 << 60))
    await submit(stores, "last", rank=1 << 60)
    order = ["first", "b", "c", "a", "last"]
    assert await waiting(stores) == order
    assert await waiting(stores, limit=2) == order[:2]
    assert keys(await choose(stores, count=2)) == order[:2]
    assert keys(await choose(stores, count=10)) == order[2:]


async def test_owners_come_in_their_order_and_nobody_else(stores: Stores) -> None:
    await submit(stores, "a1", rank=1)
    await submit(stores, "b1", rank=2, owner="bob")
    await submit(stores, "b2", rank=3, owner="bob")
    await submit(stores, "c1", rank=0, owner="cy")
    assert keys(await choose(stores, owners=["bob", "ada", "bob"])) == ["b1", "b2", "a1"]
    assert keys(await choose(stores, owners=[])) == []
    assert await waiting(stores) == ["c1"]


async def test_jobs_of_several_pools_are_in_one_order(stores: Stores) -> None:
    for number, pool in enumerate(["x", "y", "z", "y", "x"]):
        await submit(stores, f"k{number}", pool=pool, needs={"label": pool}, rank=number)
    assert keys(await choose(stores, pools={"y": (), "x": ()}, count=3)) == ["k0", "k1", "k3"]
    assert keys(await choose(stores, pools={})) == []
    assert await waiting(stores, "z") == ["k2"]


async def test_no_more_than_the_count_are_leased(stores: Stores) -> None:
    for number in range(20):
        await submit(stores, f"k{number:02}")
    assert await choose(stores, count=0) == []
    assert keys(await choose(stores, count=3)) == ["k00", "k01", "k02"]
    assert len(await choose(stores, count=30)) == 17


async def test_a_builder_does_not_get_what_it_refused(stores: Stores) -> None:
    for number in range(30):
        await submit(stores, f"k{number:02}")
    for queued, lease in await choose(stores, count=29):
        await stores.jobs.finish(queued.job.key, lease.fence, ended(Outcome.REFUSED))
    # All those that it refused come first, and only one that it may have after them.
    assert keys(await choose(stores, count=1)) == ["k29"]
    assert len(await choose(stores, "arm-2", count=30)) == 29


async def test_a_refusal_is_forgotten_for_the_one_builder_that_is_another_now(
    stores: Stores,
) -> None:
    job = await submit(stores)
    await submit(stores, "k2")
    for builder in ("arm-1", "arm-2"):
        ((_, lease),) = await choose(stores, builder, count=1)
        await stores.jobs.finish(lease.key, lease.fence, ended(Outcome.REFUSED))
    assert await stores.queue.forget_refusals("arm-1") == ["k1"]
    assert await stores.queue.forget_refusals("arm-1") == []
    after = await stores.jobs.job(job.key)
    assert after is not None
    assert (after.state, after.refused_by) == (State.READY, ("arm-2",))
    assert keys(await choose(stores, "arm-2")) == ["k2"]
    assert keys(await choose(stores, "arm-1")) == ["k1"]


async def test_a_job_that_its_builder_lost_goes_to_another_while_there_is_one(
    stores: Stores,
) -> None:
    await submit(stores)
    await choose(stores, "arm-1")
    assert await stores.queue.expire_of("arm-1") == ["k1"]
    assert await choose(stores, "arm-1", pools={"os=linux": {"arm-1", "arm-2"}}) == []
    ((queued, lease),) = await choose(stores, "arm-2", pools={"os=linux": {"arm-1"}})
    assert (lease.fence, queued.job.lost_by) == (2, ("arm-1",))
    await stores.jobs.finish(queued.job.key, lease.fence, ended(Outcome.REFUSED))
    # The other one refused it: nobody is left but who lost it.
    assert keys(await choose(stores, "arm-1", pools={"os=linux": {"arm-2"}})) == ["k1"]


async def test_lost_leases_count_and_after_some_a_person_must_look(stores: Stores) -> None:
    await submit(stores)
    for builder in ("arm-1", "arm-2", "arm-3"):
        assert keys(await choose(stores, builder)) == ["k1"]
        assert await stores.queue.expire_of(builder) == ["k1"]
        assert await stores.queue.expire_of(builder) == []
    job = await stores.jobs.job(BuildKey("k1"))
    assert job is not None
    assert (job.state, job.outcome) == (State.HELD, Outcome.LOST)
    report = await stores.jobs.last_report(job.key)
    assert report is not None
    assert (report.outcome, report.reason) == (
        Outcome.LOST,
        "arm-3 was not heard of any more",
    )
    assert await choose(stores, "arm-4") == []


async def test_a_late_report_of_a_lost_lease_changes_nothing(stores: Stores) -> None:
    await submit(stores)
    ((_, lease),) = await choose(stores)
    await stores.queue.expire_of("arm-1")
    assert not await stores.jobs.finish(lease.key, lease.fence, built())
    assert await stores.artifacts.by_key(lease.key) is None
    assert await waiting(stores) == ["k1"]


async def test_a_lease_that_is_handed_back_does_not_count(stores: Stores) -> None:
    await submit(stores)
    ((_, lease),) = await choose(stores)
    assert not await stores.queue.hand_back(lease.key, lease.fence + 1, "no room")
    assert await stores.queue.hand_back(lease.key, lease.fence, "no room")
    (attempt, *_) = await stores.jobs.find_attempts(Selection(keys=(lease.key,)))
    assert attempt.report is not None
    assert attempt.report.reason == "no room"
    assert not await stores.queue.hand_back(lease.key, lease.fence, "no room")
    ((queued, again),) = await choose(stores)
    assert (again.fence, queued.job.counts, queued.job.lost_by) == (2, (), ())


async def test_leases_are_prolonged_together_and_the_lost_ones_are_named(stores: Stores) -> None:
    for key in ("a", "b", "c"):
        await submit(stores, key)
    leases = [(lease.key, lease.fence) for _, lease in await choose(stores)]
    await stores.queue.hand_back(*leases[0], "no room")
    stores.clock.advance(30)
    lost = await stores.queue.renew_all([*leases, (BuildKey("d"), 1)], seconds=60)
    assert list(lost) == [leases[0], (BuildKey("d"), 1)]
    for _, lease in await stores.queue.leased():
        assert lease.expires == stores.clock.now() + timedelta(seconds=60)
    assert list(await stores.queue.renew_all([], seconds=60)) == []


async def test_the_wall_clock_takes_no_lease_of_the_queue(stores: Stores) -> None:
    """Not an hour without a coordinator, nor a clock that jumps."""
    await submit(stores)
    ((_, lease),) = await choose(stores)
    stores.clock.advance(3600)
    assert await choose(stores, "arm-2") == []
    assert await stores.jobs.finish(lease.key, lease.fence, built())


async def test_who_wants_what_is_wanted_already_joins(stores: Stores) -> None:
    await submit(stores, rank=5)
    stores.clock.advance(1)
    newest = terms(
        owner="bob",
        pool="big",
        needs={"memory_gb": ">=32"},
        rank=7,
        request=RequestId("r2"),
        context=b"newest",
    )
    newer = replace(offer(), source_date_epoch=1)
    await stores.queue.submit(newer, newest)
    await stores.queue.submit(newer, newest)
    assert list(await stores.queue.requests_of(BuildKey("k1"))) == ["r1", "r2"]
    queued = await stores.queue.queued(BuildKey("k1"))
    assert queued is not None
    assert queued.offer == newer
    assert queued.terms == replace(newest, owner="ada", rank=5, request=RequestId("r1"))
    assert [depth.pool for depth in await stores.queue.open_pools()] == ["big"]
    assert await waiting(stores) == []
    await submit(stores, pool="big", needs={"memory_gb": ">=32"}, rank=3)
    queued = await stores.queue.queued(BuildKey("k1"))
    assert queued is not None
    assert queued.terms.rank == 3


async def test_a_job_that_runs_is_joined_as_it_is(stores: Stores) -> None:
    await submit(stores)
    ((leased, _),) = await choose(stores)
    job = await submit(stores, request=RequestId("r2"), rank=1, pool="other")
    assert job == leased.job
    queued = await stores.queue.queued(job.key)
    assert queued is not None
    assert queued.terms == leased.terms
    assert list(await stores.queue.requests_of(job.key)) == ["r1", "r2"]


@pytest.mark.parametrize("outcome", [Outcome.FAILED, Outcome.TIMED_OUT, Outcome.CANCELLED])
async def test_what_ended_without_a_result_is_opened_again_as_the_newest_wants_it(
    stores: Stores, outcome: Outcome
) -> None:
    await submit(stores, rank=1)
    ((_, lease),) = await choose(stores)
    await stores.jobs.finish(lease.key, lease.fence, ended(outcome))
    assert await waiting(stores) == []
    stores.clock.advance(5)
    newest = terms(owner="bob", rank=9, request=RequestId("r2"), context=b"")
    job = await stores.queue.submit(offer(), newest)
    assert (job.state, job.counts) == (State.READY, ())
    ((queued, again),) = await choose(stores, owners=["bob"])
    assert (queued.terms, again.fence) == (newest, 2)


async def test_what_is_built_stays_built_and_what_is_held_waits_for_its_person(
    stores: Stores,
) -> None:
    for key, report in (("built", built()), ("held", held()), ("more", ended(Outcome.NEEDS))):
        await submit(stores, key)
        ((_, lease),) = await choose(stores)
        assert await stores.jobs.finish(lease.key, lease.fence, report)
        before = await stores.jobs.job(lease.key)
        stores.clock.advance(1)
        assert await submit(stores, key, request=RequestId("r2")) == before
        assert list(await stores.queue.requests_of(lease.key)) == ["r1", "r2"]
    assert await waiting(stores) == []


async def test_a_retried_job_waits_in_its_old_place(stores: Stores) -> None:
    await submit(stores, "a", rank=1)
    await submit(stores, "b", rank=2)
    ((_, lease),) = await choose(stores, count=1)
    await stores.jobs.finish(lease.key, lease.fence, ended(Outcome.FAILED))
    await stores.jobs.retry(Selection(outcome=Outcome.FAILED))
    assert await waiting(stores) == ["a", "b"]


async def test_a_job_that_waits_for_its_time_is_woken_then(stores: Stores) -> None:
    await submit(stores, "a")
    ((_, lease),) = await choose(stores)
    await stores.jobs.finish(lease.key, lease.fence, ended(Outcome.INFRASTRUCTURE))
    await submit(stores, "b", rank=99)
    assert await stores.queue.wake() == stores.clock.now() + timedelta(seconds=1)
    assert await waiting(stores) == ["b", "a"]
    assert keys(await choose(stores)) == ["b"]
    stores.clock.advance(1)
    assert await stores.queue.wake() is None
    ((queued, _),) = await choose(stores)
    assert (queued.job.key, queued.job.attempt) == ("a", 2)


async def test_a_cancelled_or_held_job_is_not_chosen(stores: Stores) -> None:
    await submit(stores, "a")
    await submit(stores, "b")
    await stores.jobs.cancel(BuildKey("a"))
    await stores.jobs.hold(BuildKey("b"), "look")
    assert await choose(stores) == []
    assert list(await stores.queue.open_pools()) == []


async def test_pools_say_how_much_waits_and_runs_and_whose_it_is(stores: Stores) -> None:
    await submit(stores, "a1")
    await submit(stores, "a2")
    await submit(stores, "b1", owner="bob")
    await submit(stores, "w1", pool="os=windows", needs={"os": "windows"}, owner="cy")
    ((_, lease),) = await choose(stores, owners=["bob"])
    linux = PoolDepth(pool="os=linux", needs={"os": "linux"}, waiting=2, running=1, owners=("ada",))
    windows = PoolDepth(
        pool="os=windows", needs={"os": "windows"}, waiting=1, running=0, owners=("cy",)
    )
    assert list(await stores.queue.open_pools()) == [linux, windows]
    assert await stores.jobs.finish(lease.key, lease.fence, built())
    assert list(await stores.queue.open_pools()) == [replace(linux, running=0), windows]
    await stores.jobs.cancel(BuildKey("w1"))
    assert [depth.pool for depth in await stores.queue.open_pools()] == ["os=linux"]


async def test_depths_stay_true_however_often_jobs_come_and_go(stores: Stores) -> None:
    """So often that what is kept of them is drawn together on the way."""
    for number in range(60):
        await submit(stores, f"k{number}", owner=f"o{number % 3}")
    owners = ("o0", "o1", "o2")
    for _ in range(3):
        for _ in range(4):
            leases = await choose(stores, count=40, owners=owners)
            (depth,) = await stores.queue.open_pools()
            assert (depth.waiting, depth.running, depth.owners) == (20, 40, ("o2",))
            for _, lease in leases:
                assert await stores.queue.hand_back(lease.key, lease.fence, "no room")
        (depth,) = await stores.queue.open_pools()
        assert (depth.waiting, depth.running, depth.owners) == (60, 0, owners)


async def test_raising_a_project_moves_its_waiting_jobs_and_no_others(stores: Stores) -> None:
    await submit(stores, "six1", rank=50)
    await submit(stores, "six2", rank=60)
    await submit(stores, "rich", "rich==1.0", rank=40)
    await submit(stores, "running", rank=1)
    assert keys(await choose(stores, count=1)) == ["running"]
    changed = stores.clock.now()
    stores.clock.advance(1)
    moved = await stores.queue.rank_again(Selection(project=project_name("six")), by=-20)
    assert moved == 2
    assert await waiting(stores) == ["six1", "rich", "six2"]
    queued = await stores.queue.queued(BuildKey("six2"))
    assert queued is not None
    assert (queued.terms.rank, queued.job.changed) == (40, changed)
    assert await stores.queue.rank_again(Selection(keys=(BuildKey("none"),)), by=1) == 0
    assert await stores.queue.rank_again(Selection(), by=1) == 3


async def test_several_builders_hold_several_leases(stores: Stores) -> None:
    for key in ("a", "b", "c"):
        await submit(stores, key)
    assert keys(await choose(stores, "arm-1", count=2)) == ["a", "b"]
    assert keys(await choose(stores, "arm-2", count=2)) == ["c"]
    assert keys(await stores.queue.leased()) == ["a", "b", "c"]
    assert list(await stores.queue.expire_of("arm-1")) == ["a", "b"]
    assert await waiting(stores) == ["a", "b"]
