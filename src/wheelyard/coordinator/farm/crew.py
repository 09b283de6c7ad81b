"""The crew that is a farm: a job is put into the queue, and whoever builds it, its end is taken.

All open requests share jobs by their build keys. A crew keeps nothing that cannot be had again: begun
anew it submits the same jobs, and finds them where they are.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from wheelyard.coordinator.crew import Site, report_of
from wheelyard.coordinator.farm.actions import Action
from wheelyard.coordinator.farm.care import Care
from wheelyard.coordinator.farm.context import JobContext
from wheelyard.coordinator.farm.dispatcher import Dispatcher
from wheelyard.coordinator.farm.news import News
from wheelyard.coordinator.farm.ports import FarmPorts
from wheelyard.coordinator.farm.roster import Roster
from wheelyard.coordinator.intake import Intake
from wheelyard.coordinator.others import Holds, Known, OtherRuns
from wheelyard.coordinator.story import CommandsCaught, JobAwaited, JobStarted
from wheelyard.errors import NotUpstreamError, UpstreamError
from wheelyard.farm_ports import Terms
from wheelyard.jobs.job import Job, State
from wheelyard.jobs.needs import Needs
from wheelyard.jobs.pools import needs_of_way
from wheelyard.jobs.priority import Worth, rank
from wheelyard.jobs.retry import INFRASTRUCTURE_BACK_OFF, INFRASTRUCTURE_CAP
from wheelyard.jobs.waiting import Standing
from wheelyard.model.caught import Caught
from wheelyard.model.job import BuildKey, Offer, Outcome, Report
from wheelyard.model.request import Request, RequestState
from wheelyard.model.source import FileEntry
from wheelyard.plan.events import Start, UnitId
from wheelyard.targets.target import Target

UNWANTED = "nobody wants it any more"
"""Why a job was cancelled that a request may still want by the time that it hears of it."""
_PREPARED_AT_ONCE = 16
_FORGOTTEN_AT_ONCE = 10_000
_GOES_ON = frozenset({State.READY, State.LEASED})

Prepare = Callable[[Offer, FileEntry | None], Awaitable[Offer]]
"""Brings what an offer names to the farm, and completes it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CrewParts:
    """What the crews of all requests share."""

    ports: FarmPorts
    roster: Roster
    dispatcher: Dispatcher
    news: News
    care: Care
    intake: Intake
    prepare: Prepare
    holds: Holds = lambda _: True


