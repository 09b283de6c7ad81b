"""The jobs that a builder has: each is run once, whatever is delivered how often.

A job is known by its key and its fence. From its assignment on it is either here and running, or kept
with its result, or past; so an assignment that comes again changes nothing.
"""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Coroutine, Sequence
from typing import Any

from wheelyard.builder.admission import why_not
from wheelyard.builder.delivery import Deliveries, hand_back, say
from wheelyard.builder.inputs import Inputs, inputs_of
from wheelyard.builder.job import Ending, Job, JobId, with_share
from wheelyard.builder.log_stream import tell_packed
from wheelyard.builder.patience import Patience
from wheelyard.builder.settings import AgentPorts, AgentSettings
from wheelyard.builder.spool import Kept
from wheelyard.bus_ports import Delivery
from wheelyard.errors import BusError, StoreError
from wheelyard.model.builder import Running
from wheelyard.model.job import BuildKey, Outcome, Report
from wheelyard.protocol.messages import Assignment, Result, Returned
from wheelyard.protocol.wire import encode

_log = logging.getLogger(__name__)
_REMEMBERED = 1000
_EVICT_SECONDS = 60.0


class Bench:
    """The jobs of one process. Its tasks belong to ``group``, and ``changed`` is set when slots are taken or freed."""

    def __init__(
        self,
        settings: AgentSettings,
        ports: AgentPorts,
        *,
        session: str,
        group: asyncio.TaskGroup,
        changed: asyncio.Event,
    ) -> None:
        self._settings = settings
        self._ports = ports
        self._session = session
        self._group = group
        self._changed = changed
        self._jobs: dict[JobId, Job] = {}
        self._tasks: dict[JobId, asyncio.Task[None]] = {}
        self._others: set[asyncio.Task[None]] = set()
        self._past: OrderedDict[JobId, None] = OrderedDict()
        self._next_eviction = 0.0
        self.worked = asyncio.Event()
        """Set when a job was run to its end here."""
        self._inputs = Inputs(
            depot=ports.depot, blobs=ports.blobs, cache_bytes=settings.cache_bytes
        )
        self.deliveries = Deliveries(settings, ports, session=session)

    @property
    def taken(self) -> int:
        """How many slots are in use."""
        return len(self._jobs)

    def running(self) -> tuple[Running, ...]:
        """Say which leases are held here."""
        held = {(one.key, one.fence): one for one in self.deliveries.running()}
        held |= {job.id: job.running() for job in self._jobs.values()}
        return tuple(held.values())

    def open_deliveries(self) -> Sequence[Delivery]:
        """Return the messages that are worked on."""
        return [job.delivery for job in self._jobs.values()]

    def knows(self, assignment: Assignment, delivery: Delivery) -> bool:
        """Take in an assignment that is no news; False where it is. Whatever it replaces is stopped."""
        offer = assignment.offer
        job = (offer.key, offer.fence)
        if job in self._jobs:
            self._jobs[job].delivery = delivery
            return True
        fences = [fence for key, fence in (*self._jobs, *self.deliveries.open) if key == offer.key]
        if job in self.deliveries.open or job in self._past or max(fences, default=0) > offer.fence:
            self._spawn(self._done(delivery))
            return True
        for fence in fences:
            self.drop(offer.key, fence, "its lease was lost")
        return False

    def start(self, assignment: Assignment, delivery: Delivery) -> None:
        """Run an assignment, or refuse it with a reason."""
        offer = assignment.offer
        reason = why_not(
            offer,
            self._ports.interpreters,
            free_disk_bytes=self._ports.vitals.free_disk_bytes,
            least_disk_bytes=self._settings.least_disk_bytes,
        )
        if reason:
            _log.info("refused %s: %s", offer.release, reason, extra={"action": "job.refused"})
            self._spawn(self._refuse(assignment, delivery, reason))
            return
        job = Job(assignment, delivery, bus=self._ports.bus)
        self._jobs[job.id] = job
        _log.info("began %s", job.name, extra={"action": "job.began", "job": offer.key})
        self._tasks[job.id] = self._group.create_task(self._see_through(job))
        self._spawn(self._tell_log(job))
        self._changed.set()

    def give_back(self, assignment: Assignment, delivery: Delivery, reason: str) -> None:
        """Give an assignment back that cannot be taken now."""
        self._spawn(self._hand_back(assignment.offer.key, assignment.offer.fence, delivery, reason))

    def drop(self, key: BuildKey, fence: int, reason: str) -> None:
        """Kill what runs under a fence and forget what is kept of it: nobody waits for it."""
        job = self._jobs.get((key, fence))
        if job is not None:
            job.end(Ending.STOPPED, reason)
        self.settled(key, fence)

    def pass_over(self, delivery: Delivery) -> None:
        """Be done with a message."""
        self._spawn(self._done(delivery))

    def settled(self, key: BuildKey, fence: int) -> None:
        """Forget a result."""
        self._spawn(self._settle((key, fence)))

    def upload(self, key: BuildKey, fence: int, reason: str) -> None:
        """Bring again what came damaged with its word, otherwise this time."""
        _log.warning("what was sent for %s is not what it names: %s", key, reason)
        self.deliveries.upload((key, fence), self._group)

    def resume(self, kept: Kept) -> None:
        """Go on with a result that an earlier process left."""
        self.deliveries.resume(kept, self._group)
        if not kept.log_told:
            self._spawn(self._tell_kept_log(kept))

    def lose(self, key: BuildKey, fence: int) -> None:
        """Say that an earlier process ended while it ran this: the farm counts how often that happens to a job."""
        # At once: its order may come again before that was written down.
        self._remember((key, fence))
        self._spawn(self._lose(key, fence))

    def return_all(self, reason: str) -> None:
        """Kill everything and give it back."""
        for job in self._jobs.values():
            job.end(Ending.RETURNED, reason)

    async def all_ended(self) -> None:
        """Wait until nothing runs."""
        while self._tasks:
            await asyncio.wait(self._tasks.values())

    async def all_told(self) -> None:
        """Wait until every log was told to its end, and every message is done with."""
        while self._others:
            await asyncio.wait(self._others)

    def cancel(self) -> None:
        """Stop whatever goes on; what is kept stays kept."""
        for task in (*self._tasks.values(), *self._others):
            task.cancel()
        self.deliveries.cancel()

    async def _see_through(self, job: Job) -> None:
        kept = False
        try:
            await self._ports.spool.begin(*job.id)
            report = await job.carry_out(
                self._inputs,
                self._ports.executor,
                lambda offer: with_share(offer, self._settings.memory_bytes),
            )
            if report is not None:
                kept = await self._ended(job, report)
            elif job.ending is Ending.STOPPED:
                _log.info("stopped %s: %s", job.name, job.reason, extra={"action": "job.stopped"})
                self._remember(job.id)
                self._spawn(self._done(job.delivery))
            else:
                reason = job.reason or "its build was cancelled"
                await self._hand_back(*job.id, job.delivery, reason)
        finally:
            self._jobs.pop(job.id)
            self._tasks.pop(job.id)
            self._changed.set()
            if not kept:
                await self._ports.spool.end(*job.id)

    async def _ended(self, job: Job, report: Report) -> bool:
        """Begin to deliver a result; return whether it is kept over a restart."""
        self._ports.vitals.hear(report.outcome)
        self.worked.set()
        _log.info(
            "%s %s in %.1f s%s",
            report.outcome,
            job.name,
            report.wall_seconds,
            f": {report.reason}" if report.reason else "",
            extra={"action": "job.ended", "job": job.id[0], "outcome": report.outcome.value},
        )
        result = Kept(
            key=job.id[0],
            fence=job.id[1],
            report=report,
            token=job.token,
            log_told=job.log.complete,
            enclosable=job.enclosable,
        )
        kept = await self.deliveries.add(result, self._group)
        if kept:
            self._spawn(self._done(job.delivery))
        if job.ending is Ending.STOPPED:
            self.settled(*job.id)
        return kept

    async def _tell_log(self, job: Job) -> None:
        await job.log.tell()
        await self.deliveries.log_told(job.id)

    async def _tell_kept_log(self, kept: Kept) -> None:
        packed = self._ports.blobs.path(kept.report.log_digest) if kept.report.log_digest else None
        await tell_packed(f"{kept.key}.{kept.fence}", packed, self._ports.bus)
        await self.deliveries.log_told((kept.key, kept.fence))

    async def _refuse(self, assignment: Assignment, delivery: Delivery, reason: str) -> None:
        offer = assignment.offer
        result = Result(
            builder=self._settings.name,
            key=offer.key,
            fence=offer.fence,
            report=Report(outcome=Outcome.REFUSED, reason=reason),
        )
        name = f"{offer.key}.{offer.fence}.{self._session}.refused"
        await say(self._ports.bus, encode(result), name=name)
        await self._done(delivery)

    async def _lose(self, key: BuildKey, fence: int) -> None:
        _log.info("lost %s: an earlier process ended while it ran", key)
        report = Report(outcome=Outcome.LOST, reason="its builder ended while it ran")
        kept = Kept(key=key, fence=fence, report=report, token="", log_told=True)
        await self.deliveries.add(kept, self._group)
        await self._ports.spool.end(key, fence)

    async def _hand_back(self, key: BuildKey, fence: int, delivery: Delivery, reason: str) -> None:
        _log.info("gave %s back: %s", key, reason, extra={"action": "job.returned", "job": key})
        returned = Returned(builder=self._settings.name, key=key, fence=fence, reason=reason)
        await hand_back(self._ports.bus, returned, session=self._session)
        self._remember((key, fence))
        await self._done(delivery)

    async def _settle(self, job: JobId) -> None:
        if await self.deliveries.settle(job):
            self._remember(job)
            self._changed.set()
            await self._evict()

    async def _evict(self) -> None:
        now = asyncio.get_running_loop().time()
        if now < self._next_eviction:
            return
        self._next_eviction = now + _EVICT_SECONDS
        needed = {digest for job in self._jobs.values() for digest in inputs_of(job.offer)}
        try:
            await self._inputs.evict(needed | self.deliveries.in_use())
        except StoreError as error:
            _log.warning("old blobs cannot be removed: %s", error.message)

    def _remember(self, job: JobId) -> None:
        self._past[job] = None
        if len(self._past) > _REMEMBERED:
            self._past.popitem(last=False)

    async def _done(self, delivery: Delivery) -> None:
        patience = Patience()
        while True:
            try:
                await delivery.done()
            except BusError:
                await patience.wait()
            else:
                return

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = self._group.create_task(work)
        self._others.add(task)
        task.add_done_callback(self._others.discard)
