"""Jobs into a queue, and out of it again."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from store.conftest import Stores
from store.things import offer
from wheelyard.farm_ports import QueuedJob, Terms
from wheelyard.jobs.job import Job
from wheelyard.model.request import RequestId
from wheelyard.ports import Lease

LINUX: Mapping[str, Collection[str]] = {"os=linux": ()}


def terms(**changes: object) -> Terms:
    usual = Terms(
        owner="ada",
        pool="os=linux",
        needs={"os": "linux"},
        rank=10,
        request=RequestId("r1"),
        context=b"\x00context",
    )
    return replace(usual, **changes)  # type: ignore[arg-type] # the tests name real fields


async def submit(
    stores: Stores, key: str = "k1", release: str = "six==1.17.0", **changes: object
) -> Job:
    return await stores.queue.submit(offer(key, release), terms(**changes))


async def choose(
    stores: Stores,
    builder: str = "arm-1",
    *,
    count: int = 10,
    pools: Mapping[str, Collection[str]] = LINUX,
    owners: Sequence[str] = ("ada",),
) -> Sequence[tuple[QueuedJob, Lease]]:
    return await stores.queue.lease_next(pools, builder, owners=owners, count=count, seconds=60)


def keys(chosen: Sequence[tuple[QueuedJob, Lease]]) -> list[str]:
    return [queued.job.key for queued, _ in chosen]


async def waiting(stores: Stores, pool: str = "os=linux", limit: int = 100) -> list[str]:
    found: list[str] = [one.job.key for one in await stores.queue.waiting(pool, limit=limit)]
    assert found == list(await stores.queue.order(pool, limit=limit))
    return found
