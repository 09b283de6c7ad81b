"""A farm in which one builder runs the only job."""

from coordinator.asked import wheels
from coordinator.machines import Machines, ScriptedBuilder
from coordinator.waiting import until_quiet
from plan.world import Package
from wheelyard.coordinator.farm.coordinator import Coordinator
from wheelyard.jobs.job import Job
from wheelyard.model.job import Report
from wheelyard.model.request import Request
from wheelyard.protocol.messages import Result

BASE = {"base": Package()}


async def begun(farm: Machines, coordinator: Coordinator) -> tuple[ScriptedBuilder, Request]:
    """Have one builder run one job."""
    one = await farm.builder("one", manual=True)
    request = await coordinator.submit(wheels("base"))
    await until_quiet(lambda: bool(one.running))
    return one, request


def only_job(farm: Machines) -> Job:
    (job,) = farm.jobs.ledger.jobs.values()
    return job


def result_of(one: ScriptedBuilder, report: Report | None = None) -> Result:
    """Return what a builder would say of the job that it runs."""
    ((offer, _),) = one.running.values()
    return Result(
        builder=one.name,
        key=offer.key,
        fence=offer.fence,
        report=report or one.report(offer),
    )
