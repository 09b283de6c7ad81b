"""A request's life on a farm: taken, joined, built, told, answered at once, cancelled, resumed."""

from collections.abc import Sequence

import pytest

from coordinator.asked import wheels
from coordinator.machines import X86, Machines
from coordinator.waiting import scenario, turn, until_quiet
from plan.world import Package
from wheelyard.coordinator.farm.coordinator import Coordinator
from wheelyard.errors import ConfigurationError, NotifyError, StoreError
from wheelyard.jobs.job import State
from wheelyard.jobs.selection import Selection
from wheelyard.model.job import BuildKey, Outcome, Report
from wheelyard.model.request import Request, RequestState

TREE = {"base": Package(), "top": Package(build=("base",), run=("leaf",)), "leaf": Package()}
MAIL = "mailto:ann@example.org"


def keys_of(coordinator: Coordinator, request: Request) -> Sequence[BuildKey]:
    undertaking = coordinator.undertaking(request.id)
    return undertaking.keys() if undertaking is not None else ()


def test_a_tree_is_built_by_two_builders_and_published() -> None:
    async def work() -> None:
        farm = Machines(TREE)
        async with farm.led() as coordinator:
            await farm.builder("one")
            await farm.builder("two")
            request = await coordinator.submit(wheels("top", notify=(MAIL,)))
            end = await farm.end_of(request)
            assert (end.state, end.reason) == (RequestState.DONE, "3 wheels are there")
            await until_quiet(lambda: bool(farm.letters.sent))
        assert [to for to, _, _ in farm.letters.sent] == [MAIL]
        assert await farm.local.artifacts.projects() == ["base", "leaf", "top"]
        await farm.close()

    scenario(work)


def test_the_same_asked_by_somebody_else_joins_and_both_are_told_once() -> None:
    async def work() -> None:
        farm = Machines({"base": Package()})
        async with farm.led() as coordinator:
            one = await farm.builder("one", manual=True)
            first = await coordinator.submit(wheels("base", notify=(MAIL,)))
            await until_quiet(lambda: bool(one.running))
            second = await coordinator.submit(
                wheels("base", owner="bob", notify=("mailto:bob@example.org", MAIL))
            )
            assert second.id == first.id
            await one.release("base")
            await farm.end_of(first)
            await until_quiet(lambda: len(farm.letters.sent) >= 2)
        assert sorted(to for to, _, _ in farm.letters.sent) == [MAIL, "mailto:bob@example.org"]
        assert one.built == ["base"]
        await farm.close()

    scenario(work)


def test_different_requests_share_the_jobs_that_both_need() -> None:
    async def work() -> None:
        farm = Machines(
            {"base": Package(), "a": Package(build=("base",)), "b": Package(run=("base",))}
        )
        async with farm.led() as coordinator:
            one = await farm.builder("one", slots=2)
            ends = [await coordinator.submit(wheels(name)) for name in ("a", "b")]
            assert {(await farm.end_of(end)).state for end in ends} == {RequestState.DONE}
        assert sorted(one.built) == ["a", "b", "base"]
        await farm.close()

    scenario(work)


def test_after_success_the_same_is_answered_at_once_without_a_builder() -> None:
    async def work() -> None:
        farm = Machines(TREE)
        async with farm.led() as coordinator:
            one = await farm.builder("one")
            await farm.end_of(await coordinator.submit(wheels("top")))
            await one.end()
            again = await coordinator.submit(wheels("top"))
            end = await farm.end_of(again)
            assert (end.state, end.reason) == (RequestState.DONE, "2 wheels are there")
        await farm.close()

    scenario(work)


def test_after_a_failure_a_new_request_tries_again() -> None:
    async def work() -> None:
        farm = Machines({"base": Package()})
        async with farm.led() as coordinator:
            one = await farm.builder("one")
            one.script["base"] = [Report(outcome=Outcome.FAILED, reason="Python.h not found")]
            end = await farm.end_of(await coordinator.submit(wheels("base")))
            assert end.state is RequestState.FAILED
            assert "Python.h not found" in end.reason
            end = await farm.end_of(await coordinator.submit(wheels("base")))
            assert end.state is RequestState.DONE
        await farm.close()

    scenario(work)