class FarmCrew:
    """Has jobs of one request built. ``keys`` are those that it waits for."""

    def __init__(self, parts: CrewParts, request: Request, needs: Needs) -> None:
        self._parts = parts
        self._ports = parts.ports
        self._request = request
        self._needs = needs
        self._others = OtherRuns(
            jobs=parts.ports.jobs,
            intake=parts.intake,
            recover=_nothing,
            holds=parts.holds,
            poll_seconds=0.0,
            since=request.created,
        )
        self._room = asyncio.Semaphore(_PREPARED_AT_ONCE)
        self._units: dict[BuildKey, UnitId] = {}
        self._caught: dict[BuildKey, Caught] = {}

    @property
    def slots(self) -> int:
        """How many jobs all builders that are there run at once."""
        return max(1, self._parts.roster.slots())

    @property
    def keys(self) -> tuple[BuildKey, ...]:
        """The jobs that it waits for."""
        return tuple(self._units)

    @property
    def units(self) -> Mapping[BuildKey, UnitId]:
        """The units of the jobs that it waits for."""
        return dict(self._units)

    def builders(self) -> Sequence[Standing]:
        """Return all builders that are known, by which ways are chosen."""
        return self._parts.roster.standings()

    async def wait_for_facts(self) -> None:
        """Wait until these are others, or have other facts."""
        await self._parts.roster.wait_for_facts()

    async def forget(self, targets: Collection[Target]) -> None:
        """Take back the jobs for some targets that wait, where no other request wants them: they are planned anew."""
        queue = self._ports.queue
        for pool in await queue.open_pools():
            for queued in await queue.waiting(pool.pool, limit=_FORGOTTEN_AT_ONCE):
                key = queued.job.key
                if queued.job.target in targets and await self._is_ours_alone(key):
                    await self._ports.jobs.cancel(key, UNWANTED)

    async def _is_ours_alone(self, key: BuildKey) -> bool:
        names = set(await self._ports.queue.requests_of(key))
        others = [await self._ports.requests.get(name) for name in names - {self._request.id}]
        open_ones = [one for one in others if one and one.state is RequestState.OPEN]
        return self._request.id in names and not open_ones

    def begin(self, site: Site, group: asyncio.TaskGroup) -> None:
        """Begin to work on a site."""
        self._site = site
        self._group = group

    async def add(self, start: Start) -> None:
        """Have a job built."""
        self._group.create_task(self._see_through(start))

    def running(self) -> Mapping[UnitId, float]:
        """Return what builders say that they run of this request, and for how many seconds."""
        held = {one.key: one.seconds for one in self._parts.roster.held()}
        return {unit: held[key] for key, unit in self._units.copy().items() if key in held}

    def end(self) -> None:
        """Nothing waits for more jobs."""

    async def _see_through(self, start: Start) -> None:
        key = start.offer.key
        self._units[key] = start.unit
        try:
            known = await self._known(start) or await self._prepare_and_build(start)
        finally:
            del self._units[key]
            self._caught.pop(key, None)
        self._site.finish(start, known.report, known.artifact)

    async def _prepare_and_build(self, start: Start) -> Known:
        offer = await self._prepared(start)
        if isinstance(offer, Report):
            return Known(report=offer)
        return await self._built(start, offer)

    async def _known(self, start: Start) -> Known | None:
        """Return the end of a job that is believed already."""
        key = start.offer.key
        if self._parts.care.unsure(key):
            return None
        job = await self._ports.jobs.job(key)
        if job is not None and job.is_paused:
            # A request that comes later does not undo what a person decided.
            return None
        return await self._others.known(start)

    async def _prepared(self, start: Start) -> Offer | Report:
        """Bring what an offer names to the farm; upstream is asked again where it fails."""
        for again in range(1, INFRASTRUCTURE_CAP + 1):
            try:
                async with self._room:
                    return await self._parts.prepare(start.offer, self._site.wheel(start.unit))
            except UpstreamError as error:
                if isinstance(error, NotUpstreamError) or again == INFRASTRUCTURE_CAP:
                    return report_of(error)
                await asyncio.sleep(INFRASTRUCTURE_BACK_OFF.seconds(again))
        raise AssertionError

    async def _built(self, start: Start, offer: Offer) -> Known:
        """Wait until a job has its end, and submit it wherever nobody else has."""
        with self._parts.news.follow(offer.key) as follower:
            job = await self._submit(start, offer)
            while True:
                known = await self._end(start, job)
                if known is not None:
                    return known
                if job.state is State.CANCELLED:
                    job = await self._submit(start, offer)
                    continue
                told = await follower.wait()
                if told is not None:
                    return told
                job = await self._look(start, offer, job)

    async def _submit(self, start: Start, offer: Offer) -> Job:
        before = await self._ports.queue.queued(offer.key)
        terms = self._terms(start)
        if before is not None and before.job.size:
            # It ran out of memory where it was; the larger builders that it waits for stay the same.
            terms = replace(terms, needs=before.terms.needs, pool=before.terms.pool)
        job = await self._ports.queue.submit(offer, terms)
        if job.state is State.READY:
            # A free slot does not wait for the line in the event log, which is written before the next one is.
            self._parts.dispatcher.submitted(terms)
            if before is None:
                await self._ports.events.write(
                    Action.JOB_QUEUED, offer.key, actor=self._request.id, release=str(offer.release)
                )
        elif job.state is State.LEASED:
            self._site.tell(JobAwaited(unit=start.unit, key=offer.key))
        return job

    async def _look(self, start: Start, offer: Offer, before: Job) -> Job:
        """Look at a job again, and tell where it is run now."""
        job = await self._ports.jobs.job(offer.key)
        if job is None:
            return await self._submit(start, offer)
        held = self._parts.roster.lease(job.key, job.fence)
        if held is not None and held.caught not in {None, self._caught.get(job.key)}:
            self._caught[job.key] = held.caught
            self._site.tell(CommandsCaught(unit=start.unit, caught=held.caught))
        if job.state is State.LEASED and job.fence != before.fence:
            self._site.tell(
                JobStarted(
                    unit=start.unit,
                    key=offer.key,
                    attempt=job.attempt,
                    expected_seconds=self._site.expected_seconds(start.unit),
                )
            )
        return job

    async def _end(self, start: Start, job: Job) -> Known | None:
        """Return how a job ended; None where it goes on, or nobody is to hear of its failure yet."""
        if job.state in _GOES_ON or job.is_paused or self._parts.care.unsure(job.key):
            return None
        if job.state is State.CANCELLED and job.reason == UNWANTED:
            return None
        report = await self._ports.jobs.last_report(job.key)
        return await self._others.outcome(start, job, report or _unreported(job))

    def _terms(self, start: Start) -> Terms:
        request = self._request
        needs = needs_of_way(start.offer.target, start.offer.way, self._needs)
        worth = Worth(
            submitted=request.created,
            priority=request.priority,
            path_seconds=self._site.urgency(start),
            dependants=self._site.dependants(start),
        )
        context = JobContext(
            bootstrap=start.bootstrap,
            portable_key=start.portable_key,
            ordinary_key=start.ordinary_key,
        )
        return Terms(
            owner=request.owner,
            pool=str(needs),
            needs=dict(needs.items),
            rank=rank(worth),
            request=request.id,
            context=context.encode(),
            worth=worth,
        )


def _unreported(job: Job) -> Report:
    """Stand in for the report of a job that ended without an attempt."""
    return Report(outcome=job.outcome or Outcome.CANCELLED, reason=job.reason)


async def _nothing() -> None:
    """Leave everything as it is: the leases of a farm are looked after elsewhere."""
