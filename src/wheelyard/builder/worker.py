"""Runs offers on this machine, each under a lease that is renewed while it runs."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

from wheelyard.errors import StoreError
from wheelyard.model.job import Offer, Outcome, Report
from wheelyard.ports import Executor, JobStore, Lease, Progress

LEASE_SECONDS = 60.0
RENEW_SECONDS = 15.0


class Worker:
    """Takes a job and sees it through, or learns that it belongs to somebody else."""

    def __init__(
        self, *, name: str, jobs: JobStore, executor: Executor, renew_seconds: float = RENEW_SECONDS
    ) -> None:
        self.name = name
        self._renew_seconds = renew_seconds
        self._jobs = jobs
        self._executor = executor

    async def take(self, offer: Offer) -> Lease | None:
        """Take the lease of a job; None where somebody alive has it."""
        return await self._jobs.lease(offer, self.name, seconds=LEASE_SECONDS)

    async def run(self, offer: Offer, lease: Lease, progress: Callable[[Progress], None]) -> Report:
        """Run an attempt. A lease that is lost ends the build, with outcome LOST."""
        told = replace(offer, attempt=lease.attempt, fence=lease.fence)
        build = asyncio.ensure_future(self._executor.run(told, progress))
        keeper = asyncio.ensure_future(self._keep(lease))
        try:
            await asyncio.wait({build, keeper}, return_when=asyncio.FIRST_COMPLETED)
            if build.done():
                return build.result()
            keeper.result()
            return Report(outcome=Outcome.LOST, reason="the lease was lost to another builder")
        finally:
            await _stop(build)
            await _stop(keeper)

    async def _keep(self, lease: Lease) -> None:
        """Renew a lease until it is lost. A store that does not answer is asked again."""
        while await self._renewed(lease):  # noqa: ASYNC110 - a heartbeat is a matter of time
            await asyncio.sleep(self._renew_seconds)

    async def _renewed(self, lease: Lease) -> bool:
        try:
            return await self._jobs.renew(lease.key, lease.fence, seconds=LEASE_SECONDS)
        except StoreError:
            # Whether the lease still holds is decided when the result is taken in, by its fence.
            return True


async def _stop(task: asyncio.Task[Report] | asyncio.Task[None]) -> None:
    """End a task and see to it that nothing of it is left, whatever it ends with."""
    task.cancel()
    await asyncio.wait({task})
    if not task.cancelled():
        task.exception()
