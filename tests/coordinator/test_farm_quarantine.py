"""What a builder fails that is broken itself. The numbers are rows of the list of faults."""

from dataclasses import replace

from coordinator.asked import wheels
from coordinator.machines import QUICK, Machines
from coordinator.waiting import scenario, turn, until_quiet
from plan.world import Package
from wheelyard.model.builder import Builder
from wheelyard.model.job import Outcome, Report
from wheelyard.model.request import RequestState


def test_15_failures_of_a_broken_builder_are_nobodys_but_its_own() -> None:
    async def work() -> None:
        farm = Machines({name: Package() for name in "abcdefghij"}, replace(QUICK, doubt=30.0))
        async with farm.led() as coordinator:
            broken = await farm.builder("broken", slots=2)
            broken.everything = lambda _: Report(outcome=Outcome.FAILED, reason="cc is gone")
            good = await farm.builder("good", manual=True)
            await until_quiet(lambda: len(coordinator._roster.present()) == 2)
            request = await coordinator.submit(wheels(*"abcdefghij"))
            await until_quiet(lambda: coordinator.undertaking(request.id) is not None)
            undertaking = coordinator.undertaking(request.id)
            while (await farm.happenings("builder.alarm")) != ["broken"]:
                await turn()
            # Nobody heard of any failure, so nothing had to be thought over.
            assert undertaking is coordinator.undertaking(request.id)
            assert undertaking is not None
            assert len(undertaking.keys()) == 10
            good.manual = False
            for project in good.projects():
                await good.release(project)
            assert (await farm.end_of(request)).state is RequestState.DONE
        assert sorted(good.built) == sorted("abcdefghij")
        assert {job.outcome for job in farm.jobs.ledger.jobs.values()} == {Outcome.BUILT}
        assert len(await farm.happenings("job.doubted")) >= 5
        await farm.close()

    scenario(work)


def test_15_failures_that_come_at_once_all_count_and_are_all_doubted() -> None:
    async def work() -> None:
        names = "abcdef"
        farm = Machines({name: Package() for name in names}, replace(QUICK, doubt=30.0))
        read = farm.builders.get

        async def slowly(name: str) -> Builder | None:
            found = await read(name)
            await turn()
            return found

        farm.builders.get = slowly  # type: ignore[method-assign]
        async with farm.led() as coordinator:
            broken = await farm.builder("broken", slots=6, manual=True)
            broken.everything = lambda _: Report(outcome=Outcome.FAILED, reason="cc is gone")
            request = await coordinator.submit(wheels(*names))
            await until_quiet(lambda: len(broken.running) == 6)
            good = await farm.builder("good", slots=6)
            for name in names:
                await broken.release(name)
            assert (await farm.end_of(request)).state is RequestState.DONE
        assert sorted(good.built) == sorted(names)
        assert await farm.happenings("builder.alarm") == ["broken"]
        assert len(await farm.happenings("job.doubted")) == 6
        await farm.close()

    scenario(work)


def test_15_a_builder_in_quarantine_returns_when_a_probe_passes() -> None:
    async def work() -> None:
        farm = Machines({name: Package() for name in "abcdefgh"})
        async with farm.led() as coordinator:
            one = await farm.builder("one")
            one.everything = lambda _: Report(outcome=Outcome.INFRASTRUCTURE, reason="no disk")
            request = await coordinator.submit(wheels(*"abcdefgh"))
            while (await farm.happenings("builder.alarm")) != ["one"]:
                await turn()
            got = len(one.order)
            for _ in range(10):
                await turn()
            assert len(one.order) == got
            one.everything = None
            coordinator._roster.now += 61
            for held in coordinator._roster.held():
                held.vouched += 61
            await one.announce()
            while [mode.value for mode in one.modes][-1] != "active":
                # Never a whole lease at once: then the builder would be silent, and its probe lost.
                coordinator._roster.now += 20
                for held in coordinator._roster.held():
                    held.vouched += 20
                await one.announce()
                await turn()
            farm.clock.advance(600)
            assert (await farm.end_of(request)).state is RequestState.DONE
        await farm.close()

    scenario(work)


def test_15_what_fails_elsewhere_too_clears_the_builder() -> None:
    async def work() -> None:
        farm = Machines({name: Package() for name in "abcdefg"}, replace(QUICK, doubt=30.0))

        async with farm.led() as coordinator:
            one = await farm.builder("one", slots=2)
            two = await farm.builder("two", manual=True)
            await until_quiet(lambda: len(coordinator._roster.present()) == 2)
            for machine in (one, two):
                machine.everything = lambda _: Report(outcome=Outcome.FAILED, reason="bad code")
            request = await coordinator.submit(wheels(*"abcdefg"))
            while (await farm.happenings("builder.alarm")) != ["one"]:
                await turn()
            two.everything = lambda offer: Report(outcome=Outcome.FAILED, reason="bad code")
            two.manual = False
            for project in two.projects():
                await two.release(project)
            await until_quiet(lambda: [m.value for m in one.modes] == ["quarantined", "active"])
            await coordinator.cancel_request(request.id, actor="ann")
        await farm.close()

    scenario(work)


def test_15_what_fails_on_a_builder_in_quarantine_says_nothing_and_runs_elsewhere() -> None:
    async def work() -> None:
        farm = Machines({name: Package() for name in "abcdef"})
        async with farm.led() as coordinator:
            broken = await farm.builder("broken", slots=6, manual=True)
            broken.everything = lambda offer: Report(
                outcome=Outcome.FAILED if offer.release.project == "f" else Outcome.INFRASTRUCTURE,
                reason="no disk",
            )
            request = await coordinator.submit(wheels(*"abcdef"))
            await until_quiet(lambda: len(broken.running) == 6)
            for name in "abcde":
                await broken.release(name)
            while (await farm.happenings("builder.alarm")) != ["broken"]:
                await turn()
            await broken.release("f")
            await farm.builder("good")
            farm.clock.advance(600)
            assert (await farm.end_of(request)).state is RequestState.DONE
        job = next(j for j in farm.jobs.ledger.jobs.values() if j.release.project == "f")
        assert job.counts == ((Outcome.BUILT, 1), (Outcome.REFUSED, 1))
        await farm.close()

    scenario(work)