def test_a_job_that_a_person_holds_waits_with_its_requests_until_it_is_let_go() -> None:
    async def work() -> None:
        farm = Machines({"base": Package(), "other": Package()})
        async with farm.led() as coordinator:
            first = await coordinator.submit(wheels("base"))
            await until_quiet(lambda: bool(keys_of(coordinator, first)))
            (key,) = keys_of(coordinator, first)
            assert await coordinator.hold(key, actor="ann", reason="wait for me")
            second = await coordinator.submit(wheels("base", "other", owner="bob"))
            one = await farm.builder("one")
            await until_quiet(lambda: one.built == ["other"])
            said = "is held: wait for me; 'wheelyard job retry --project base' lets it go on"
            for request in (first, second):
                (waits,) = await coordinator.waits(request.id)
                assert waits.endswith(said)
            await coordinator.retry(Selection(keys=(key,)), actor="ann")
            for request in (first, second):
                assert (await farm.end_of(request)).state is RequestState.DONE
            assert one.built == ["other", "base"]
        await farm.close()

    scenario(work)


def test_a_failure_names_the_root_cause_before_what_waits_for_it() -> None:
    async def work() -> None:
        farm = Machines(TREE)
        async with farm.led() as coordinator:
            one = await farm.builder("one")
            one.script["base"] = [Report(outcome=Outcome.FAILED, reason="no Rust compiler")]
            end = await farm.end_of(await coordinator.submit(wheels("top", notify=(MAIL,))))
            assert end.state is RequestState.FAILED
            assert end.reason.endswith(
                "base==1.0 for cp311-manylinux_2_28_x86_64: failed: no Rust compiler"
            )
            await until_quiet(lambda: bool(farm.letters.sent))
        _, subject, body = farm.letters.sent[0]
        assert subject == "top for cp311-manylinux_2_28_x86_64: failed"
        assert "top==1.0 for cp311-manylinux_2_28_x86_64: blocked" in body
        await farm.close()

    scenario(work)


def test_nobody_connected_leaves_it_queued_and_a_builder_that_joins_gets_it() -> None:
    async def work() -> None:
        farm = Machines({"base": Package()})
        async with farm.led() as coordinator:
            request = await coordinator.submit(wheels("base"))
            await until_quiet(lambda: bool(farm.jobs.ledger.jobs))
            key = next(iter(farm.jobs.ledger.jobs))
            assert (await coordinator.why(key)).startswith("no builder is enrolled; it needs ")
            await farm.builder("late")
            assert (await farm.end_of(request)).state is RequestState.DONE
        await farm.close()

    scenario(work)


def test_what_nobody_can_build_says_what_is_lacking_and_runs_when_somebody_can() -> None:
    async def work() -> None:
        farm = Machines({"base": Package()})
        async with farm.led() as coordinator:
            one = await farm.builder("one")
            request = await coordinator.submit(wheels("base", needs={"foo": 3}))
            await until_quiet(lambda: bool(farm.jobs.ledger.jobs))
            key = next(iter(farm.jobs.ledger.jobs))
            await until_quiet(lambda: one.name in coordinator._roster.present())
            assert await coordinator.why(key) == (
                "no builder has foo=3; the nearest builder, one, lacks foo"
            )
            await farm.builder("able", facts={**X86, "foo": 3})
            assert (await farm.end_of(request)).state is RequestState.DONE
            assert one.built == []
        await farm.close()

    scenario(work)


def test_a_cancelled_request_ends_its_builds_but_not_those_that_others_want() -> None:
    async def work() -> None:
        farm = Machines({"mine": Package(), "shared": Package()})
        async with farm.led() as coordinator:
            one = await farm.builder("one", slots=2, manual=True)
            both = await coordinator.submit(wheels("mine", "shared", notify=(MAIL,)))
            await until_quiet(lambda: one.projects() == {"mine", "shared"})
            other = await coordinator.submit(wheels("shared"))
            key = next(
                key for key, job in farm.jobs.ledger.jobs.items() if job.release.project == "shared"
            )
            while other.id not in await farm.queue.requests_of(key):
                await turn()
            assert await coordinator.cancel_request(both.id, actor="ann")
            assert not await coordinator.cancel_request(both.id, actor="ann")
            await until_quiet(lambda: one.killed == ["mine"])
            await one.release("shared")
            assert (await farm.end_of(other)).state is RequestState.DONE
            assert (await farm.end_of(both)).state is RequestState.CANCELLED
            await until_quiet(lambda: bool(farm.letters.sent))
        assert one.killed == ["mine"]
        assert len(farm.letters.sent) == 1
        await farm.close()

    scenario(work)


