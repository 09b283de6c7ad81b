"""A builder with a real executor, and the farm's end of what it talks to."""

import asyncio
import contextlib
import hashlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from executor.yard import PARTS, FolderBlobs, Pythons, Yard
from wheelyard.builder.agent import Agent
from wheelyard.builder.health import Thresholds, Vitals
from wheelyard.builder.machine import Reading
from wheelyard.builder.settings import AgentPorts, AgentSettings
from wheelyard.builder.spool import Spool
from wheelyard.bus.memory import MemoryBus
from wheelyard.bus_ports import Delivery
from wheelyard.executor.local import LocalExecutor
from wheelyard.executor.settings import ExecutorSettings
from wheelyard.model.builder import Facts
from wheelyard.model.job import Offer, Report
from wheelyard.protocol.messages import Assignment, Order, Presence, Result, Returned, Settled, Stop
from wheelyard.protocol.wire import decode_word, encode
from wheelyard.testing.depot import MemoryDepot

NAME, TOKEN = "arm-1", "job-token"
PATIENCE_SECONDS = 20
LONG = "import sys, time\nprint('began', flush=True)\nwhile True: time.sleep(0.1)"


@dataclass
class StillMachine:
    """A machine that is as a test says."""

    reading: Reading = field(
        default_factory=lambda: Reading(at=1, free_memory_bytes=8 << 30, free_disk_bytes=100 << 30)
    )

    def look(self) -> Reading:
        return self.reading


@dataclass
class FarmEnd:
    """The coordinator's end of a bus, with what was heard there."""

    bus: MemoryBus
    words: list[Result | Returned] = field(default_factory=list)
    presences: list[Presence] = field(default_factory=list)
    logs: dict[str, bytes] = field(default_factory=dict)
    settles: bool = True
    token: str = TOKEN
    enclosable: int = 0
    orders: int = 0
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def order(self, order: Order) -> None:
        self.orders += 1
        await self.bus.order(NAME, encode(order), name=f"order-{self.orders}")

    async def assign(self, offer: Offer, *, fence: int = 1) -> Offer:
        told = replace(offer, fence=fence)
        await self.order(
            Assignment(offer=told, token=self.token, lease_seconds=60, enclosable=self.enclosable)
        )
        return told

    async def stop(self, offer: Offer) -> None:
        await self.order(Stop(key=offer.key, fence=offer.fence, reason="its lease was lost"))

    async def settle(self, word: Result, *, accepted: bool = True) -> None:
        await self.order(Settled(key=word.key, fence=word.fence, accepted=accepted))

    async def until(self, condition: Callable[[], Any]) -> Any:
        async with asyncio.timeout(PATIENCE_SECONDS), self.changed:
            await self.changed.wait_for(condition)
        return condition()

    async def result(self, number: int = 1) -> Report:
        return (await self.word(number)).report

    async def word(self, number: int = 1) -> Result:
        def found() -> list[Result]:
            return [word for word in self.words if isinstance(word, Result)]

        await self.until(lambda: len(found()) >= number)
        return found()[number - 1]

    async def step(self, name: str) -> Presence:
        """Wait until a job is at a step."""

        def found() -> Presence | None:
            last = self.presences[-1] if self.presences else None
            return last if last and any(one.step == name for one in last.running) else None

        presence: Presence = await self.until(found)
        return presence

    async def line(self, offer: Offer, text: bytes) -> None:
        """Wait until a job's live log holds a text."""
        await self.until(lambda: text in self.logs.get(f"{offer.key}.{offer.fence}", b""))

    async def follow(self, offer: Offer) -> None:
        attempt = f"{offer.key}.{offer.fence}"
        async for piece in self.bus.follow_log(attempt):
            have = self.logs.get(attempt, b"")
            assert piece.start == len(have), "a gap or a repeat"
            async with self.changed:
                self.logs[attempt] = have + piece.content
                self.changed.notify_all()

    async def hear_words(self) -> None:
        async for delivery in self.bus.words():
            await self._hear(delivery)

    async def _hear(self, delivery: Delivery) -> None:
        word = decode_word(delivery.content)
        assert isinstance(word, Result | Returned)
        async with self.changed:
            self.words.append(word)
            self.changed.notify_all()
        await delivery.done()
        if self.settles and isinstance(word, Result):
            await self.settle(word)

    async def hear_presences(self) -> None:
        async for announcement in self.bus.presences():
            presence = decode_word(announcement.content)
            assert isinstance(presence, Presence)
            async with self.changed:
                self.presences.append(presence)
                self.changed.notify_all()


@dataclass
class World:
    """A farm, and what builders that join it are made of."""

    farm: FarmEnd
    blobs: FolderBlobs
    shelf: Path
    folder: Path
    machine: StillMachine = field(default_factory=StillMachine)
    settings: AgentSettings = field(
        default_factory=lambda: AgentSettings(
            name=NAME,
            facts=Facts(version="1", slots=1),
            presence_seconds=0.05,
            look_seconds=0.05,
            goodbye_seconds=5,
        )
    )
    thresholds: Thresholds = field(default_factory=Thresholds)
    depot: MemoryDepot = field(init=False)
    local: FolderBlobs = field(init=False)
    spool: Spool = field(init=False)

    task: asyncio.Task[None] | None = None

    def __post_init__(self) -> None:
        self.local = FolderBlobs(self.folder / "blobs")
        self.depot = MemoryDepot(farm=self.blobs, local=self.local)
        self.spool = Spool(self.folder / "spool", name=NAME)

    @property
    def yard(self) -> Yard:
        """Makes offers whose sources the farm has."""
        unused: Any = None
        return Yard(unused, self.blobs, Pythons(), self.shelf)

    def offer(self, hook: str = "", **changes: object) -> Offer:
        return self.yard.offer(hook, in_tree=True, **changes)  # type: ignore[arg-type]

    async def ended(self) -> None:
        """Wait until the builder has left."""
        assert self.task is not None
        async with asyncio.timeout(PATIENCE_SECONDS):
            await asyncio.wait({self.task})

    @asynccontextmanager
    async def builder(self, **changes: Any) -> AsyncIterator[Agent]:
        """Run a builder. What happens inside ends with it being asked twice to leave."""
        executor = LocalExecutor(
            ExecutorSettings(state=self.shelf),
            blobs=self.local,
            interpreters=Pythons(),
            parts=PARTS,
        )
        ports = AgentPorts(
            bus=self.farm.bus.builder(NAME),
            depot=self.depot,
            blobs=self.local,
            executor=executor,
            interpreters=Pythons(),
            machine=self.machine,
            spool=self.spool,
            vitals=Vitals(self.thresholds),
        )
        agent = Agent(self.settings, replace(ports, **changes))
        task = self.task = asyncio.create_task(agent.run())
        try:
            yield agent
            agent.leave("the test is over")
            agent.leave()
            await task
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.wait({task})
            await executor.close()


def digest_of(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"
