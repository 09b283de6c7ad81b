"""Builders that die, fall silent or are shut out. The numbers are rows of the list of faults."""

from dataclasses import replace

from coordinator.machines import QUICK, Machines
from coordinator.one_job import BASE, begun, only_job, result_of
from coordinator.waiting import scenario, turn, until_quiet
from wheelyard.farm_ports import Role, Token
from wheelyard.jobs.builder_life import Revoked
from wheelyard.jobs.job import State
from wheelyard.model.job import Outcome
from wheelyard.model.request import RequestState


def test_1_job_of_a_killed_builder_runs_elsewhere_and_is_recorded_as_lost() -> None:
    async def work() -> None:
        farm = Machines(BASE)
        async with farm.led() as coordinator:
            one, request = await begun(farm, coordinator)
            await one.end()
            two = await farm.builder("two")
            assert (await farm.end_of(request)).state is RequestState.DONE
        assert two.built == ["base"]
        job = only_job(farm)
        assert job.counts == ((Outcome.BUILT, 1), (Outcome.LOST, 1))
        assert await farm.happenings("builder.lost") == ["one"]
        await farm.close()

    scenario(work)


def test_3_and_5_who_was_silent_too_long_is_told_to_stop_and_changes_nothing() -> None:
    async def work() -> None:
        farm = Machines(BASE)
        async with farm.led() as coordinator:
            one, request = await begun(farm, coordinator)
            late = result_of(one)
            await one.cut()
            two = await farm.builder("two", manual=True)
            await until_quiet(lambda: bool(two.running))
            one.begin()
            await until_quiet(lambda: one.killed == ["base"])
            await one.say(late)
            await until_quiet(lambda: bool(one.settled))
            assert not one.settled[0].accepted
            assert only_job(farm).state is State.LEASED
            await two.release("base")
            assert (await farm.end_of(request)).state is RequestState.DONE
        assert only_job(farm).builder == "two"
        await farm.close()

    scenario(work)


def test_4_silence_shorter_than_the_lease_changes_nothing() -> None:
    async def work() -> None:
        farm = Machines(BASE, replace(QUICK, lease=30.0))
        async with farm.led() as coordinator:
            one, request = await begun(farm, coordinator)
            await one.cut()
            for _ in range(20):
                await turn()
            one.begin()
            await one.release("base")
            assert (await farm.end_of(request)).state is RequestState.DONE
        assert only_job(farm).attempt == 1
        await farm.close()

    scenario(work)


def test_19_a_cancelled_job_is_killed_and_its_late_result_changes_nothing() -> None:
    async def work() -> None:
        farm = Machines(BASE)
        async with farm.led() as coordinator:
            one, request = await begun(farm, coordinator)
            late = result_of(one)
            key = only_job(farm).key
            assert await coordinator.cancel(key, actor="ann", reason="a mistake")
            assert not await coordinator.cancel(key, actor="ann", reason="a mistake")
            end = await farm.end_of(request)
            assert "cancelled: a mistake" in end.reason
            await until_quiet(lambda: one.killed == ["base"])
            await one.say(late)
            await until_quiet(lambda: bool(one.settled))
        assert not one.settled[0].accepted
        assert only_job(farm).state is State.CANCELLED
        await farm.close()

    scenario(work)


def test_20_a_revoked_builder_is_shut_out_and_its_job_runs_elsewhere() -> None:
    async def work() -> None:
        farm = Machines(BASE)
        async with farm.led() as coordinator:
            one, request = await begun(farm, coordinator)
            token = Token(
                id="t1",
                secret_digest="",
                role=Role.BUILDER,
                subject="one",
                created=farm.clock.now(),
            )
            await farm.tokens.add(token)
            await coordinator.tell_builder("one", Revoked(reason="sold"), actor="ann")
            two = await farm.builder("two")
            assert (await farm.end_of(request)).state is RequestState.DONE
            await one.announce()
            await turn()
            assert "one" not in coordinator._roster.present()
        kept = await farm.tokens.get("t1")
        assert kept is not None
        assert kept.revoked
        assert two.built == ["base"]
        assert only_job(farm).counts == ((Outcome.BUILT, 1),)
        await farm.close()

    scenario(work)
