"""A builder keeps its lease while it works, and stops when it is lost."""

import asyncio

import pytest

from coordinator.farm import ScriptedExecutor
from plan.world import Package, World
from wheelyard.builder.worker import Worker
from wheelyard.errors import StoreError
from wheelyard.model.job import BuildKey, Offer, Outcome, Report
from wheelyard.model.release import Release
from wheelyard.model.source import Source, SourceKind
from wheelyard.ports import Lease
from wheelyard.targets.target import Target
from wheelyard.testing.jobs import MemoryJobStore


class ForgetfulStore(MemoryJobStore):
    """Answers to a renewal what the script says, and nothing once that is over."""

    def __init__(self, *answers: bool | Exception) -> None:
        super().__init__()
        self.answers = list(answers)
        self.exhausted = asyncio.Event()

    async def renew(self, key: BuildKey, fence: int, *, seconds: float) -> bool:
        if not self.answers:
            self.exhausted.set()
            await asyncio.Event().wait()
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def offered() -> Offer:
    source = Source(kind=SourceKind.SDIST, location="base-1.0.tar.gz", digest="sha256:base")
    return Offer(
        key=BuildKey("key"),
        release=Release.parse("base==1.0"),
        source=source,
        target=Target.parse("cp311-manylinux_2_28_x86_64"),
        requirements=(),
    )


async def taken(worker: Worker, offer: Offer) -> Lease:
    lease = await worker.take(offer)
    assert lease is not None
    return lease


def test_lost_lease_ends_the_build() -> None:
    async def scenario() -> tuple[Report, list[str]]:
        executor = ScriptedExecutor(World({"base": Package()}), manual=True)
        store = ForgetfulStore(True, False)
        worker = Worker(name="one", jobs=store, executor=executor, renew_seconds=0)
        lease = await taken(worker, offered())
        report = await worker.run(offered(), lease, lambda _: None)
        return report, executor.killed

    report, killed = asyncio.run(scenario())

    assert report.outcome is Outcome.LOST
    assert killed == ["base"]


def test_store_that_does_not_answer_for_a_while_ends_no_build() -> None:
    async def scenario() -> Report:
        executor = ScriptedExecutor(World({"base": Package()}), manual=True)
        store = ForgetfulStore(StoreError("locked"), StoreError("locked"), True)
        worker = Worker(name="one", jobs=store, executor=executor, renew_seconds=0)
        lease = await taken(worker, offered())
        work = asyncio.create_task(worker.run(offered(), lease, lambda _: None))
        await store.exhausted.wait()
        await executor.release("base")
        return await work

    assert asyncio.run(scenario()).outcome is Outcome.BUILT


def test_builder_that_is_stopped_leaves_no_build_behind() -> None:
    async def scenario() -> list[str]:
        executor = ScriptedExecutor(World({"base": Package()}), manual=True)
        worker = Worker(name="one", jobs=MemoryJobStore(), executor=executor)
        lease = await taken(worker, offered())
        work = asyncio.create_task(worker.run(offered(), lease, lambda _: None))
        await executor.until("base")
        work.cancel()
        with pytest.raises(asyncio.CancelledError):
            await work
        assert asyncio.all_tasks() == {asyncio.current_task()}
        return executor.killed

    assert asyncio.run(scenario()) == ["base"]
