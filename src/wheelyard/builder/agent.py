"""The builder of a farm: takes orders, builds, delivers, and says all the while that it is there.

It decides nothing about jobs. It is told what to run and under which fence, keeps what it made until it
is told that this was settled, and leaves when it is asked to. Whatever dies around it (the farm, the
bus, itself), an assignment is run once here, and a result is delivered at least once.
"""

import asyncio
import contextlib
import logging
import secrets
from typing import assert_never

from wheelyard.builder.bench import Bench
from wheelyard.builder.heart import Heart, watch
from wheelyard.builder.patience import Patience
from wheelyard.builder.settings import AgentPorts, AgentSettings
from wheelyard.bus_ports import Delivery
from wheelyard.errors import BusError, DeniedError, ProtocolError
from wheelyard.model.builder import Health, Mode
from wheelyard.model.counted import plural
from wheelyard.protocol.messages import Assignment, Presence, SetMode, Settled, Stop, Upload
from wheelyard.protocol.wire import decode_order

_log = logging.getLogger(__name__)


class Agent:
    """One builder. ``run`` once; ``leave`` from a signal handler or wherever."""

    def __init__(self, settings: AgentSettings, ports: AgentPorts) -> None:
        self._settings = settings
        self._ports = ports
        self._session = settings.session or secrets.token_hex(8)
        self._changed = asyncio.Event()
        self._heart = Heart(ports.bus, seconds=settings.presence_seconds, changed=self._changed)
        self._mode = Mode.ACTIVE
        self._leaving = asyncio.Event()
        self._hurry = asyncio.Event()
        self._why_leaving = ""
        self._bench: Bench | None = None

    async def run(self) -> None:
        """Take orders until told to leave. Raises (a group with) DeniedError where the farm shut it out."""
        kept = await self._ports.spool.all()
        begun = await self._ports.spool.begun()
        async with asyncio.TaskGroup() as group:
            bench = Bench(
                self._settings,
                self._ports,
                session=self._session,
                group=group,
                changed=self._changed,
            )
            self._bench = bench
            for one in kept:
                bench.resume(one)
            for job in begun - {(one.key, one.fence) for one in kept}:
                bench.lose(*job)
            endless = [
                group.create_task(self._heart.beat(self.presence)),
                group.create_task(self._heart.keep_working(bench.open_deliveries)),
                group.create_task(self._watch()),
                group.create_task(self._listen(bench)),
            ]
            if self._settings.once:
                await self._until_worked(bench)
            await self._leaving.wait()
            await self._finish(bench)
            for task in endless:
                task.cancel()
            bench.cancel()
        await self._heart.farewell(self.presence())
        if bench.deliveries.open:
            _log.warning(
                "%s kept for the next start: the farm did not settle that yet",
                plural(len(bench.deliveries.open), "result"),
                extra={"action": "builder.left"},
            )

    def leave(self, why: str = "it was asked to leave") -> None:
        """Finish what runs, take nothing new, and go; the second time, kill it, give it back and go at once."""
        if self._leaving.is_set():
            self._hurry.set()
        self._why_leaving = self._why_leaving or why
        self._leaving.set()
        self._changed.set()

    def presence(self) -> Presence:
        """Say what is so at this moment."""
        assert self._bench is not None
        health = self._ports.vitals.health()
        why = self._why_not_now() or self._why_not(health)
        free = self._settings.facts.slots - self._bench.taken
        return Presence(
            builder=self._settings.name,
            session=self._session,
            facts=self._settings.facts,
            health=health,
            running=self._bench.running(),
            free=0 if why else max(0, free),
            accepting=not why,
            why=why,
        )

    def _why_not_now(self) -> str:
        """Say why an assignment that comes now is given back, or nothing."""
        assert self._bench is not None
        if self._leaving.is_set():
            return f"it is leaving: {self._why_leaving}"
        if self._mode is Mode.PAUSED:
            return "it is paused"
        if self._settings.once and (self._bench.taken or self._bench.worked.is_set()):
            return "it takes one job only"
        return self._ports.vitals.why_busy()

    def _why_not(self, health: Health) -> str:
        assert self._bench is not None
        waiting = len(self._bench.deliveries.open)
        if waiting >= self._settings.backlog:
            return f"{plural(waiting, 'result')} to be delivered first"
        return health.reason

    async def _until_worked(self, bench: Bench) -> None:
        """Leave after one job, if nobody wants that earlier."""
        tasks = [asyncio.ensure_future(one.wait()) for one in (bench.worked, self._leaving)]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
        if not self._leaving.is_set():
            self.leave("it took its one job")

    async def _finish(self, bench: Bench) -> None:
        """Let what runs come to its end and be delivered, or give it back when there is a hurry."""
        calm = asyncio.ensure_future(self._finish_calmly(bench))
        hurry = asyncio.ensure_future(self._hurry.wait())
        try:
            await asyncio.wait({calm, hurry}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            calm.cancel()
            hurry.cancel()
            await asyncio.wait({calm, hurry})
        if self._hurry.is_set():
            bench.return_all(self._why_leaving)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._settings.hurry_seconds):
                    await bench.all_ended()

    async def _finish_calmly(self, bench: Bench) -> None:
        await bench.all_ended()
        await bench.deliveries.all_said()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._settings.goodbye_seconds):
                await bench.deliveries.all_settled()
                await bench.all_told()

    async def _watch(self) -> None:
        await watch(
            self._ports.machine,
            self._ports.vitals,
            seconds=self._settings.look_seconds,
            changed=self._changed,
        )

    async def _listen(self, bench: Bench) -> None:
        """Take orders for ever; a bus that is away is asked again."""
        patience = Patience()
        while True:
            try:
                async for delivery in self._ports.bus.orders():
                    patience = Patience()
                    await self._take_in(delivery, bench)
            except BusError as error:
                _log.warning("orders cannot be read: %s", error.message)
            await patience.wait()

    async def _take_in(self, delivery: Delivery, bench: Bench) -> None:
        try:
            order = decode_order(delivery.content)
        except ProtocolError as error:
            # It will not be readable the next time either; the farm sees that its job is not run.
            _log.error("an order was passed over: %s", error.message)
            bench.pass_over(delivery)
            return
        match order:
            case Assignment():
                self._assign(order, delivery, bench)
                return
            case Stop():
                bench.drop(order.key, order.fence, order.reason)
            case Settled():
                self._log_settled(order)
                bench.drop(order.key, order.fence, order.reason or "it was settled")
            case Upload():
                bench.upload(order.key, order.fence, order.reason)
            case SetMode():
                self._set_mode(order)
            case _:
                assert_never(order)
        bench.pass_over(delivery)

    def _assign(self, order: Assignment, delivery: Delivery, bench: Bench) -> None:
        if bench.knows(order, delivery):
            return
        why = self._why_not_now()
        if not why and bench.taken >= self._settings.facts.slots:
            why = "no slot is free"
        if why:
            bench.give_back(order, delivery, why)
            return
        bench.start(order, delivery)

    def _set_mode(self, order: SetMode) -> None:
        if self._mode is not order.mode:
            _log.info("is %s now %s", order.mode, order.reason, extra={"action": "builder.mode"})
        self._mode = order.mode
        self._changed.set()
        if order.mode is Mode.DRAINING and not self._leaving.is_set():
            self.leave(order.reason or "it was drained")
        if order.mode is Mode.REVOKED:
            raise DeniedError(
                f"the farm shut {self._settings.name!r} out: {order.reason or 'it was revoked'}",
                hint="Join again with a new code, if its administrator gives you one.",
            )

    @staticmethod
    def _log_settled(order: Settled) -> None:
        if not order.accepted:
            _log.info(
                "a result was not taken: %s", order.reason, extra={"action": "result.superseded"}
            )
