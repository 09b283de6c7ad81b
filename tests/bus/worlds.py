"""A bus with builders on it, of either kind."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from pathlib import Path
from typing import Self, TypeVar

from wheelyard.bus.memory import MemoryBus
from wheelyard.bus.nats import NatsBuilderBus, NatsBus
from wheelyard.bus.nats_options import NatsLimits, NatsOptions
from wheelyard.bus.server import PrivateServer
from wheelyard.bus.server_config import BusUser, ServerPlace, user_name
from wheelyard.bus.subjects import COORDINATOR
from wheelyard.bus_ports import BuilderBus, Bus, Delivery, LogPiece

SILENCE = 0.4
PRESENCE = 0.5
TICK = 0.05
PATIENCE = 20.0
BUILDERS = ("arm-1", "arm-2", "odd. *>=é/one")

_T = TypeVar("_T")


async def soon(awaitable: Awaitable[_T]) -> _T:
    """What is promised to come."""
    async with asyncio.timeout(PATIENCE):
        return await awaitable


async def next_of(iterator: AsyncIterator[_T]) -> _T:
    return await soon(anext(iterator))


async def finished(delivery: Delivery) -> bytes:
    """Be done with a delivery and return what was in it."""
    await delivery.done()
    return delivery.content


async def pass_time(orders: AsyncIterator[Delivery], clock: Delivery, ticks: int) -> Delivery:
    """Let time pass by having one delivery come back so often; nothing else may come meanwhile."""
    for _ in range(ticks):
        await clock.again(seconds=TICK)
        again = await next_of(orders)
        assert again.content == clock.content, "something else was delivered"
        clock = again
    return clock


def piece(text: bytes, start: int, *, end: bool = False, attempt: str = "k1.1") -> LogPiece:
    return LogPiece(attempt=attempt, start=start, content=text, end=end)


async def whole(pieces: AsyncIterator[LogPiece], start: int = 0) -> bytes:
    """All of a log, where each piece begins at the end of the one before it."""
    read = b""
    async for part in pieces:
        assert part.start == start + len(read)
        read += part.content
    return read


class World:
    """A bus, and the ends of its builders."""

    bus: Bus

    async def builder(self, name: str = "arm-1") -> BuilderBus:
        raise NotImplementedError

    async def close(self) -> None:
        raise NotImplementedError


class MemoryWorld(World):
    def __init__(self, *, silence: float) -> None:
        self._memory = MemoryBus(silence=silence, presence=PRESENCE)
        self.bus = self._memory

    async def builder(self, name: str = "arm-1") -> BuilderBus:
        return self._memory.builder(name)

    async def close(self) -> None:
        await self.bus.close()


class NatsWorld(World):
    """A server of its own with a coordinator on it."""

    def __init__(self, server: PrivateServer, bus: NatsBus, limits: NatsLimits) -> None:
        self.server = server
        self.bus = bus
        self.limits = limits
        self._ends: list[NatsBuilderBus | NatsBus] = [bus]

    @classmethod
    async def start(cls, folder: Path, *, silence: float) -> Self:
        server = await PrivateServer.start(
            ServerPlace(folder=folder, port=-1), builders=[user(name) for name in BUILDERS]
        )
        limits = NatsLimits(silence=silence, presence=PRESENCE, words=1000)
        return cls(server, await NatsBus.open(coordinator(server), limits=limits), limits)

    async def coordinator(self) -> NatsBus:
        """Another coordinator."""
        self._ends.append(end := await NatsBus.open(coordinator(self.server), limits=self.limits))
        return end

    async def builder(self, name: str = "arm-1") -> NatsBuilderBus:
        end = await NatsBuilderBus.open(options(self.server, name), name=name)
        self._ends.append(end)
        return end

    async def close(self) -> None:
        for end in self._ends:
            await end.close()
        await self.server.stop()


def user(name: str) -> BusUser:
    return BusUser(name=name, password=f"secret{BUILDERS.index(name) if name in BUILDERS else 9}")


def options(server: PrivateServer, name: str, *, answer_seconds: float = 5) -> NatsOptions:
    return NatsOptions(
        servers=(server.url,),
        user=user_name(name),
        password=user(name).password,
        answer_seconds=answer_seconds,
    )


def coordinator(server: PrivateServer, *, answer_seconds: float = 5) -> NatsOptions:
    return NatsOptions(
        servers=(server.url,),
        user=COORDINATOR,
        password=server.password,
        answer_seconds=answer_seconds,
    )
