"""Gives jobs out: late, by priority, and never more than a builder has free slots.

A job is chosen when a slot is free for it, in the transaction that takes its lease, so that whatever
changed until then counts. Only then does its offer go onto the bus.
"""

import asyncio
from dataclasses import replace
from datetime import datetime

from wheelyard.coordinator.farm.actions import Action
from wheelyard.coordinator.farm.bell import Bell
from wheelyard.coordinator.farm.news import News
from wheelyard.coordinator.farm.open_pools import OpenPools
from wheelyard.coordinator.farm.ports import FarmPorts
from wheelyard.coordinator.farm.roster import Held, Roster
from wheelyard.coordinator.farm.rules import FarmRules
from wheelyard.coordinator.farm.speaking import Speaker
from wheelyard.errors import BusError, ProtocolError
from wheelyard.farm_ports import QueuedJob, Terms
from wheelyard.jobs.priority import in_fair_order
from wheelyard.model.builder import Builder
from wheelyard.model.job import Outcome, Report
from wheelyard.ports import Lease
from wheelyard.protocol.messages import Assignment


class Dispatcher:
    """Fills free slots. Everything that may have made a job or a slot ready rings ``bell``."""

    def __init__(
        self, *, ports: FarmPorts, rules: FarmRules, roster: Roster, speaker: Speaker, news: News
    ) -> None:
        self._ports = ports
        self._rules = rules
        self._roster = roster
        self._speaker = speaker
        self._news = news
        self._pools = OpenPools()
        self._read_again = 0.0
        self._wake_at: datetime | None = None
        self._sending: set[asyncio.Task[None]] = set()
        self.bell = Bell()

    def submitted(self, terms: Terms) -> None:
        """Note that a job waits, and look for a slot at once."""
        self._pools.submitted(terms)
        self.bell.ring()

    def look_again(self) -> None:
        """Read the pools again and look for slots: jobs may have come back."""
        self._read_again = 0.0
        self.bell.ring()

    async def run(self) -> None:
        """Go round whenever something changed. A slot that is free waits for no order of another."""
        self.look_again()
        try:
            while True:
                await self.bell.wait(self._seconds_to_wake())
                if any(one.done() for one in self._sending):
                    await self._all_sent()
                await self._fill_all()
        finally:
            for one in self._sending:
                one.cancel()
            await self._all_sent()

    async def round(self) -> None:
        """Fill every slot that is free now, and wait until all orders are on the bus."""
        await self._fill_all()
        await self._all_sent()

    async def _fill_all(self) -> None:
        if self._ports.ticks() >= self._read_again:
            self._read_again = self._ports.ticks() + self._rules.refresh
            self._wake_at = await self._ports.queue.wake()
            self._pools.refresh(await self._ports.queue.open_pools())
        if not self._ports.has_room():
            # What is built could not be taken in. The pools are read again soon, and so is this.
            return
        for builder in self._roster.willing():
            await self._fill(builder, self._roster.free(builder.name))

    async def probe(self, builder: Builder) -> bool:
        """Give one job to a builder in quarantine, to see whether it can build again."""
        return await self._fill(builder, 1, probe=True) > 0

    def _seconds_to_wake(self) -> float:
        """Return after how long a job's pause ends, or the pools have to be read again."""
        longest = max(0.0, self._read_again - self._ports.ticks())
        if self._wake_at is None:
            return longest
        pause = (self._wake_at - self._ports.clock.now()).total_seconds()
        if pause <= longest:
            # What is free then is in no count yet.
            self._read_again = self._ports.ticks() + max(0.0, pause)
        return max(0.0, min(longest, pause))

    async def _fill(self, builder: Builder, count: int, *, probe: bool = False) -> int:
        pools = self._pools.met_by(builder, self._roster)
        if not pools or count <= 0:
            return 0
        running = self._roster.running_of_owners()
        owners = in_fair_order(self._pools.owners(pools), running, self._rules.shares)
        leased = await self._ports.queue.lease_next(
            pools, builder.name, owners=owners, count=count, seconds=self._rules.lease
        )
        for queued, _ in leased:
            self._pools.leased(queued.terms.pool)
            self._roster.grant(Held(queued=queued, vouched=self._roster.now, probe=probe))
        self._ports.pass_by("dispatch.after_lease")
        for queued, lease in leased:
            task = asyncio.create_task(self._send(builder, queued, lease))
            self._sending.add(task)
            task.add_done_callback(self._note_sent)
        return len(leased)

    def _note_sent(self, task: asyncio.Task[None]) -> None:
        """Forget an order that is on the bus; of one that is not, the loop is told."""
        if task.cancelled() or task.exception() is not None:
            self.bell.ring()
        else:
            self._sending.discard(task)

    async def _all_sent(self) -> None:
        """Wait for every order on its way, whatever becomes of one; raises what became of it."""
        sending, self._sending = self._sending, set()
        for ended in await asyncio.gather(*sending, return_exceptions=True):
            if isinstance(ended, Exception):
                raise ended

    async def _send(self, builder: Builder, queued: QueuedJob, lease: Lease) -> None:
        token = await self._ports.issue_token(lease.key, lease.fence, builder.name)
        offer = replace(queued.offer, fence=lease.fence, attempt=lease.attempt)
        order = Assignment(
            offer=offer,
            token=token,
            lease_seconds=self._rules.lease,
            enclosable=self._rules.enclosable,
        )
        try:
            await self._speaker.assign(builder.name, order)
        except BusError:
            # Should it have arrived after all, its fence is worth nothing any more.
            reason = "the bus did not take its order"
            await self._ports.queue.hand_back(lease.key, lease.fence, reason)
            self._roster.end(lease.key, lease.fence)
            raise
        except ProtocolError as error:
            # No builder can ever be told; somebody has to make it smaller.
            report = Report(outcome=Outcome.FAILED, reason=error.message, hint=error.hint)
            await self._ports.jobs.finish(lease.key, lease.fence, report)
            self._roster.end(lease.key, lease.fence)
            self._news.tell(lease.key)
            return
        await self._ports.events.write(
            Action.JOB_LEASED,
            lease.key,
            actor=builder.name,
            fence=lease.fence,
            attempt=lease.attempt,
            release=str(queued.job.release),
        )
        self._news.tell(lease.key)
