"""What a coordinator does for people, straight on the stores and the bus, for tests without one.

Nothing is planned: a request stays open until somebody ends it.
"""

import hashlib
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from wheelyard.bus_ports import Bus
from wheelyard.farm_ports import BuilderStore, EventLog, Queue, QueuedJob, RequestStore
from wheelyard.jobs import builder_life
from wheelyard.jobs.builder_life import BuilderEvent
from wheelyard.jobs.job import Job, State
from wheelyard.jobs.needs import Needs
from wheelyard.jobs.priority import levels
from wheelyard.jobs.selection import Selection
from wheelyard.jobs.waiting import Standing, Unbuilt, why_unbuilt
from wheelyard.model.builder import Builder, Mode
from wheelyard.model.job import BuildKey
from wheelyard.model.request import Request, RequestId, RequestState, Wish
from wheelyard.ports import Clock
from wheelyard.protocol.messages import Order, SetMode, Stop
from wheelyard.protocol.wire import encode

_SAID = 20


class JobsForPeople(Protocol):
    """The part of a store of jobs that people's wishes reach."""

    async def job(self, key: BuildKey) -> Job | None:
        """Return where a job stands."""
        ...

    async def cancel(self, key: BuildKey, reason: str = ...) -> bool:
        """End a job."""
        ...

    async def hold(self, key: BuildKey, reason: str) -> bool:
        """Let a job wait for a person."""
        ...

    async def approve(self, key: BuildKey) -> bool:
        """Let a wheel count that was held."""
        ...

    async def retry(self, selection: Selection, *, preview: bool = ...) -> Sequence[Job]:
        """Try again what did not end well."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskPorts:
    """What it works on."""

    requests: RequestStore
    jobs: JobsForPeople
    queue: Queue
    builders: BuilderStore
    events: EventLog
    bus: Bus
    clock: Clock


class StoreDesk:
    """Carries wishes out at once."""

    def __init__(self, ports: DeskPorts) -> None:
        self._ports = ports
        self._numbers = itertools.count(1)

    async def submit(self, wish: Wish) -> Request:
        """Keep a request, or join the one that is open already."""
        digest = hashlib.sha256(wish.kind.encode() + b"\0" + wish.asked).hexdigest()
        request = Request(
            id=RequestId(f"r{next(self._numbers)}"),
            kind=wish.kind,
            owner=wish.owner,
            text=wish.asked,
            digest=digest,
            summary=f"{wish.kind.value} {digest[:8]}",
            created=self._ports.clock.now(),
            priority=wish.priority,
        )
        return await self._ports.requests.add(request, wish.notify)

    async def cancel_request(self, request: RequestId, *, actor: str) -> bool:
        """End a request."""
        reason = f"cancelled by {actor}"
        return await self._ports.requests.end(request, RequestState.CANCELLED, reason, ())

    async def cancel(self, key: BuildKey, *, actor: str, reason: str) -> bool:
        """End a job, and tell its builder."""
        job = await self._ports.jobs.job(key)
        if not await self._ports.jobs.cancel(key, reason):
            return False
        if job is not None and job.holder:
            await self._order(job.holder, Stop(key=key, fence=job.fence, reason=reason))
        await self._ports.events.write("job.cancelled", key, actor=actor)
        return True

    async def hold(self, key: BuildKey, *, actor: str, reason: str) -> bool:
        """Let a job wait for a person."""
        changed = await self._ports.jobs.hold(key, reason)
        if changed:
            await self._ports.events.write("job.held", key, actor=actor)
        return changed

    async def approve(self, key: BuildKey, *, actor: str) -> bool:
        """Let a wheel count that was held."""
        changed = await self._ports.jobs.approve(key)
        if changed:
            await self._ports.events.write("job.approved", key, actor=actor)
        return changed

    async def retry(
        self, selection: Selection, *, actor: str, preview: bool = False
    ) -> Sequence[Job]:
        """Try again what did not end well."""
        found = await self._ports.jobs.retry(selection, preview=preview)
        for job in () if preview else found:
            await self._ports.events.write("job.retried", job.key, actor=actor)
        return found

    async def boost(self, selection: Selection, *, by: int, actor: str) -> int:  # noqa: ARG002 - nobody is told here
        """Raise the priority of jobs that wait."""
        return await self._ports.queue.rank_again(selection, by=levels(by))

    async def tell_builder(self, name: str, event: BuilderEvent, *, actor: str) -> Builder | None:
        """Let something happen to a builder."""
        before = await self._ports.builders.get(name)
        if before is None:
            return None
        after, _ = builder_life.step(before, event)
        if after.mode is not before.mode:
            await self._ports.builders.set_mode(name, after.mode, after.reason)
            await self._order(name, SetMode(mode=after.mode, reason=after.reason))
            await self._ports.events.write(
                "builder.mode", name, actor=actor, mode=after.mode.value, reason=after.reason
            )
        if after.mode is Mode.REVOKED:
            await self._ports.queue.expire_of(name)
        return after

    async def flag_builder(self, name: str, reason: str) -> None:
        """Write down what a builder tried."""
        await self._ports.events.write("builder.flagged", name, reason=reason)

    async def standings(self) -> Sequence[Standing]:
        """Return all builders, each as if it were there and had a free slot for each it has."""
        return [
            Standing(builder=one, free=one.facts.slots, present=True)
            for one in await self._ports.builders.all()
            if one.mode is not Mode.REVOKED
        ]

    async def waits(self, request: RequestId) -> Sequence[str]:
        """Say what an open request waits for: its first jobs that wait for a builder."""
        queue, standings = self._ports.queue, await self.standings()
        pools = await queue.open_pools()
        keys = [key for depth in pools for key in await queue.order(depth.pool)]
        found = [await queue.queued(key) for key in keys if request in await queue.requests_of(key)]
        return [f"{one.job.release} {self._why(one, standings)}" for one in found[:_SAID] if one]

    async def why(self, key: BuildKey) -> str:
        """Say what a job waits for, where it waits."""
        queued = await self._ports.queue.queued(key)
        if queued is None or queued.job.state is not State.READY:
            return ""
        return self._why(queued, await self.standings())

    def _why(self, queued: QueuedJob, standings: Sequence[Standing]) -> str:
        unbuilt = Unbuilt(needs=Needs.of(queued.terms.needs), not_before=queued.job.not_before)
        return why_unbuilt(unbuilt, standings, self._ports.clock.now())

    async def _order(self, builder: str, order: Order) -> None:
        await self._ports.bus.order(builder, encode(order), name=f"desk-{next(self._numbers)}")
