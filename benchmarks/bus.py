"""The buses on loopback: an order to a builder and its result back, one after another and as fast as it goes."""

import asyncio
import os
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

from benchmarks.measure import Usage
from benchmarks.report import Report, Row
from benchmarks.setting import Setting

from wheelyard.bus.memory import MemoryBus
from wheelyard.bus.nats import NatsBuilderBus, NatsBus
from wheelyard.bus.nats_options import NatsOptions
from wheelyard.bus.server import PrivateServer
from wheelyard.bus.server_config import BusUser, ServerPlace, user_name
from wheelyard.bus.subjects import COORDINATOR
from wheelyard.bus_ports import BuilderBus, Bus

ONE_BY_ONE = 1000
AT_ONCE = 2000
CONTENT = b"x" * 3000
"""About as large as an offer."""

_BUILDERS = ("one", "two")
_Ends = tuple[Bus, Sequence[BuilderBus]]


def run(setting: Setting, report: Report) -> None:
    """Measure both buses. The processor seconds are those of this process, without the server's."""
    rows = []
    for name, opened in (("in this process", _memory), ("over NATS", _nats)):
        for subject, measured in (
            (f"{ONE_BY_ONE} round trips, one by one", _one_by_one),
            (f"{AT_ONCE} orders and results, two builders", _at_once),
        ):
            usages = tuple(asyncio.run(_measured(opened, measured)) for _ in range(setting.repeat))
            rows.append(Row(subject=subject, runner=f"wheelyard, {name}", usages=usages))
    report.publish("bus", rows)
    for row in rows:
        count = ONE_BY_ONE if row.subject.startswith(str(ONE_BY_ONE)) else AT_ONCE
        each, rate = row.typical.wall / count * 1000, count / row.typical.wall
        print(f"{row.runner}: {row.subject}: {each:.2f} ms each, {rate:.0f} a second")


async def _measured(
    opened: Callable[[], AbstractAsyncContextManager[_Ends]],
    measured: Callable[[_Ends], Awaitable[None]],
) -> Usage:
    async with opened() as ends:
        times, wall = os.times(), time.monotonic()
        await measured(ends)
        after = os.times()
        cpu = after.user + after.system - times.user - times.system
        return Usage(cpu=cpu, wall=time.monotonic() - wall)


async def _one_by_one(ends: _Ends) -> None:
    bus, (builder, _) = ends
    orders, words = builder.orders(), bus.words()
    for number in range(ONE_BY_ONE):
        await bus.order(_BUILDERS[0], CONTENT, name=f"{number}")
        order = await anext(orders)
        await order.done()
        await builder.say(CONTENT, name=f"{number}")
        await (await anext(words)).done()


async def _at_once(ends: _Ends) -> None:
    bus, builders = ends
    words = bus.words()
    async with asyncio.TaskGroup() as group:
        group.create_task(_order_all(bus))
        for builder in builders:
            group.create_task(_answer(builder, AT_ONCE // len(builders)))
        for _ in range(AT_ONCE):
            await (await anext(words)).done()


async def _order_all(bus: Bus) -> None:
    for number in range(AT_ONCE):
        await bus.order(_BUILDERS[number % len(_BUILDERS)], CONTENT, name=f"{number}")


async def _answer(builder: BuilderBus, count: int) -> None:
    orders = builder.orders()
    for number in range(count):
        order = await anext(orders)
        await builder.say(CONTENT, name=f"{number}")
        await order.done()


@asynccontextmanager
async def _memory() -> AsyncIterator[_Ends]:
    bus = MemoryBus()
    yield bus, [bus.builder(name) for name in _BUILDERS]
    await bus.close()


@asynccontextmanager
async def _nats() -> AsyncIterator[_Ends]:
    users = [BusUser(name=name, password=f"password{name}") for name in _BUILDERS]
    with tempfile.TemporaryDirectory() as folder:
        place = ServerPlace(folder=Path(folder), port=-1)
        async with await PrivateServer.start(place, builders=users) as server:
            where = (server.url,)
            login = NatsOptions(servers=where, user=COORDINATOR, password=server.password)
            bus = await NatsBus.open(login)
            builders = [
                await NatsBuilderBus.open(
                    NatsOptions(servers=where, user=user_name(user.name), password=user.password),
                    name=user.name,
                )
                for user in users
            ]
            yield bus, builders
            for builder in builders:
                await builder.close()
            await bus.close()
