"""What every bus promises: the one in this process and the one over NATS."""

import asyncio

import pytest

from bus.worlds import (
    BUILDERS,
    PRESENCE,
    SILENCE,
    TICK,
    World,
    finished,
    next_of,
    pass_time,
    soon,
)
from wheelyard.bus_ports import BuilderBus, Bus
from wheelyard.errors import BusError, ProtocolError
from wheelyard.protocol.messages import LARGEST_BYTES, LARGEST_ORDER_BYTES

pytestmark = pytest.mark.anyio

LONGER_THAN_SILENCE = int(2 * SILENCE / TICK)


async def test_it_is_what_the_port_asks_for(world: World) -> None:
    bus: Bus = world.bus
    builder: BuilderBus = await world.builder()
    await builder.announce(b"I am here")
    assert (await next_of(bus.presences())).content == b"I am here"


async def test_an_order_that_is_done_with_never_comes_again(world: World) -> None:
    orders = (await world.builder()).orders()
    await world.bus.order("arm-1", b"one", name="1")
    await world.bus.order("arm-1", b"two", name="2")
    assert await finished(await next_of(orders)) == b"one"
    await pass_time(orders, await next_of(orders), LONGER_THAN_SILENCE)


async def test_an_order_comes_again_when_its_builder_is_silent(world: World) -> None:
    orders = (await world.builder()).orders()
    await world.bus.order("arm-1", b"one", name="1")
    first = await next_of(orders)
    second = await next_of(orders)
    assert (first.content, first.tries) == (b"one", 1)
    assert (second.content, second.tries) == (b"one", 2)


async def test_a_builder_that_says_it_works_keeps_its_order(world: World) -> None:
    orders = (await world.builder()).orders()
    await world.bus.order("arm-1", b"long", name="1")
    await world.bus.order("arm-1", b"clock", name="2")
    long, clock = await next_of(orders), await next_of(orders)
    for _ in range(LONGER_THAN_SILENCE):
        await long.working()
        clock = await pass_time(orders, clock, 1)
    await clock.done()
    again = await next_of(orders)
    assert (again.content, again.tries) == (b"long", 2)


async def test_an_order_that_is_given_back_comes_again_before_newer_ones(world: World) -> None:
    orders = (await world.builder()).orders()
    for text in ("one", "two"):
        await world.bus.order("arm-1", text.encode(), name=text)
    await (await next_of(orders)).again()
    again = await next_of(orders)
    assert (again.content, again.tries) == (b"one", 2)
    await again.done()
    assert await finished(await next_of(orders)) == b"two"


async def test_being_done_twice_or_late_is_the_same_as_once(world: World) -> None:
    orders = (await world.builder()).orders()
    await world.bus.order("arm-1", b"one", name="1")
    await world.bus.order("arm-1", b"two", name="2")
    first = await next_of(orders)
    clock = await next_of(orders)
    await clock.done()
    second = await next_of(orders)
    assert second.content == b"one"
    await first.done()
    await first.done()
    await second.done()
    await world.bus.order("arm-1", b"three", name="3")
    await pass_time(orders, await next_of(orders), LONGER_THAN_SILENCE)


async def test_an_order_of_one_name_counts_once(world: World) -> None:
    orders = (await world.builder()).orders()
    for _ in range(3):
        await world.bus.order("arm-1", b"one", name="1")
    await world.bus.order("arm-1", b"two", name="2")
    assert await finished(await next_of(orders)) == b"one"
    assert await finished(await next_of(orders)) == b"two"


async def test_one_name_for_two_builders_is_two_orders(world: World) -> None:
    for name in BUILDERS:
        await world.bus.order(name, name.encode(), name="stop")
    for name in BUILDERS:
        orders = (await world.builder(name)).orders()
        assert await finished(await next_of(orders)) == name.encode()


async def test_orders_come_in_their_order(world: World) -> None:
    orders = (await world.builder()).orders()
    sent = [b"%d" % number for number in range(100)]
    for content in sent:
        await world.bus.order("arm-1", content, name=content.decode())
    assert [await finished(await next_of(orders)) for _ in sent] == sent


async def test_orders_wait_for_a_builder_that_is_not_there_yet(world: World) -> None:
    await world.bus.order("arm-2", b"one", name="1")
    await world.bus.order("arm-1", b"another's", name="1")
    assert await finished(await next_of((await world.builder("arm-2")).orders())) == b"one"


async def test_a_builder_may_wait_before_there_ever_was_an_order(world: World) -> None:
    builder = await world.builder()
    waiting = asyncio.ensure_future(anext(builder.orders()))
    await builder.announce(b"here")
    await next_of(world.bus.presences())
    await world.bus.order("arm-1", b"one", name="1")
    assert await finished(await soon(waiting)) == b"one"


async def test_words_say_which_builder_they_are_from(world: World) -> None:
    for name in BUILDERS:
        await (await world.builder(name)).say(b"done", name="result-1")
    words = world.bus.words()
    heard = [await next_of(words) for _ in BUILDERS]
    assert [word.sender for word in heard] == list(BUILDERS)


async def test_a_result_that_is_said_five_times_at_once_is_delivered_once(world: World) -> None:
    ends = [await world.builder() for _ in range(5)]
    await asyncio.gather(*(end.say(b"result", name="k1.1") for end in ends))
    await ends[0].say(b"other", name="k2.1")
    words = world.bus.words()
    heard = [await finished(await next_of(words)) for _ in range(2)]
    assert heard == [b"result", b"other"]


