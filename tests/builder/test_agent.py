"""What a builder does with orders, and what it says meanwhile."""

import asyncio
import gzip
import textwrap
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from builder.world import LONG, World
from wheelyard.depot_ports import Ticket
from wheelyard.errors import DeniedError
from wheelyard.model.builder import Facts, Mode
from wheelyard.model.job import Limits, Outcome
from wheelyard.protocol.messages import Result, Returned, SetMode
from wheelyard.targets.target import Target

pytestmark = pytest.mark.anyio


async def test_a_job_is_built_and_its_wheel_log_and_metadata_are_at_the_farm(world: World) -> None:
    async with world.builder():
        offer = await world.farm.assign(world.offer("print('hello from the build')"))
        report = await world.farm.result()

    assert report.outcome is Outcome.BUILT
    assert report.artifact is not None
    assert await world.blobs.read(report.artifact.metadata_digest)
    assert (await world.blobs.read(report.artifact.digest))[:2] == b"PK"
    assert b"hello from the build" in gzip.decompress(await world.blobs.read(report.log_digest))
    assert {t for _, t in world.depot.uploads} == {
        Ticket(key=offer.key, fence=1, token="job-token")
    }


async def test_a_settled_result_is_forgotten(world: World) -> None:
    async with world.builder():
        await world.farm.assign(world.offer())
        await world.farm.result()
        await world.farm.until(lambda: world.farm.presences[-1].running == ())
        assert await world.spool.all() == []


async def test_a_result_is_kept_and_its_lease_held_until_it_is_settled(world: World) -> None:
    world.farm.settles = False
    async with world.builder():
        await world.farm.assign(world.offer())
        await world.farm.result()
        await world.farm.until(lambda: world.farm.presences[-1].free == 1)
        (held,) = world.farm.presences[-1].running
        assert held.step == "deliver"
        assert len(await world.spool.all()) == 1
        word = world.farm.words[-1]
        assert isinstance(word, Result)

        await world.farm.settle(word, accepted=False)

        await world.farm.until(lambda: world.farm.presences[-1].running == ())
        assert await world.spool.all() == []


async def test_a_result_is_said_again_until_it_is_settled(world: World) -> None:
    world.farm.settles = False
    world.settings = replace(world.settings, again_seconds=0.05)
    async with world.builder():
        await world.farm.assign(world.offer())
        assert await world.farm.result(3) == await world.farm.result(1)


async def test_the_log_is_told_as_it_is_written_byte_for_byte(world: World) -> None:
    offer = world.offer(
        textwrap.dedent(
            """
            import sys, time
            print("one", flush=True)
            sys.stdout.buffer.write(b"\\xff\\x00half a line"); sys.stdout.flush()
            while time.monotonic() < LOADED_AT + 1: time.sleep(0.02)
            print("the end " * 50000, flush=True)
            """
        )
    )
    following = asyncio.create_task(world.farm.follow(replace(offer, fence=1)))
    async with world.builder():
        offer = await world.farm.assign(offer)
        await world.farm.line(offer, b"half a line")
        assert not [word for word in world.farm.words if isinstance(word, Result)]
        report = await world.farm.result()
        await following

    told = world.farm.logs[f"{offer.key}.1"]
    assert told == gzip.decompress(await world.blobs.read(report.log_digest))
    assert len(told) > 300_000


async def test_a_stopped_job_is_killed_and_nothing_of_it_is_delivered(world: World) -> None:
    offer = world.offer(LONG.replace("0.1", "0.1019"))
    following = asyncio.create_task(world.farm.follow(replace(offer, fence=1)))
    async with world.builder():
        offer = await world.farm.assign(offer)
        await world.farm.line(offer, b"began")
        await world.farm.stop(offer)
        await following
        await world.farm.until(lambda: world.farm.presences[-1].free == 1)
        assert world.farm.words == []
        assert world.depot.uploads == []
        assert await world.spool.all() == []


async def test_an_assignment_that_comes_again_is_not_run_twice(world: World) -> None:
    world.farm.settles = False
    offer = world.offer("open('/dev/null').close(); import time; time.sleep(0.3)")
    async with world.builder():
        await world.farm.assign(offer)
        await world.farm.step("build")
        await world.farm.assign(offer)
        await world.farm.result()
        await world.farm.assign(offer)
        other = await world.farm.assign(world.offer("1", name="other"))
        await world.farm.result(2)
        word = world.farm.words[0]
        assert isinstance(word, Result)
        await world.farm.settle(word)
        await world.farm.until(lambda: len(world.farm.presences[-1].running) == 1)
        await world.farm.assign(offer)
        await world.farm.assign(world.offer("2", name="third"))
        await world.farm.result(3)

    keys = [word.key for word in world.farm.words]
    assert keys.count(offer.key) == 1
    assert keys.count(other.key) == 1


