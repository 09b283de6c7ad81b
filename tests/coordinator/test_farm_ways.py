"""Requests for machines that no builder is: who takes their jobs, and what happens when somebody joins who can."""

from coordinator.asked import wheels
from coordinator.machines import X86, Machines
from coordinator.waiting import scenario, until_quiet
from plan.world import Package
from wheelyard.jobs.job import State
from wheelyard.model.reach import Reach
from wheelyard.model.request import RequestState
from wheelyard.model.way import WayKind

ARM = "cp311-linux_aarch64"
REACH = Reach(
    platform="aarch64",
    architecture="aarch64",
    build="manylinux_2_36_x86_64",
    pythons=("3.11",),
    compilers="GNU compilers for aarch64-linux-gnu",
)
REACHING = {**X86, "platform": ("aarch64",)}


def test_a_job_for_another_machine_goes_to_the_builder_that_has_the_platform() -> None:
    async def work() -> None:
        farm = Machines({"base": Package(tags=f"cp311-{ARM}")})
        async with farm.led() as coordinator:
            plain = await farm.builder("plain")
            able = await farm.builder("able", facts=REACHING, begin=False, manual=True)
            able.reaches = (REACH,)
            able.begin()
            await until_quiet(lambda: len(coordinator._roster.present()) == 2)
            request = await coordinator.submit(wheels("base", pythons=(ARM,)))
            await until_quiet(lambda: bool(able.running))
            why = await coordinator.why(next(iter(able.running)))
            assert why.startswith("is built on able")
            assert why.endswith(
                "; its way: cross, with GNU compilers for aarch64-linux-gnu, as no builder is aarch64"
            )
            await able.release("base")
            assert (await farm.end_of(request)).state is RequestState.DONE
            assert able.built == ["base"]
            assert plain.built == []
        await farm.close()

    scenario(work)


def test_a_request_that_nobody_could_carry_out_is_planned_anew_when_somebody_joins_who_can() -> (
    None
):
    async def work() -> None:
        farm = Machines({"base": Package(tags=f"cp311-{ARM}")})
        async with farm.led() as coordinator:
            await farm.builder("plain")
            await until_quiet(lambda: bool(coordinator._roster.present()))
            request = await coordinator.submit(wheels("base", pythons=(ARM,)))
            await until_quiet(lambda: len(farm.jobs.ledger.jobs) == 1)
            (first,) = farm.jobs.ledger.jobs
            assert "no builder has arch=aarch64" in await coordinator.why(first)
            able = await farm.builder("able", facts=REACHING, begin=False)
            able.reaches = (REACH,)
            able.begin()
            assert (await farm.end_of(request)).state is RequestState.DONE
            assert able.built == ["base"]
            states = {key: job.state for key, job in farm.jobs.ledger.jobs.items()}
            assert states.pop(first) is State.CANCELLED
            ((second, state),) = states.items()
            assert state is State.DONE
            queued = await farm.queue.queued(second)
            assert queued is None or queued.offer.way.kind is WayKind.CROSS
        await farm.close()

    scenario(work)
