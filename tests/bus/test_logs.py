"""What every bus promises about the log of an attempt."""

import asyncio

import pytest

from bus.worlds import World, next_of, piece, soon, whole

pytestmark = pytest.mark.anyio

TEXT = b"".join(b"%015d\n" % number for number in range(25_000))


async def test_a_log_is_read_as_it_was_written(world: World) -> None:
    builder = await world.builder()
    await builder.write_log(piece(TEXT[:300_000], 0))
    await builder.write_log(piece(TEXT[300_000:], 300_000, end=True))
    assert await soon(whole(world.bus.follow_log("k1.1"))) == TEXT


@pytest.mark.parametrize("start", [1, 65_536, 299_999, 300_000, 400_000, 500_000])
async def test_a_log_is_read_from_any_offset(world: World, start: int) -> None:
    builder = await world.builder()
    await builder.write_log(piece(TEXT[:300_000], 0))
    await builder.write_log(piece(TEXT[300_000:], 300_000, end=True))
    assert await soon(whole(world.bus.follow_log("k1.1", start=start), start)) == TEXT[start:]


async def test_pieces_are_small_however_they_were_written(world: World) -> None:
    await (await world.builder()).write_log(piece(TEXT, 0, end=True))
    sizes = [len(part.content) async for part in world.bus.follow_log("k1.1")]
    assert max(sizes) <= 64 * 1024


async def test_what_is_written_is_seen_while_it_is_written(world: World) -> None:
    builder = await world.builder()
    log = world.bus.follow_log("k1.1")
    first = asyncio.ensure_future(anext(log))
    await builder.write_log(piece(b"one\n", 0))
    assert (await soon(first)).content == b"one\n"
    await builder.write_log(piece(b"two\n", 4))
    assert (await next_of(log)).content == b"two\n"
    await builder.write_log(piece(b"", 8, end=True))
    end = await next_of(log)
    assert (end.content, end.end) == (b"", True)
    assert await soon(anext(log, None)) is None


async def test_a_builder_that_says_it_again_after_a_lost_answer_changes_nothing(
    world: World,
) -> None:
    before = await world.builder()
    await before.write_log(piece(TEXT[:100_000], 0))
    after = await world.builder()
    for start in (100_000, 40_000, 0, 65_536):
        await after.write_log(piece(TEXT[start:200_000], start))
    await after.write_log(piece(TEXT[150_000:], 150_000, end=True))
    assert await soon(whole(world.bus.follow_log("k1.1", start=10), 10)) == TEXT[10:]


async def test_many_follow_one_log(world: World) -> None:
    builder = await world.builder()
    starts = (0, 7, 100_000, 250_000)
    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        readers = [
            group.create_task(whole(world.bus.follow_log("k1.1", start=start), start))
            for start in starts
        ]
        for start in range(0, len(TEXT), 50_000):
            end = start + 50_000 == len(TEXT)
            await builder.write_log(piece(TEXT[start : start + 50_000], start, end=end))
    assert [reader.result() for reader in readers] == [TEXT[start:] for start in starts]


async def test_logs_of_two_attempts_are_two(world: World) -> None:
    builder = await world.builder()
    for attempt in ("k1.1", "k1.2", "odd.*.>"):
        await builder.write_log(piece(attempt.encode(), 0, end=True, attempt=attempt))
    for attempt in ("k1.1", "k1.2", "odd.*.>"):
        assert await soon(whole(world.bus.follow_log(attempt))) == attempt.encode()


async def test_a_builder_cannot_spoil_the_log_of_anothers_attempt(world: World) -> None:
    honest, hostile = await world.builder("arm-1"), await world.builder("arm-2")
    await hostile.write_log(piece(b"all is well", 0, end=True))
    await honest.write_log(piece(b"it failed", 0, end=True))
    assert await soon(whole(world.bus.follow_log("k1.1", builder="arm-1"))) == b"it failed"
