"""Takes in what builders say: each result once, checked here, and settled when it is in the database.

What a builder says of a wheel is not believed: its bytes are looked at again. The message is done with
after the commit, so that a crash at any moment has it delivered again, and then it is known.
"""

import asyncio
import logging
from contextlib import suppress
from dataclasses import replace

from wheelyard.bus_ports import Delivery
from wheelyard.coordinator.crew import report_of
from wheelyard.coordinator.farm.actions import Action
from wheelyard.coordinator.farm.aftermath import Aftermath, Ended
from wheelyard.coordinator.farm.context import JobContext
from wheelyard.coordinator.farm.dispatcher import Dispatcher
from wheelyard.coordinator.farm.enclosures import Enclosures
from wheelyard.coordinator.farm.key_locks import KeyLocks
from wheelyard.coordinator.farm.news import News
from wheelyard.coordinator.farm.ports import FarmPorts
from wheelyard.coordinator.farm.roster import Held, Roster
from wheelyard.coordinator.farm.rules import FarmRules
from wheelyard.coordinator.farm.speaking import Speaker
from wheelyard.coordinator.farm.steadiness import OUTAGES
from wheelyard.coordinator.farm.verification import Verification
from wheelyard.coordinator.intake import Intake, Taken
from wheelyard.errors import ProtocolError, WheelyardError
from wheelyard.farm_ports import QueuedJob
from wheelyard.jobs.job import State
from wheelyard.model.job import Report
from wheelyard.ports import Lease
from wheelyard.protocol.messages import Result, Returned
from wheelyard.protocol.wire import decode_word

_LOG = logging.getLogger(__name__)
_AGAIN_SECONDS = 1.0
_LONGEST_REASON = 500


class Receiver:
    """Reads the builders' words from the bus."""

    def __init__(  # noqa: PLR0913 - the parts of a service, by name
        self,
        *,
        ports: FarmPorts,
        rules: FarmRules,
        roster: Roster,
        speaker: Speaker,
        dispatcher: Dispatcher,
        news: News,
        intake: Intake,
        verification: Verification,
        enclosures: Enclosures,
        aftermath: Aftermath,
    ) -> None:
        self._ports = ports
        self._roster = roster
        self._speaker = speaker
        self._dispatcher = dispatcher
        self._news = news
        self._intake = intake
        self._verification = verification
        self._enclosures = enclosures
        self._aftermath = aftermath
        self._room = asyncio.Semaphore(rules.results_at_once)
        self._locks = KeyLocks()

    async def run(self) -> None:
        """Take words in, several at once, but of one job one after another."""
        async with asyncio.TaskGroup() as group:
            async for delivery in self._ports.bus.words():
                await self._room.acquire()
                group.create_task(self._handle(delivery))

    async def _handle(self, delivery: Delivery) -> None:
        try:
            await self.receive(delivery)
            await delivery.done()
        except OUTAGES as error:
            _LOG.warning("a result waits: %s", error.message)
            # Where the bus is away, too, it comes again by itself.
            with suppress(*OUTAGES):
                await delivery.again(seconds=_AGAIN_SECONDS)
        finally:
            self._room.release()

    async def receive(self, delivery: Delivery) -> None:
        """Take one word in. What cannot be read, or speaks for somebody else, is dropped and told."""
        try:
            word = decode_word(delivery.content)
        except ProtocolError as error:
            await self._flag(delivery.sender, error.message)
            return
        if word.builder != delivery.sender:
            await self._flag(delivery.sender, f"it speaks for {word.builder!r}")
            return
        if isinstance(word, Result):
            async with self._locks.hold(word.key):
                await self._result(word)
        elif isinstance(word, Returned):
            async with self._locks.hold(word.key):
                await self._returned(word)

    async def _flag(self, builder: str, reason: str) -> None:
        _LOG.warning("a word of %s was refused: %s", builder, reason)
        await self._ports.events.write(Action.BUILDER_FLAGGED, builder, reason=reason[:300])

    async def _result(self, word: Result) -> None:
        """Take a result of a lease that is known; of every other one, see what became of it."""
        held = self._roster.lease(word.key, word.fence)
        if held is not None and held.builder == word.builder and await self._take(held, word):
            return
        queued = await self._ports.queue.queued(word.key)
        if queued is None:
            await self._settle(word, accepted=False, reason="there is no such job")
            return
        job = queued.job
        if (job.fence, job.builder) != (word.fence, word.builder):
            await self._aftermath.came_late(queued, word)
            await self._settle(word, accepted=False, reason="its lease was lost")
        elif job.state is State.LEASED:
            await self._take(Held(queued=queued, vouched=self._roster.now), word)
        elif job.accepted:
            # It was taken in before: this is a repetition, or the answer to the first was lost.
            await self._aftermath.told_again(queued, word)
            await self._settle(word, accepted=True)
        else:
            await self._aftermath.came_late(queued, word)
            await self._settle(word, accepted=False, reason=f"the job is {job.state}: {job.reason}")

    async def _take(self, held: Held, word: Result) -> bool:
        """Take a result in under its lease, and settle it; False where the lease was lost.

        One that came damaged is asked for again.
        """
        if not await self._enclosures.unpack(word, held.queued.offer.limits):
            return True
        verified = await self._verification.verify(held.queued, word)
        self._ports.pass_by("intake.before_commit")
        taken = await self._take_in(held.queued, word, verified)
        self._ports.pass_by("intake.after_commit")
        self._roster.end(word.key, word.fence)
        self._dispatcher.bell.ring()
        if taken.accepted:
            # It names what it delivers until it is told, which is soon.
            self._roster.told(word.builder, word.key, word.fence)
            await self._aftermath.follow(Ended(word=word, taken=taken, held=held))
            await self._settle(word, accepted=True)
        return taken.accepted

    async def _take_in(self, queued: QueuedJob, word: Result, report: Report) -> Taken:
        """Take a result in; a wheel that cannot be is a failure of its job."""
        context = JobContext.decode(queued.terms.context, word.key)
        job = queued.job
        assert job.lease_expires is not None
        lease = Lease(key=job.key, fence=job.fence, attempt=job.attempt, expires=job.lease_expires)
        try:
            return await self._intake.take(
                queued.offer,
                lease,
                report,
                bootstrap=context.bootstrap,
                keys=context.keys,
            )
        except OUTAGES:
            raise
        except WheelyardError as error:
            failed = replace(report_of(error), log_digest=report.log_digest, steps=report.steps)
            return await self._intake.take(
                queued.offer,
                lease,
                failed,
                bootstrap=context.bootstrap,
                keys=context.keys,
            )

    async def _returned(self, word: Returned) -> None:
        reason = f"{word.builder} gave it back: {word.reason}"[:_LONGEST_REASON]
        handed = await self._ports.queue.hand_back(word.key, word.fence, reason)
        self._roster.end(word.key, word.fence)
        if handed:
            await self._ports.events.write(
                Action.JOB_RETURNED, word.key, actor=word.builder, reason=word.reason
            )
            self._news.tell(word.key)
        self._dispatcher.look_again()

    async def _settle(self, word: Result, *, accepted: bool, reason: str = "") -> None:
        self._ports.pass_by("result.before_settled")
        await self._speaker.settle(
            word.builder, word.key, word.fence, accepted=accepted, reason=reason
        )
        self._roster.told(word.builder, word.key, word.fence)
