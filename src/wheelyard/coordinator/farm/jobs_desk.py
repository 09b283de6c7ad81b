"""What people do to jobs: cancel, hold, approve, retry, boost. Who runs one hears of it at once."""

from collections.abc import Sequence

from wheelyard.coordinator.farm.actions import Action
from wheelyard.coordinator.farm.dispatcher import Dispatcher
from wheelyard.coordinator.farm.news import News
from wheelyard.coordinator.farm.ports import FarmPorts
from wheelyard.coordinator.farm.roster import Roster
from wheelyard.coordinator.farm.speaking import Speaker
from wheelyard.jobs.job import Job, State
from wheelyard.jobs.priority import levels
from wheelyard.jobs.selection import Selection
from wheelyard.model.job import BuildKey
from wheelyard.model.request import RequestId

_MOST = 10_000


class JobsDesk:
    """Changes jobs as people want them. ``actor`` is who wants it, for the event log."""

    def __init__(
        self,
        *,
        ports: FarmPorts,
        roster: Roster,
        speaker: Speaker,
        dispatcher: Dispatcher,
        news: News,
    ) -> None:
        self._ports = ports
        self._roster = roster
        self._speaker = speaker
        self._dispatcher = dispatcher
        self._news = news

    async def cancel(self, key: BuildKey, *, actor: str, reason: str) -> bool:
        """End a job, and the build of it; False where it had ended."""
        before = await self._ports.jobs.job(key)
        if before is None or not await self._ports.jobs.cancel(key, reason):
            return False
        await self._interrupted(before, reason)
        await self._ports.events.write(Action.JOB_CANCELLED, key, actor=actor, reason=reason)
        return True

    async def hold(self, key: BuildKey, *, actor: str, reason: str) -> bool:
        """Let a job wait for a person; False where it had ended."""
        before = await self._ports.jobs.job(key)
        if before is None or not await self._ports.jobs.hold(key, reason):
            return False
        await self._interrupted(before, reason)
        await self._ports.events.write(Action.JOB_HELD, key, actor=actor, reason=reason)
        return True

    async def approve(self, key: BuildKey, *, actor: str) -> bool:
        """Let a wheel count that was held, and publish it; False where none waits."""
        if not await self._ports.jobs.approve(key):
            return False
        artifact = await self._ports.artifacts.by_key(key)
        if artifact is not None:
            await self._ports.artifacts.publish(artifact)
        await self._ports.events.write(Action.JOB_APPROVED, key, actor=actor)
        self._news.reopen(key)
        return True

    async def retry(
        self, selection: Selection, *, actor: str, preview: bool = False
    ) -> Sequence[Job]:
        """Try again what did not end well; return those jobs as they stood before."""
        found = await self._ports.jobs.retry(selection, preview=preview)
        if not preview:
            for job in found:
                await self._ports.events.write(Action.JOB_RETRIED, job.key, actor=actor)
                self._news.reopen(job.key)
            self._dispatcher.look_again()
        return found

    async def boost(self, selection: Selection, *, by: int, actor: str) -> int:
        """Raise the priority of jobs that wait by some levels; return of how many."""
        count = await self._ports.queue.rank_again(selection, by=levels(by))
        project = selection.project or "jobs"
        await self._ports.events.write(
            Action.JOB_RANKED, project, actor=actor, levels=by, jobs=count
        )
        self._dispatcher.bell.ring()
        return count

    async def wanted_by(self, request: RequestId) -> Sequence[BuildKey]:
        """Return the jobs of a request that wait or run, by asking of each who wants it."""
        found = [queued.job.key for queued, _ in await self._ports.queue.leased()]
        for pool in await self._ports.queue.open_pools():
            found += await self._ports.queue.order(pool.pool, limit=_MOST)
        return [key for key in found if request in await self._ports.queue.requests_of(key)]

    async def _interrupted(self, before: Job, reason: str) -> None:
        if before.state is State.LEASED:
            self._roster.end(before.key, before.fence)
            await self._speaker.stop(before.builder, before.key, before.fence, reason)
            self._dispatcher.bell.ring()
        self._news.tell(before.key)