def test_a_restarted_coordinator_resumes_open_requests_and_its_builds_run_on() -> None:
    async def work() -> None:
        farm = Machines(TREE)
        one = await farm.builder("one", manual=True)
        async with farm.led() as coordinator:
            request = await coordinator.submit(wheels("top"))
            await until_quiet(lambda: one.projects() == {"base"} or one.projects() == {"leaf"})
        running = next(iter(one.projects()))
        await one.release(running)
        await until_quiet(lambda: one.built == [running])
        async with farm.led():
            for name in ({"base", "leaf"} - {running}).pop(), "top":
                await until_quiet(lambda name=name: one.projects() == {name})  # type: ignore[misc]
                await one.release(name)
            assert (await farm.end_of(request)).state is RequestState.DONE
        assert sorted(one.built) == ["base", "leaf", "top"]
        assert one.killed == []
        assert len(await farm.happenings("job.ended")) == 3
        await farm.close()

    scenario(work)


def test_a_failure_that_was_heard_before_a_restart_is_not_tried_again_after_it() -> None:
    async def work() -> None:
        farm = Machines({"bad": Package(), "slow": Package()})
        one = await farm.builder("one", slots=2, manual=True)
        one.script["bad"] = [Report(outcome=Outcome.FAILED, reason="no Rust compiler")]
        async with farm.led() as coordinator:
            request = await coordinator.submit(wheels("bad", "slow"))
            await until_quiet(lambda: one.projects() == {"bad", "slow"})
            farm.clock.advance(1)
            await one.release("bad")
            await until_quiet(
                lambda: any(j.state is State.DONE for j in farm.jobs.ledger.jobs.values())
            )
        async with farm.led():
            await one.release("slow")
            end = await farm.end_of(request)
        assert end.state is RequestState.FAILED
        assert sorted(one.built) == ["bad", "slow"]
        await farm.close()

    scenario(work)


def test_a_letter_that_cannot_be_sent_is_tried_again_later_and_then_told_once() -> None:
    async def work() -> None:
        farm = Machines({"base": Package()})
        farm.letters.failures = [NotifyError("the server is away")]
        async with farm.led() as coordinator:
            await farm.builder("one")
            await farm.end_of(await coordinator.submit(wheels("base", notify=(MAIL,))))
            await until_quiet(lambda: not farm.letters.failures)
            assert farm.letters.sent == []
            while not farm.letters.sent:
                farm.clock.advance(31)
                await turn()
        assert len(farm.letters.sent) == 1
        assert len(await farm.happenings("notice.failed")) == 1
        await farm.close()

    scenario(work)


def test_a_request_that_cannot_be_read_is_refused_at_once() -> None:
    async def work() -> None:
        farm = Machines({})
        coordinator = farm.coordinator()
        asked = wheels("base")
        with pytest.raises(ConfigurationError, match="cannot be read"):
            await coordinator.submit(type(asked)(asked=b"{"))
        with pytest.raises(ConfigurationError, match="names no targets"):
            await coordinator.submit(type(asked)(asked=b'{"requirements": ["a"], "targets": []}'))

    scenario(work)


def test_an_outage_of_the_database_only_makes_a_request_wait() -> None:
    async def work() -> None:
        farm = Machines({"base": Package()})
        submit, outages = farm.queue.submit, [StoreError("away"), StoreError("away")]

        async def flaky(*arguments: object) -> object:
            if outages:
                raise outages.pop()
            return await submit(*arguments)  # type: ignore[arg-type]

        farm.queue.submit = flaky  # type: ignore[method-assign, assignment]
        async with farm.led() as coordinator:
            await farm.builder("one")
            request = await coordinator.submit(wheels("base"))
            assert (await farm.end_of(request)).state is RequestState.DONE
        assert outages == []
        await farm.close()

    scenario(work)


def test_wheels_for_no_python_in_particular_are_refused() -> None:
    async def work() -> None:
        farm = Machines(TREE)
        async with farm.led() as coordinator:
            with pytest.raises(ConfigurationError, match="names no Python"):
                await coordinator.submit(wheels("top", pythons=("py3",)))
        await farm.close()

    scenario(work)
