"""A farm of many machines in memory: stores and a bus that outlive a coordinator, and builders by script."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager

from coordinator.farm import Farm
from coordinator.outside import Letters, Looks
from coordinator.waiting import ended, until_quiet
from plan.world import Package, World, target
from wheelyard.bus.memory import MemoryBus
from wheelyard.bus_ports import Delivery
from wheelyard.coordinator.farm.carrying import MakeCarrier
from wheelyard.coordinator.farm.coordinator import Coordinator
from wheelyard.coordinator.farm.crew import FarmCrew
from wheelyard.coordinator.farm.ports import FarmPorts
from wheelyard.coordinator.farm.rules import FarmRules
from wheelyard.coordinator.questions import Questions
from wheelyard.coordinator.run import Run
from wheelyard.model.builder import Builder, Facts, FactValue, Health, Mode, Running, Tier
from wheelyard.model.job import BuildKey, Offer, Outcome, Report
from wheelyard.model.recipe import DEFAULT_RECIPE
from wheelyard.model.release import ProjectName
from wheelyard.model.request import Kind, Request, RequestId, RequestState
from wheelyard.plan.events import Start, UnitId
from wheelyard.plan.planner import Planner
from wheelyard.plan.unit import PlanOptions
from wheelyard.protocol.messages import (
    Assignment,
    Presence,
    Result,
    Returned,
    SetMode,
    Settled,
    Stop,
    Word,
)
from wheelyard.protocol.requests import WheelsWanted
from wheelyard.protocol.wire import decode_order, encode
from wheelyard.testing.builders import MemoryBuilderStore
from wheelyard.testing.happenings import Chair, MemoryEventLog, MemoryLeadership
from wheelyard.testing.queue import MemoryQueue
from wheelyard.testing.requests import MemoryRequestStore
from wheelyard.testing.tokens import MemoryTokenStore

QUICK = FarmRules(
    lease=0.5,
    tick=0.01,
    refresh=0.05,
    leadership=0.02,
    poll=0.02,
    doubt=0.0,
    retry=0.01,
    longest_retry=0.05,
    notices=0.02,
)
X86: Mapping[str, FactValue] = {
    "python": ("cp311", "cp312"),
    "arch": "x86_64",
    "libc": "glibc",
    "memory_gb": 8,
}
_PRESENCE = 0.05


class Machines:
    """A farm: whatever outlives its coordinators and its builders."""

    def __init__(self, packages: Mapping[str, Package], rules: FarmRules = QUICK) -> None:
        self.world = World(packages)
        self.local = Farm(world=self.world)
        self.rules = rules
        self.clock = self.local.clock
        self.jobs = self.local.jobs
        self.queue = MemoryQueue(self.jobs)
        self.requests = MemoryRequestStore(clock=self.clock)
        self.builders = MemoryBuilderStore(clock=self.clock)
        self.tokens = MemoryTokenStore(clock=self.clock)
        self.events = MemoryEventLog(clock=self.clock)
        self.chair = Chair()
        self.bus = MemoryBus(silence=0.3, presence=60)
        self.letters = Letters()
        self.carriers: dict[Kind, MakeCarrier] = {}
        self.looks = Looks()
        self.reachable = True
        self.room = True
        self.stopped_for = 0.0
        self.passed: list[str] = []
        self.crash_at = ""
        self.machines: dict[str, ScriptedBuilder] = {}
        self._tasks: list[asyncio.Task[None]] = []

    def ports(self) -> FarmPorts:
        return FarmPorts(
            bus=self.bus,
            queue=self.queue,
            jobs=self.jobs,
            requests=self.requests,
            builders=self.builders,
            tokens=self.tokens,
            events=self.events,
            leadership=MemoryLeadership(self.chair),
            artifacts=self.local.artifacts,
            blobs=self.local.blobs,
            memory=self.local.memory,
            clock=self.clock,
            inspector=self.looks,
            notifier=self.letters,
            issue_token=self._token,
            reachable=self._reachable,
            ticks=lambda: time.monotonic() + self.stopped_for,
            has_room=lambda: self.room,
            pass_by=self._pass_by,
        )

    def coordinator(self) -> Coordinator:
        return Coordinator(
            ports=self.ports(),
            intake=self.local.intake(),
            prepare=self.local._prepare,
            open_run=self._open_run,
            rules=self.rules,
            carriers=self.carriers,
        )

    @asynccontextmanager
    async def led(self) -> AsyncIterator[Coordinator]:
        """Have a coordinator lead."""
        coordinator = self.coordinator()
        task = asyncio.create_task(coordinator.run())
        try:
            await until_quiet(lambda: coordinator.leads or task.done())
            yield coordinator
        finally:
            await ended(task)

    async def builder(
        self,
        name: str,
        *,
        slots: int = 1,
        facts: Mapping[str, FactValue] = X86,
        owner: str = "",
        tier: Tier = Tier.TRUSTED,
        manual: bool = False,
        begin: bool = True,
    ) -> "ScriptedBuilder":
        """Enrol a builder and let it begin."""
        await self.builders.add(Builder(name=name, owner=owner, tier=tier))
        machine = ScriptedBuilder(self, name, slots=slots, facts=facts, manual=manual)
        self.machines[name] = machine
        if begin:
            machine.begin()
        return machine

    async def end_of(self, request: Request | RequestId) -> Request:
        """Wait until a request has ended."""
        name = request if isinstance(request, str) else request.id
        while True:
            kept = await self.requests.get(RequestId(name))
            assert kept is not None
            if kept.state is not RequestState.OPEN:
                return kept
            await asyncio.sleep(0.002)

    async def happenings(self, action: str) -> list[str]:
        """Return the subjects of everything of one kind that happened."""
        return [one.subject for one in await self.events.read() if one.action == action]

    async def close(self) -> None:
        for machine in self.machines.values():
            await machine.end()
        await self.bus.close()

    async def _token(self, key: BuildKey, fence: int, builder: str) -> str:
        return f"{key}.{fence}"

    async def _reachable(self) -> bool:
        return self.reachable

    def _pass_by(self, place: str) -> None:
        self.passed.append(place)
        if place == self.crash_at:
            self.crash_at = ""
            raise CrashError(place)

    def _open_run(self, request: Request, wanted: WheelsWanted, crew: FarmCrew) -> Run:
        options = PlanOptions(
            requirements=wanted.requirements,
            requested=frozenset(map(ProjectName, wanted.requirements)),
            targets=tuple(target(text) for text in wanted.targets),
            retry_as_of=False,
            rebuild=wanted.rebuild,
        )
        return Run(
            planner=Planner(options, lambda _: DEFAULT_RECIPE),
            questions=Questions(
                upstream=self.local.upstream,
                resolver=self.local.resolver,
                artifacts=self.local.artifacts,
                blobs=self.local.blobs,
                memory=self.local.memory,
            ),
            crew=crew,
            jobs=self.jobs,
        )


class CrashError(Exception):
    """The process ends here."""


class ScriptedBuilder:
    """A builder that does what it is told; with ``manual`` a build goes on when ``release`` is called.

    ``script`` has other endings, one an attempt, by project; ``everything`` is how all builds end.
    """

    def __init__(
        self, farm: Machines, name: str, *, slots: int, facts: Mapping[str, FactValue], manual: bool
    ) -> None:
        self._farm = farm
        self.name = name
        self.slots = slots
        self.facts = dict(facts)
        self.manual = manual
        self.end_of_bus = farm.bus.builder(name)
        self.running: dict[BuildKey, tuple[Offer, asyncio.Event]] = {}
        self.built: list[str] = []
        self.order: list[str] = []
        self.killed: list[str] = []
        self.settled: list[Settled] = []
        self.modes: list[Mode] = []
        self.tokens: list[str] = []
        self.most_at_once = 0
        self.script: dict[str, list[Report]] = {}
        self.everything: Callable[[Offer], Report] | None = None
        self.accepting = True
        self.health = Health()
        self.session = 1
        self.says = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._builds: dict[BuildKey, asyncio.Task[None]] = {}

    def begin(self) -> None:
        """Start the process."""
        for work in (self._hear(), self._live()):
            self._start(work)

    async def end(self) -> None:
        """Kill the process: nothing of it is left."""
        for task in [*self._tasks, *self._builds.values()]:
            await ended(task)
        self._tasks.clear()
        self._builds.clear()
        self.running.clear()

    async def cut(self) -> None:
        """Let it fall silent, while its builds go on."""
        for task in list(self._tasks):
            await ended(task)
        self._tasks.clear()

    async def announce(self) -> None:
        """Say that it is there."""
        running = tuple(
            Running(key=key, fence=offer.fence, step="build")
            for key, (offer, _) in self.running.items()
        )
        presence = Presence(
            builder=self.name,
            session=str(self.session),
            facts=Facts(version="1", slots=self.slots, values=tuple(sorted(self.facts.items()))),
            health=self.health,
            running=running,
            free=max(0, self.slots - len(running)),
            accepting=self.accepting,
        )
        await self.end_of_bus.announce(encode(presence))

    async def release(self, project: str) -> None:
        """Let a build end."""
        for offer, go in self.running.values():
            if offer.release.project == project:
                go.set()

    def projects(self) -> set[str]:
        """Return what it runs."""
        return {str(offer.release.project) for offer, _ in self.running.values()}

    async def say(self, word: Word, *, name: str = "") -> None:
        """Say something."""
        self.says += 1
        await self.end_of_bus.say(encode(word), name=name or f"{self.name}-{self.says}")

    def _start(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)

    async def _live(self) -> None:
        while True:
            await self.announce()
            await asyncio.sleep(_PRESENCE)

    async def _hear(self) -> None:
        async for delivery in self.end_of_bus.orders():
            await self._take(delivery)

    async def _take(self, delivery: Delivery) -> None:
        order = decode_order(delivery.content)
        if isinstance(order, Assignment):
            self.order.append(str(order.offer.release.project))
            self.tokens.append(order.token)
            key = order.offer.key
            self._builds[key] = asyncio.create_task(self._build(order.offer))
        elif isinstance(order, Stop):
            task = self._builds.get(order.key)
            if order.key in self.running and task is not None:
                self.killed.append(str(self.running[order.key][0].release.project))
                await ended(task)
        elif isinstance(order, Settled):
            self.settled.append(order)
        elif isinstance(order, SetMode):
            self.modes.append(order.mode)
        await delivery.done()

    async def _build(self, offer: Offer) -> None:
        go = asyncio.Event()
        self.running[offer.key] = (offer, go)
        self.most_at_once = max(self.most_at_once, len(self.running))
        try:
            if self.manual:
                await self.announce()
                await go.wait()
            report = self.report(offer)
        finally:
            self.running.pop(offer.key, None)
        self.built.append(str(offer.release.project))
        if report.outcome is Outcome.LOST:
            await self.say(
                Returned(builder=self.name, key=offer.key, fence=offer.fence, reason="leaving")
            )
        else:
            await self.say(
                Result(builder=self.name, key=offer.key, fence=offer.fence, report=report)
            )

    def report(self, offer: Offer) -> Report:
        """Build as the script says, or as the small world does."""
        project = str(offer.release.project)
        if self.script.get(project):
            return self.script[project].pop(0)
        if self.everything is not None:
            return self.everything(offer)
        seeded = any(wheel.origin == "seed" for wheel in offer.requirements)
        unit = UnitId(offer.release, offer.target)
        start = Start(
            unit=unit, offer=offer, bootstrap=seeded, portable_key=offer.key, ordinary_key=offer.key
        )
        return self._farm.world.build(start).report
