"""What follows a result that was taken in, or that came too late to be."""

from dataclasses import dataclass, replace

import msgspec

from wheelyard.coordinator.farm.actions import Action
from wheelyard.coordinator.farm.care import Care
from wheelyard.coordinator.farm.dispatcher import Dispatcher
from wheelyard.coordinator.farm.news import News
from wheelyard.coordinator.farm.ports import FarmPorts
from wheelyard.coordinator.farm.roster import Held, Roster, facts_of
from wheelyard.coordinator.intake import Taken
from wheelyard.coordinator.others import Known
from wheelyard.farm_ports import QueuedJob
from wheelyard.jobs.needs import Needs
from wheelyard.jobs.pools import larger
from wheelyard.model.builder import Mode
from wheelyard.model.job import Outcome
from wheelyard.protocol.messages import Result

_RAW = "made-as-1"
_EVIDENCE = "evidence-1"
_LAST_EVENTS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """An attempt whose result was taken in, and the lease that is over with it."""

    word: Result
    taken: Taken
    held: Held


class Aftermath:
    """Tells everybody whom the end of an attempt concerns."""

    def __init__(
        self, *, ports: FarmPorts, roster: Roster, dispatcher: Dispatcher, news: News, care: Care
    ) -> None:
        self._ports = ports
        self._roster = roster
        self._dispatcher = dispatcher
        self._news = news
        self._care = care

    async def follow(self, ended: Ended) -> None:
        """Write down what happened, and let it have its effects."""
        word, taken = ended.word, ended.taken
        again = taken.again_at is not None
        await self._remember_bytes(ended)
        await self._write(word, taken.report.outcome.value, reason=taken.report.reason)
        if again and taken.report.outcome is Outcome.RESOURCES:
            await self._enlarge(ended)
        end = None if again else Known(report=taken.report, artifact=taken.artifact)
        if await self._care.ended(ended.held, taken.report.outcome, end):
            self._news.tell(word.key, end)
        if again:
            self._dispatcher.look_again()

    async def told_again(self, queued: QueuedJob, word: Result) -> None:
        """See that the event is there of a result that came once more: a crash may have lost it."""
        lines = await self._ports.events.read(subject=word.key, limit=_LAST_EVENTS)
        known = {line.detail.get("fence") for line in lines if line.action == Action.JOB_ENDED}
        if word.fence not in known:
            job = queued.job
            outcome = job.outcome or word.report.outcome
            await self._write(word, outcome.value, reason=job.reason)
        self._roster.end(word.key, word.fence)
        self._news.tell(word.key)

    async def came_late(self, queued: QueuedJob, word: Result) -> None:
        """Keep what a late holder made as evidence, where it is not what counts."""
        self._roster.end(word.key, word.fence)
        await self._ports.events.write(
            Action.RESULT_LATE, word.key, actor=word.builder, fence=word.fence
        )
        artifact = word.report.artifact
        counts = queued.job.artifact
        if artifact is None or not counts:
            return
        raw = await self._ports.memory.recall(_RAW, f"{word.key} {counts}")
        if artifact.digest in {counts, (raw or b"").decode()}:
            return
        kept = await self._ports.memory.recall(_EVIDENCE, word.key)
        evidence = msgspec.json.decode(kept, type=list[tuple[str, str]]) if kept else []
        if (word.builder, artifact.digest) not in evidence:
            evidence.append((word.builder, artifact.digest))
            await self._ports.memory.keep(_EVIDENCE, word.key, msgspec.json.encode(evidence))
            await self._ports.events.write(
                Action.ARTIFACT_DIFFERED,
                word.key,
                actor=word.builder,
                digest=artifact.digest,
                other=counts,
                other_builder=queued.job.builder,
            )

    async def _remember_bytes(self, ended: Ended) -> None:
        """Note what a wheel was before it got a build number, so that the same bytes are known later."""
        made, counts = ended.word.report.artifact, ended.taken.report.artifact
        if made is not None and counts is not None and made.digest != counts.digest:
            name = f"{ended.word.key} {counts.digest}"
            await self._ports.memory.keep(_RAW, name, made.digest.encode())

    async def _write(self, word: Result, outcome: str, *, reason: str) -> None:
        await self._ports.events.write(
            Action.JOB_ENDED,
            word.key,
            actor=word.builder,
            fence=word.fence,
            outcome=outcome,
            reason=reason[:300],
        )

    async def _enlarge(self, ended: Ended) -> None:
        """Let a job that ran out of memory wait for builders with more of it, where there are some."""
        builder = self._roster.get(ended.word.builder)
        if builder is None:
            return
        terms = ended.held.queued.terms
        needs = Needs.of(terms.needs)
        others = [
            facts_of(one.builder)
            for one in self._roster.standings()
            if one.present and one.builder.mode is not Mode.DRAINING
        ]
        wanted = larger(needs, facts_of(builder), others)
        if wanted == needs:
            return
        moved = replace(terms, needs=dict(wanted.items), pool=str(wanted))
        await self._ports.queue.submit(ended.held.queued.offer, moved)
        await self._ports.events.write(
            Action.JOB_ENLARGED, ended.word.key, actor=ended.word.builder, pool=moved.pool
        )
