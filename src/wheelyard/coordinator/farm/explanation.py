"""Says of everything that waits what it waits for, in a sentence that a person can do something with."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from wheelyard.coordinator.farm.ports import FarmPorts
from wheelyard.coordinator.farm.roster import Roster
from wheelyard.farm_ports import QueuedJob
from wheelyard.jobs.job import Job, State
from wheelyard.jobs.needs import Needs
from wheelyard.jobs.waiting import Blocker, Unbuilt, duration, why_blocked, why_unbuilt
from wheelyard.model.job import BuildKey
from wheelyard.model.way import WayKind
from wheelyard.plan.board import Board
from wheelyard.plan.events import UnitId
from wheelyard.plan.unit import State as UnitState
from wheelyard.plan.unit import Unit

_COUNTED = 1000
_SAID = 20


class _Found(NamedTuple):
    """A job, and what was said when it was submitted."""

    job: Job
    queued: QueuedJob | None


class Explanation:
    """Explains jobs and units. Estimates are by the roster of the coordinator that leads."""

    def __init__(self, *, ports: FarmPorts, roster: Roster) -> None:
        self._ports = ports
        self._roster = roster

    async def of_job(self, key: BuildKey) -> str:
        """Say where a job stands, and what it waits for where it does. Empty: there is no such job."""
        found = await self._find(key)
        return "" if found is None else await self._said(found, {})

    async def _find(self, key: BuildKey) -> _Found | None:
        queued = await self._ports.queue.queued(key)
        job = queued.job if queued is not None else await self._ports.jobs.job(key)
        return None if job is None else _Found(job, queued)

    async def _said(self, found: _Found, orders: dict[str, Sequence[BuildKey]]) -> str:
        """Say it; ``orders`` are those of the pools that were asked for already."""
        job, queued = found
        if job.state is State.READY and not self._ports.has_room():
            return "waits until there is room on the farm's own disk: nothing is given out before"
        if job.state is State.READY and queued is not None:
            unbuilt = Unbuilt(
                needs=Needs.of(queued.terms.needs),
                ahead=await self._ahead(queued.terms.pool, job.key, orders),
                not_before=job.not_before,
                reason=job.reason,
                refused_by=job.refused_by,
            )
            why = why_unbuilt(unbuilt, self._roster.standings(), self._ports.clock.now())
            return f"{why}{_way(queued)}"
        return f"{self._of_other(job)}{_way(queued) if job.state is State.LEASED else ''}"

    async def of_jobs(self, keys: Sequence[BuildKey]) -> Sequence[str]:
        """Say for each of the first jobs that could be built and is not why that is so."""
        sentences = []
        orders: dict[str, Sequence[BuildKey]] = {}
        for key in keys[:_SAID]:
            found = await self._find(key)
            if found is not None and (found.job.state is State.READY or found.job.is_paused):
                why = await self._said(found, orders)
                sentences.append(f"{found.job.release} for {found.job.target}: {why}")
        return sentences

    def of_units(
        self,
        board: Board,
        units: Mapping[BuildKey, UnitId],
        expected: Callable[[UnitId], float | None],
    ) -> Sequence[str]:
        """Say for each unit that waits for other units what those are, where they are built, and how long that will take."""
        keys = {unit: key for key, unit in units.items()}
        sentences = []
        for unit in board.units.values():
            if unit.state is not UnitState.WAITING:
                continue
            blockers = self._blockers(board, unit, keys, expected)
            if blockers:
                sentences.append(f"{unit.id} {why_blocked(blockers)}")
        return sentences

    def _blockers(
        self,
        board: Board,
        unit: Unit,
        keys: Mapping[UnitId, BuildKey],
        expected: Callable[[UnitId], float | None],
    ) -> Sequence[Blocker]:
        found = []
        for needed in unit.waits_for():
            other = board.units[needed]
            if other.final:
                continue
            held = self._roster.holder(keys[needed]) if needed in keys else None
            release = f"{needed.release.project} {needed.release.version}"
            seconds = expected(needed)
            left = None if held is None or seconds is None else max(0.0, seconds - held.seconds)
            where = held.builder if held is not None else ""
            found.append(Blocker(name=release, where=where, seconds_left=left))
        # What is built already says most.
        return sorted(found, key=lambda one: (not one.where, one.name))

    async def _ahead(self, pool: str, key: BuildKey, orders: dict[str, Sequence[BuildKey]]) -> int:
        if pool not in orders:
            orders[pool] = await self._ports.queue.order(pool, limit=_COUNTED)
        order = orders[pool]
        return order.index(key) if key in order else len(order)

    def _of_other(self, job: Job) -> str:
        match job.state:
            case State.LEASED:
                held = self._roster.holder(job.key)
                text = f"is built on {job.builder}"
                if held is not None and held.step:
                    text += f", at step {held.step} for {duration(held.seconds)}"
                if held is not None and held.caught is not None:
                    text += f": {held.caught}"
                return text
            case State.DONE:
                return f"ended: {job.outcome}"
            case _:
                text = f"is {job.state}: {job.reason}"
                if job.is_paused:
                    text += f"; 'wheelyard job retry --project {job.release.project}' lets it go on"
                return text


def _way(queued: QueuedJob | None) -> str:
    """Say which way a job goes, where that is not on a machine of its target's kind."""
    if queued is None or queued.offer.way.kind is WayKind.NATIVE:
        return ""
    return f"; its way: {queued.offer.way}"
