"""The queue of a farm in dictionaries, over the jobs of a ``MemoryJobStore``."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from wheelyard.farm_ports import PoolDepth, QueuedJob, Terms
from wheelyard.jobs import ledger, submission
from wheelyard.jobs.events import Leased, RefusalForgotten, Renewed
from wheelyard.jobs.job import Job, State
from wheelyard.jobs.selection import Selection
from wheelyard.model.job import BuildKey, Offer
from wheelyard.model.request import RequestId
from wheelyard.ports import Lease
from wheelyard.testing.jobs import MemoryJobStore


@dataclass(slots=True)
class _Entry:
    """What was said of a job when it was submitted, and when that was."""

    submitted: datetime
    offer: Offer
    terms: Terms


class MemoryQueue:
    """The ``Queue`` port in memory; its jobs are those of a ``MemoryJobStore``."""

    def __init__(self, jobs: MemoryJobStore) -> None:
        self._jobs = jobs
        self._entries: dict[BuildKey, _Entry] = {}
        self._requests: dict[BuildKey, dict[RequestId, datetime]] = {}
        self._askers: dict[BuildKey, set[str]] = {}

    async def submit(self, offer: Offer, terms: Terms) -> Job:
        """Put a job into the queue, or join it where it is there; return how it stands."""
        job, anew = submission.submit(self._jobs.ledger, offer, self._now())
        entry = self._entries.get(offer.key)
        if anew or entry is None:
            self._entries[offer.key] = _Entry(self._now(), offer, terms)
        else:
            _join(entry, job, offer, terms)
        self._requests.setdefault(offer.key, {}).setdefault(terms.request, self._now())
        self._askers.setdefault(offer.key, set()).add(terms.owner)
        return job

    async def lease_next(
        self,
        pools: Mapping[str, Collection[str]],
        builder: str,
        *,
        owners: Sequence[str],
        count: int,
        seconds: float,
    ) -> Sequence[tuple[QueuedJob, Lease]]:
        """Choose the best jobs of some pools for a builder and take their leases for it."""
        leased: list[tuple[QueuedJob, Lease]] = []
        event = Leased(builder=builder, seconds=seconds)
        for entry, job in self._candidates(pools, owners):
            if len(leased) >= count:
                break
            if submission.passed_over(job, builder, pools[entry.terms.pool]):
                continue
            after, grant = submission.choose(self._jobs.ledger, job, event, self._now())
            if grant is not None:
                leased.append((self._queued(after), lease_of(after)))
        return leased

    async def open_pools(self) -> Sequence[PoolDepth]:
        """Return every pool in which something waits or runs."""
        pools: dict[str, list[tuple[Terms, Job]]] = {}
        for entry, job in self._all():
            if job.state in {State.READY, State.LEASED}:
                pools.setdefault(entry.terms.pool, []).append((entry.terms, job))
        return [_depth(pool, pools[pool]) for pool in sorted(pools)]

    async def waiting(self, pool: str, *, limit: int = 100) -> Sequence[QueuedJob]:
        """Return the jobs of a pool that wait, in the order in which they will be leased."""
        return [self._queued(job) for job in self._waiting(pool)[:limit]]

    async def order(self, pool: str, *, limit: int = 100) -> Sequence[BuildKey]:
        """Return the keys of the same jobs."""
        return [job.key for job in self._waiting(pool)[:limit]]

    def _waiting(self, pool: str) -> Sequence[Job]:
        waiting = [
            (entry, job)
            for entry, job in self._all()
            if entry.terms.pool == pool and job.state is State.READY
        ]
        waiting.sort(key=lambda pair: (not self._open(pair[1]), *_order(pair)))
        return [job for _, job in waiting]

    async def queued(self, key: BuildKey) -> QueuedJob | None:
        """Return a job with what was said when it was submitted."""
        job = self._jobs.ledger.load(key)
        return self._queued(job) if job is not None and key in self._entries else None

    async def wake(self) -> datetime | None:
        """Let jobs whose waiting is over be chosen; return when the next one will be."""
        times = [
            job.not_before
            for _, job in self._all()
            if job.state is State.READY and job.not_before is not None and not self._open(job)
        ]
        return min(times, default=None)

    async def rank_again(self, selection: Selection, *, by: int) -> int:
        """Move jobs that wait ahead (negative) or back; return how many."""
        moved = 0
        for entry, job in self._all():
            if job.state is State.READY and selection.wants(job):
                entry.terms = replace(entry.terms, rank=entry.terms.rank + by)
                moved += 1
        return moved

    def askers_of(self, key: BuildKey) -> frozenset[str]:
        """Return the owners of those who asked for a job; for ``MemorySite``."""
        return frozenset(self._askers.get(key, ()))

    def submitted(self, key: BuildKey) -> datetime:
        """Return when a job was submitted; for ``MemorySite``."""
        return self._entries[key].submitted

    async def requests_of(self, key: BuildKey) -> Sequence[RequestId]:
        """Return who wants a job, the first first."""
        joined = self._requests.get(key, {})
        return tuple(sorted(joined, key=lambda request: (joined[request], request)))

    async def hand_back(self, key: BuildKey, fence: int, reason: str) -> bool:
        """Take a lease back that its builder gives up, without a count; False where it was lost."""
        return submission.hand_back(self._jobs.ledger, key, fence, reason, self._now())

    async def leased(self) -> Sequence[tuple[QueuedJob, Lease]]:
        """Return every job that a builder runs now."""
        running = sorted(
            (job for _, job in self._all() if job.state is State.LEASED), key=lambda job: job.key
        )
        return [(self._queued(job), lease_of(job)) for job in running]

    async def renew_all(
        self, leases: Sequence[tuple[BuildKey, int]], *, seconds: float
    ) -> Sequence[tuple[BuildKey, int]]:
        """Prolong many leases at once; return those that were lost."""
        now = self._now()
        return [
            (key, fence)
            for key, fence in leases
            if not ledger.tell(self._jobs.ledger, key, Renewed(fence=fence, seconds=seconds), now)
        ]

    async def expire_of(self, builder: str) -> Sequence[BuildKey]:
        """Take all leases of a builder that is not heard of any more, as LOST; return whose."""
        held = sorted(
            (job for job in self._jobs.ledger.jobs.values() if job.holder == builder),
            key=lambda job: job.key,
        )
        now = self._now()
        return [job.key for job in held if submission.lose(self._jobs.ledger, job, now)]

    async def forget_refusals(self, builder: str) -> Sequence[BuildKey]:
        """Let a builder be offered again what it refused."""
        event, now = RefusalForgotten(builder=builder), self._now()
        return [
            job.key for _, job in self._all() if ledger.tell(self._jobs.ledger, job.key, event, now)
        ]

    def _candidates(
        self, pools: Collection[str], owners: Sequence[str]
    ) -> Sequence[tuple[_Entry, Job]]:
        place = {owner: number for number, owner in reversed(list(enumerate(owners)))}
        found = [
            (entry, job)
            for entry, job in self._all()
            if entry.terms.pool in pools and entry.terms.owner in place and self._open(job)
        ]
        return sorted(found, key=lambda pair: (place[pair[0].terms.owner], *_order(pair)))

    def _all(self) -> Sequence[tuple[_Entry, Job]]:
        jobs = self._jobs.ledger.jobs
        return [(entry, jobs[key]) for key, entry in self._entries.items()]

    def _queued(self, job: Job) -> QueuedJob:
        entry = self._entries[job.key]
        return QueuedJob(job=job, offer=entry.offer, terms=entry.terms)

    def _open(self, job: Job) -> bool:
        return job.state is State.READY and (
            job.not_before is None or job.not_before <= self._now()
        )

    def _now(self) -> datetime:
        return self._jobs.clock.now()


def lease_of(job: Job) -> Lease:
    """Return the lease that a leased job stands for."""
    assert job.lease_expires is not None
    return Lease(key=job.key, fence=job.fence, attempt=job.attempt, expires=job.lease_expires)


def _order(pair: tuple[_Entry, Job]) -> tuple[int, datetime, BuildKey]:
    entry, job = pair
    return entry.terms.rank, entry.submitted, job.key


def _join(entry: _Entry, job: Job, offer: Offer, terms: Terms) -> None:
    """Let a job that waits be wanted as the newest wants it, at the better of both ranks."""
    if job.state is not State.READY:
        return
    kept = entry.terms
    better = terms if terms.rank < kept.rank else kept
    entry.offer = offer
    entry.terms = replace(
        terms, rank=better.rank, worth=better.worth, owner=kept.owner, request=kept.request
    )


def _depth(pool: str, jobs: Sequence[tuple[Terms, Job]]) -> PoolDepth:
    waiting = [terms.owner for terms, job in jobs if job.state is State.READY]
    return PoolDepth(
        pool=pool,
        needs=jobs[0][0].needs,
        waiting=len(waiting),
        running=len(jobs) - len(waiting),
        owners=tuple(sorted(set(waiting))),
    )
