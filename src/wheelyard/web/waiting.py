"""What waits, in which pool, and why: a sentence for each job."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from starlette.responses import Response

from wheelyard.farm_ports import PoolDepth, Queue, QueuedJob
from wheelyard.jobs.needs import Needs
from wheelyard.jobs.waiting import Standing, Unbuilt, why_unbuilt
from wheelyard.ports import Clock
from wheelyard.web.access import READERS
from wheelyard.web.endpoint import Call, Endpoint, Parameter, answered
from wheelyard.web.place_in_queue import begins, terms_of, usual_seconds
from wheelyard.web.ports import Desk, Jobs, WebPorts

_SHOWN = 20
_MOST_SHOWN = 1000


class WaitingJob(msgspec.Struct, kw_only=True):
    """A job that waits, in the order in which it will be chosen.

    ``terms`` is what its place is made of, in seconds of waiting; ``begins`` an estimate, null where nobody can say.
    """

    key: str
    release: str
    target: str
    owner: str
    rank: int
    why: str
    terms: Mapping[str, float]
    begins: datetime | None


class PoolView(msgspec.Struct, kw_only=True):
    """A pool: its depth, and the first of what waits in it."""

    pool: str
    needs: dict[str, Any]
    waiting: int
    running: int
    owners: Sequence[str]
    jobs: Sequence[WaitingJob]


class QueueView(msgspec.Struct, kw_only=True):
    """All pools in which something waits or runs."""

    pools: Sequence[PoolView]


class WaitingRoom:
    """Shows the queue."""

    def __init__(self, *, queue: Queue, desk: Desk, clock: Clock, jobs: Jobs) -> None:
        self._jobs = jobs
        self._queue = queue
        self._desk = desk
        self._clock = clock

    async def show(self, call: Call) -> Response:
        """Answer with all pools, or with one."""
        return answered(await self.view(call))

    async def view(self, call: Call) -> QueueView:
        """Return all pools, or one."""
        shown = call.number("limit", _SHOWN, most=_MOST_SHOWN)
        pools = await self._queue.open_pools()
        if call.text("pool"):
            pools = [depth for depth in pools if depth.pool == call.text("pool")]
        standings = await self._desk.standings()
        seconds = await usual_seconds(self._jobs) if pools and shown else None
        views = [await self._view(depth, standings, shown, seconds) for depth in pools]
        return QueueView(pools=views)

    async def _view(
        self, depth: PoolDepth, standings: Sequence[Standing], shown: int, seconds: float | None
    ) -> PoolView:
        found = await self._queue.waiting(depth.pool, limit=shown) if shown else ()
        now = self._clock.now()
        return PoolView(
            pool=depth.pool,
            needs=dict(depth.needs),
            waiting=depth.waiting,
            running=depth.running,
            owners=depth.owners,
            jobs=[
                WaitingJob(
                    key=queued.job.key,
                    release=str(queued.job.release),
                    target=str(queued.job.target),
                    owner=queued.terms.owner,
                    rank=queued.terms.rank,
                    why=sentence(queued, standings, now, ahead=ahead),
                    terms=terms_of(queued, now),
                    begins=begins(queued, standings, now, ahead=ahead, seconds=seconds),
                )
                for ahead, queued in enumerate(found)
            ],
        )


def sentence(
    queued: QueuedJob, standings: Sequence[Standing], now: datetime, *, ahead: int = 0
) -> str:
    """Say why a job waits; ``ahead`` jobs of its pool come first."""
    unbuilt = Unbuilt(
        needs=Needs.of(queued.terms.needs),
        ahead=ahead,
        not_before=queued.job.not_before,
        reason=queued.job.reason,
        refused_by=queued.job.refused_by,
    )
    return why_unbuilt(unbuilt, standings, now)


def endpoints(ports: WebPorts) -> Sequence[Endpoint]:
    """Return where the queue is shown."""
    room = WaitingRoom(queue=ports.queue, desk=ports.desk, clock=ports.clock, jobs=ports.jobs)
    return (
        Endpoint(
            method="GET",
            path="/api/queue",
            allowed=READERS,
            answer=room.show,
            says="Pools, how many wait and run in each, and why each job waits.",
            query=(
                Parameter(name="pool", says="Only this pool."),
                Parameter(name="limit", says="So many jobs of each pool.", kind="integer"),
            ),
            gives=QueueView,
        ),
    )
