"""Bus, database, disk and clock fail the farm. The numbers are rows of the list of faults."""

from dataclasses import replace

import pytest

from coordinator.asked import wheels
from coordinator.machines import QUICK, Machines
from coordinator.one_job import BASE, begun, only_job
from coordinator.waiting import scenario, turn, until_quiet
from plan.world import Package
from wheelyard.errors import BusError, StoreError
from wheelyard.jobs.job import Job
from wheelyard.model.job import Outcome
from wheelyard.model.request import RequestState


def test_9_outages_of_bus_and_database_lose_nothing() -> None:
    async def work() -> None:
        farm = Machines({name: Package() for name in "abcd"})
        order, finish, outages = farm.bus.order, farm.jobs.finish, [2, 2]

        async def flaky_order(builder: str, content: bytes, *, name: str) -> None:
            if outages[0]:
                outages[0] -= 1
                raise BusError("the bus is away")
            await order(builder, content, name=name)

        async def flaky_finish(*arguments: object) -> Job | None:
            if outages[1]:
                outages[1] -= 1
                raise StoreError("the database is away")
            return await finish(*arguments)  # type: ignore[arg-type]

        farm.bus.order = flaky_order  # type: ignore[method-assign]
        farm.jobs.finish = flaky_finish  # type: ignore[method-assign, assignment]
        async with farm.led() as coordinator:
            await farm.builder("one", slots=2)
            request = await coordinator.submit(wheels("a", "b", "c", "d"))
            assert (await farm.end_of(request)).state is RequestState.DONE
        assert outages == [0, 0]
        assert {job.counts for job in farm.jobs.ledger.jobs.values()} == {((Outcome.BUILT, 1),)}
        await farm.close()

    scenario(work)


def test_9_time_without_a_bus_is_no_silence_of_builders() -> None:
    async def work() -> None:
        farm = Machines(BASE, replace(QUICK, lease=0.05))
        async with farm.led() as coordinator:
            one, request = await begun(farm, coordinator)
            farm.reachable = False
            await one.cut()
            before = coordinator._roster.now
            for _ in range(60):
                await turn()
            assert coordinator._roster.now - before <= 0.05
            one.begin()
            await one.announce()
            farm.reachable = True
            await one.release("base")
            assert (await farm.end_of(request)).state is RequestState.DONE
        assert only_job(farm).attempt == 1
        await farm.close()

    scenario(work)


@pytest.mark.parametrize("hours", [1, -1])
def test_20_a_clock_that_jumps_lets_no_lease_expire(hours: int) -> None:
    async def work() -> None:
        farm = Machines(BASE)
        async with farm.led() as coordinator:
            one, request = await begun(farm, coordinator)
            farm.clock.advance(hours * 3600)
            for _ in range(50):
                await turn()
            await one.release("base")
            assert (await farm.end_of(request)).state is RequestState.DONE
        assert (only_job(farm).attempt, one.killed) == (1, [])
        await farm.close()

    scenario(work)


def test_20_with_a_full_disk_nothing_is_given_out_until_there_is_room() -> None:
    async def work() -> None:
        farm = Machines(BASE)
        farm.room = False
        async with farm.led() as coordinator:
            one = await farm.builder("one")
            request = await coordinator.submit(wheels("base"))
            await until_quiet(lambda: bool(farm.jobs.ledger.jobs))
            for _ in range(20):
                await turn()
            assert one.order == []
            assert "room on the farm's own disk" in await coordinator.why(only_job(farm).key)
            farm.room = True
            assert (await farm.end_of(request)).state is RequestState.DONE
        await farm.close()

    scenario(work)
