"""How a builder leaves, rests, and comes back to what it had."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from builder.world import LONG, World
from wheelyard.builder.health import Thresholds
from wheelyard.builder.spool import Kept
from wheelyard.bus_ports import LogPiece
from wheelyard.depot_ports import Ticket
from wheelyard.errors import BusError, DigestMismatchError
from wheelyard.model.builder import Mode
from wheelyard.model.job import Outcome, outputs_of
from wheelyard.protocol.messages import Result, Returned, SetMode

pytestmark = pytest.mark.anyio
SHORT = "import time; time.sleep(0.5)"


async def test_asked_to_leave_it_finishes_delivers_and_takes_nothing_new(world: World) -> None:
    async with world.builder() as agent:
        first = await world.farm.assign(world.offer(SHORT))
        await world.farm.step("build")
        agent.leave("it was sent SIGTERM")
        await world.farm.until(lambda: not world.farm.presences[-1].accepting)
        assert "SIGTERM" in world.farm.presences[-1].why
        second = await world.farm.assign(world.offer("1", name="other"))
        await world.ended()

    returned, result = sorted(world.farm.words, key=lambda word: type(word).__name__, reverse=True)
    assert isinstance(returned, Returned)
    assert returned.key == second.key
    assert isinstance(result, Result)
    assert result.key == first.key
    assert result.report.outcome is Outcome.BUILT
    assert len(world.depot.uploads) == 3
    assert world.farm.presences[-1].running == ()


async def test_asked_twice_it_kills_and_gives_back_at_once(world: World) -> None:
    async with world.builder() as agent:
        offer = await world.farm.assign(world.offer(LONG))
        await world.farm.step("build")
        agent.leave("it was sent SIGTERM")
        agent.leave("it was sent SIGTERM")
        await world.ended()

    assert world.farm.words == [
        Returned(builder="arm-1", key=offer.key, fence=1, reason="it was sent SIGTERM")
    ]
    assert world.depot.uploads == []


async def test_a_drained_builder_finishes_and_leaves(world: World) -> None:
    async with world.builder():
        await world.farm.assign(world.offer(SHORT))
        await world.farm.step("build")
        await world.farm.order(SetMode(mode=Mode.DRAINING))
        await world.ended()
    assert [type(word) for word in world.farm.words] == [Result]


async def test_a_paused_builder_keeps_what_it_runs_and_comes_back(world: World) -> None:
    async with world.builder():
        await world.farm.assign(world.offer(SHORT))
        await world.farm.step("build")
        await world.farm.order(SetMode(mode=Mode.PAUSED))
        await world.farm.until(lambda: world.farm.presences[-1].why == "it is paused")
        assert world.farm.presences[-1].free == 0
        assert (await world.farm.result()).outcome is Outcome.BUILT
        await world.farm.order(SetMode(mode=Mode.ACTIVE))
        await world.farm.until(lambda: world.farm.presences[-1].free == 1)


async def test_a_builder_for_one_job_leaves_after_it(world: World) -> None:
    world.settings = replace(world.settings, once=True)
    async with world.builder():
        await world.farm.assign(world.offer())
        await world.ended()
    assert [type(word) for word in world.farm.words] == [Result]
    assert await world.spool.all() == []


async def test_a_builder_takes_nothing_while_its_machine_is_unwell(world: World) -> None:
    world.machine.reading = replace(world.machine.reading, free_memory_bytes=100 << 20)
    async with world.builder():
        sick = await world.farm.until(
            lambda: [one for one in world.farm.presences if "memory" in one.why]
        )
        world.machine.reading = replace(world.machine.reading, free_memory_bytes=1 << 30)
        await world.farm.until(lambda: world.farm.presences[-1].accepting)

    assert (sick[0].accepting, sick[0].free, sick[0].health.well) == (False, 0, False)


async def test_what_comes_while_its_owner_works_is_given_back(world: World) -> None:
    world.thresholds = Thresholds(others_load=0.3)
    async with world.builder():
        await world.farm.until(lambda: world.farm.presences and world.farm.presences[-1].why)
        await world.farm.until(lambda: "owner" in world.farm.presences[-1].why)
        await world.farm.assign(world.offer())
        await world.farm.until(lambda: world.farm.words)
    (word,) = world.farm.words
    assert isinstance(word, Returned)
    assert "owner" in word.reason


async def kept_by_an_earlier_process(world: World) -> Kept:
    """Let one builder build, and leave its result unsettled."""
    world.farm.settles = False
    world.settings = replace(world.settings, goodbye_seconds=0.05)
    async with world.builder() as agent:
        await world.farm.assign(world.offer("print('hello')"))
        await world.farm.result()
        agent.leave()
        await world.ended()
    world.farm.words.clear()
    world.depot.uploads.clear()
    (kept,) = await world.spool.all()
    return kept


async def test_a_result_that_was_not_settled_is_delivered_again_after_a_restart(
    world: World,
) -> None:
    kept = await kept_by_an_earlier_process(world)
    world.farm.settles = True
    async with world.builder():
        assert await world.farm.result() == kept.report
        await world.farm.until(lambda: world.farm.presences[-1].running == ())
    assert [digest for digest, _ in world.depot.uploads] == list(outputs_of(kept.report))
    assert await world.spool.all() == []


async def test_a_log_that_was_cut_by_a_restart_is_told_again_to_its_end(world: World) -> None:
    kept = await kept_by_an_earlier_process(world)
    await world.spool.keep(replace(kept, log_told=False))
    pieces: list[LogPiece] = []

    class Ear:
        """A bus whose log goes to the test."""

        def __init__(self) -> None:
            self._bus = world.farm.bus.builder("arm-1")
            self.orders = self._bus.orders
            self.say = self._bus.say
            self.announce = self._bus.announce

        async def write_log(self, piece: LogPiece) -> None:
            pieces.append(piece)

        async def close(self) -> None:
            return

    async with world.builder(bus=Ear()):
        async with asyncio.timeout(10):
            while not (pieces and pieces[-1].end):
                await world.farm.until(lambda: len(world.farm.presences))
                await asyncio.sleep(0)
            while not (await world.spool.all())[0].log_told:
                await asyncio.sleep(0)
    told = b"".join(piece.content for piece in pieces)
    assert b"hello" in told
    assert len(told) == kept.report.log_bytes


async def test_a_result_of_another_version_is_put_aside(world: World) -> None:
    (world.folder / "spool").mkdir()
    path = world.folder / "spool" / f"{'0' * 32}-1.json"
    path.write_text('{"result": {"version": 99}, "token": "t"}')
    async with world.builder():
        await world.farm.assign(world.offer())
        await world.farm.result()
    assert path.with_suffix(".unreadable").exists()


async def test_a_bus_that_is_away_is_asked_again_and_nothing_is_lost(world: World) -> None:
    class Shaky:
        """A bus of which every other call fails."""

        def __init__(self) -> None:
            self._bus = world.farm.bus.builder("arm-1")
            self._calls = Counter[str]()

        def _shake(self, what: str) -> None:
            self._calls[what] += 1
            if self._calls[what] % 2:
                raise BusError("the bus is away", hint="Wait.")

        async def orders(self) -> AsyncIterator[object]:
            self._shake("orders")
            async for delivery in self._bus.orders():
                yield delivery

        async def say(self, content: bytes, *, name: str) -> None:
            self._shake("say")
            await self._bus.say(content, name=name)

        async def announce(self, content: bytes) -> None:
            self._shake("announce")
            await self._bus.announce(content)

        async def write_log(self, piece: LogPiece) -> None:
            self._shake("write_log")
            await self._bus.write_log(piece)

        async def close(self) -> None:
            await self._bus.close()

    offer = world.offer("print('hello ' * 40000)")
    following = asyncio.create_task(world.farm.follow(replace(offer, fence=1)))
    async with world.builder(bus=Shaky()):
        await world.farm.assign(offer)
        report = await world.farm.result()
        await following
    assert report.outcome is Outcome.BUILT
    assert len(world.farm.logs[f"{offer.key}.1"]) == report.log_bytes


async def test_bytes_that_are_refused_three_times_are_no_failure_of_the_package(
    world: World,
) -> None:
    class Refusing:
        """A depot whose farm gets other bytes than were announced."""

        fetch = world.depot.fetch

        async def upload(self, digest: str, path: object, ticket: Ticket) -> None:
            raise DigestMismatchError("refused 3 times", hint="Look at the disk.")

    async with world.builder(depot=Refusing()):
        await world.farm.assign(world.offer())
        report = await world.farm.result()
    assert report.outcome is Outcome.INFRASTRUCTURE
    assert "refused 3 times" in report.reason
    assert report.artifact is None
