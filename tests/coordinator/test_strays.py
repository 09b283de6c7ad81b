"""A lease that was taken and that nobody heard of is taken back, and its job runs."""

import asyncio
from collections.abc import Collection, Mapping, Sequence

from coordinator.asked import wheels
from coordinator.machines import Machines
from coordinator.waiting import scenario
from plan.world import Package
from wheelyard.errors import StoreError
from wheelyard.farm_ports import QueuedJob
from wheelyard.model.job import Outcome
from wheelyard.model.request import RequestState
from wheelyard.ports import Lease
from wheelyard.testing.queue import MemoryQueue


class CutOffQueue(MemoryQueue):
    """A queue whose first answer never comes, though what was asked is done: the database went away."""

    cut_off = False

    async def lease_next(
        self,
        pools: Mapping[str, Collection[str]],
        builder: str,
        *,
        owners: Sequence[str],
        count: int,
        seconds: float,
    ) -> Sequence[tuple[QueuedJob, Lease]]:
        leased = await super().lease_next(
            pools, builder, owners=owners, count=count, seconds=seconds
        )
        if leased and not self.cut_off:
            self.cut_off = True
            raise StoreError("the database is away", hint="Wait.")
        return leased


def test_a_lease_of_which_its_leader_never_heard_is_taken_back() -> None:
    async def work() -> None:
        farm = Machines({"base": Package()})
        farm.queue = CutOffQueue(farm.jobs)
        async with farm.led() as coordinator:
            one = await farm.builder("one")
            request = await coordinator.submit(wheels("base"))
            async with asyncio.timeout(10):
                assert (await farm.end_of(request)).state is RequestState.DONE
        assert farm.queue.cut_off
        assert one.built == ["base"]
        (job,) = farm.jobs.ledger.jobs.values()
        assert (job.fence, job.counts) == (2, ((Outcome.BUILT, 1),))
        await farm.close()

    scenario(work)