async def test_a_newer_fence_takes_the_place_of_an_older_one(world: World) -> None:
    offer = world.offer(LONG)
    world.settings = replace(world.settings, facts=Facts(version="1", slots=2))
    async with world.builder():
        await world.farm.assign(offer, fence=3)
        await world.farm.step("build")
        await world.farm.assign(offer, fence=4)
        await world.farm.until(
            lambda: [one.fence for one in world.farm.presences[-1].running] == [4]
        )
        await world.farm.assign(offer, fence=2)
        await world.farm.assign(world.offer("1", name="other"))
        await world.farm.result()
        await world.farm.until(
            lambda: [one.fence for one in world.farm.presences[-1].running] == [4]
        )
        assert len(world.farm.words) == 1


async def test_what_does_not_fit_is_refused_with_the_reason(world: World) -> None:
    offer = replace(world.offer(), target=Target.parse("cp38-musllinux_1_2_riscv64"))
    async with world.builder():
        await world.farm.assign(offer)
        report = await world.farm.result()

    assert report.outcome is Outcome.REFUSED
    assert "cp38-musllinux_1_2_riscv64" in report.reason


async def test_a_job_is_refused_where_the_disk_is_too_full(world: World) -> None:
    world.machine.reading = replace(world.machine.reading, free_disk_bytes=1 << 30)
    world.settings = replace(world.settings, least_disk_bytes=2 << 30)
    async with world.builder():
        await world.farm.until(lambda: world.farm.presences and world.farm.presences[-1].why)
        await world.farm.assign(world.offer())
        report = await world.farm.result()

    assert report.outcome is Outcome.REFUSED
    assert "1.0 GiB of disk are free" in report.reason


async def test_what_comes_beyond_the_slots_is_given_back(world: World) -> None:
    async with world.builder():
        first = await world.farm.assign(world.offer(LONG))
        await world.farm.step("build")
        second = await world.farm.assign(world.offer("1", name="other"))
        await world.farm.until(lambda: world.farm.words)
        assert world.farm.words == [
            Returned(builder="arm-1", key=second.key, fence=1, reason="no slot is free")
        ]
        assert [one.key for one in world.farm.presences[-1].running] == [first.key]


async def test_presence_goes_on_while_uploads_hang_and_all_threads_are_busy(world: World) -> None:
    hanging = asyncio.Event()
    busy = asyncio.Event()

    class SlowDepot:
        async def fetch(self, digest: str) -> None:
            await world.depot.fetch(digest)

        async def upload(self, digest: str, path: Path, ticket: Ticket) -> None:
            busy.set()
            await hanging.wait()

    over = threading.Event()
    async with world.builder(depot=SlowDepot()):
        await world.farm.assign(world.offer())
        await busy.wait()
        threads = [asyncio.to_thread(over.wait, 20) for _ in range(64)]
        hogs = asyncio.gather(*threads)
        await asyncio.sleep(0)
        heard = len(world.farm.presences)
        try:
            await world.farm.until(lambda: len(world.farm.presences) > heard + 10)
        finally:
            over.set()
            await hogs
            hanging.set()


async def test_an_order_that_cannot_be_read_is_passed_over(world: World) -> None:
    async with world.builder():
        await world.farm.bus.order("arm-1", b"{not json", name="bad")
        await world.farm.assign(world.offer())
        assert (await world.farm.result()).outcome is Outcome.BUILT


async def test_a_source_that_the_farm_does_not_have_is_no_failure_of_the_package(
    world: World,
) -> None:
    offer = world.offer()
    await world.blobs.remove(offer.source.archive)
    (world.folder.parent / "farm").joinpath(offer.source.archive[7:]).unlink(missing_ok=True)
    async with world.builder():
        await world.farm.assign(offer)
        assert (await world.farm.result()).outcome is Outcome.INFRASTRUCTURE


async def test_a_job_gets_its_share_of_the_memory(world: World) -> None:
    world.settings = replace(world.settings, memory_bytes=300 << 20)
    hook = "import time\nhog = bytearray(500 << 20)\nhog[::4096] = b'x' * len(hog[::4096])\ntime.sleep(5)"
    async with world.builder():
        await world.farm.assign(world.offer(hook, limits=Limits(memory_bytes=4 << 30)))
        assert (await world.farm.result()).outcome is Outcome.RESOURCES


async def test_a_revoked_builder_kills_its_jobs_and_ends(world: World) -> None:
    async def shut_out() -> None:
        async with world.builder():
            await world.farm.assign(world.offer(LONG))
            await world.farm.step("build")
            await world.farm.order(SetMode(mode=Mode.REVOKED, reason="by bob"))
            await world.ended()

    with pytest.raises(ExceptionGroup) as caught:
        await shut_out()
    assert caught.group_contains(DeniedError, match="by bob")
    assert world.farm.words == []