async def test_a_word_is_given_to_one_reader_until_that_one_is_silent(world: World) -> None:
    builder = await world.builder()
    ours, theirs = world.bus.words(), world.bus.words()
    await builder.say(b"result", name="k1.1")
    held = await next_of(ours)
    taken_over = await next_of(theirs)
    assert (held.tries, taken_over.tries) == (1, 2)
    assert await finished(taken_over) == b"result"


async def test_a_reader_that_is_slow_gets_everything_once_and_in_order(world: World) -> None:
    builder = await world.builder()
    words = world.bus.words()
    sent = [b"%d" % number for number in range(150)]
    for content in sent[:75]:
        await builder.say(content, name=content.decode())
    # It begins to read, and is then away for longer than a delivery is kept for it.
    heard = [await finished(await next_of(words))]
    orders = builder.orders()
    await world.bus.order("arm-1", b"clock", name="clock")
    await (await pass_time(orders, await next_of(orders), LONGER_THAN_SILENCE)).done()
    for content in sent[75:]:
        await builder.say(content, name=content.decode())
    heard += [await finished(await next_of(words)) for _ in sent[1:]]
    assert heard == sent


async def test_the_newest_presence_of_each_comes_first_and_then_each_new_one(world: World) -> None:
    one, two = await world.builder("arm-1"), await world.builder("arm-2")
    await one.announce(b"old")
    await two.announce(b"two")
    await one.announce(b"new")
    presences = world.bus.presences()
    first = [await next_of(presences), await next_of(presences)]
    assert {(each.builder, each.content) for each in first} == {
        ("arm-1", b"new"),
        ("arm-2", b"two"),
    }
    await two.announce(b"newer")
    assert (await next_of(presences)).content == b"newer"


async def test_a_builder_that_fell_silent_is_not_there_any_more(world: World) -> None:
    lost, kept = await world.builder("arm-1"), await world.builder("arm-2")
    await lost.announce(b"lost")
    orders = kept.orders()
    await world.bus.order("arm-2", b"clock", name="clock")
    clock = await next_of(orders)
    await pass_time(orders, clock, int(3 * PRESENCE / TICK))
    await kept.announce(b"here")
    assert (await next_of(world.bus.presences())).builder == "arm-2"


async def test_what_was_meant_for_a_forgotten_builder_is_gone(world: World) -> None:
    gone, other = await world.builder("arm-1"), await world.builder("arm-2")
    await gone.announce(b"gone")
    await world.bus.order("arm-1", b"old", name="1")
    await world.bus.forget("arm-1")
    await world.bus.forget("arm-1")
    await other.announce(b"here")
    assert (await next_of(world.bus.presences())).builder == "arm-2"
    await world.bus.order("arm-1", b"new", name="2")
    again = await world.builder("arm-1")
    assert await finished(await next_of(again.orders())) == b"new"


async def test_a_builder_that_hangs_up_gives_back_what_it_read(world: World) -> None:
    leaving = await world.builder()
    await world.bus.order("arm-1", b"one", name="1")
    await next_of(leaving.orders())
    await leaving.close()
    again = await next_of((await world.builder()).orders())
    assert (again.content, again.tries) == (b"one", 2)


async def test_readers_end_and_writers_are_told_when_the_bus_is_closed(world: World) -> None:
    builder = await world.builder()
    readers: list[asyncio.Future[object]] = [
        asyncio.ensure_future(anext(builder.orders(), None)),
        asyncio.ensure_future(anext(world.bus.words(), None)),
        asyncio.ensure_future(anext(world.bus.presences(), None)),
        asyncio.ensure_future(anext(world.bus.follow_log("k1.1"), None)),
    ]
    await builder.announce(b"hello")
    await readers[2]
    await builder.close()
    await world.bus.close()
    assert [await soon(reader) for reader in (readers[0], readers[1], readers[3])] == [None] * 3
    with pytest.raises(BusError, match="closed"):
        await world.bus.order("arm-1", b"", name="1")
    with pytest.raises(BusError, match="closed"):
        await builder.say(b"", name="1")


async def test_what_is_too_large_is_refused_and_harms_nobody(world: World) -> None:
    builder = await world.builder()
    with pytest.raises(ProtocolError, match="larger than"):
        await builder.say(b"x" * (LARGEST_BYTES + 1), name="large")
    with pytest.raises(ProtocolError, match="larger than"):
        await builder.announce(b"x" * (LARGEST_BYTES + 1))
    with pytest.raises(ProtocolError, match="larger than"):
        await world.bus.order("arm-1", b"x" * (LARGEST_ORDER_BYTES + 1), name="large")
    await builder.say(b"x" * LARGEST_BYTES, name="large")
    assert len((await next_of(world.bus.words())).content) == LARGEST_BYTES
    await world.bus.order("arm-1", b"x" * LARGEST_ORDER_BYTES, name="large")
    assert len((await next_of(builder.orders())).content) == LARGEST_ORDER_BYTES


@pytest.mark.parametrize("name", ["", "x" * 300])
async def test_a_name_that_is_none_is_refused(world: World, name: str) -> None:
    with pytest.raises(BusError, match="not a name"):
        await world.bus.order(name, b"", name="1")
