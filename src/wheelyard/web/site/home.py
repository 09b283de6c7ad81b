"""The first page: how the farm is, what runs, what failed lately, and how to install from here."""

from collections.abc import Sequence

import msgspec

from wheelyard.farm_ports import BuilderStore, Queue
from wheelyard.jobs.job import State
from wheelyard.jobs.selection import Selection
from wheelyard.model.job import Outcome
from wheelyard.web.attendance import Attendance
from wheelyard.web.endpoint import Call
from wheelyard.web.jobs import JobView, view_of
from wheelyard.web.ports import Jobs, WebPorts
from wheelyard.web.site.page import Page

_RUNNING = 50
_FAILURES = 15


class RunningJob(msgspec.Struct, kw_only=True):
    """A job that runs now, with the step where its builder says that it is."""

    job: JobView
    step: str
    seconds: float


class Home(msgspec.Struct, kw_only=True):
    """How the farm is."""

    builders_present: int
    builders: int
    waiting: int
    running: int
    running_now: Sequence[RunningJob]
    failures: Sequence[JobView]
    index: str


class HomePage:
    """Looks at everything once."""

    def __init__(
        self, *, queue: Queue, jobs: Jobs, builders: BuilderStore, attendance: Attendance
    ) -> None:
        self._queue = queue
        self._jobs = jobs
        self._builders = builders
        self._attendance = attendance

    async def show(self, call: Call) -> Home:
        """Say how the farm is."""
        depths = await self._queue.open_pools()
        failed = Selection(state=State.DONE, outcome=Outcome.FAILED)
        failures = await self._jobs.jobs(failed, limit=_FAILURES)
        return Home(
            builders_present=len(self._attendance.present()),
            builders=len(await self._builders.all()),
            waiting=sum(depth.waiting for depth in depths),
            running=sum(depth.running for depth in depths),
            running_now=await self._running(),
            failures=[view_of(job) for job in failures],
            index=f"{str(call.request.base_url).rstrip('/')}/simple/",
        )

    async def _running(self) -> Sequence[RunningJob]:
        said = {
            (one.key, one.fence): one
            for presence in self._attendance.present().values()
            for one in presence.running
        }
        found = []
        for queued, lease in (await self._queue.leased())[:_RUNNING]:
            running = said.get((lease.key, lease.fence))
            found.append(
                RunningJob(
                    job=view_of(queued.job),
                    step=running.step if running else "",
                    seconds=running.seconds if running else 0.0,
                )
            )
        return found


def pages(ports: WebPorts, attendance: Attendance) -> Sequence[Page]:
    """Return the first page."""
    home = HomePage(
        queue=ports.queue, jobs=ports.jobs, builders=ports.builders, attendance=attendance
    )
    return (
        Page(
            path="/",
            template="home.html",
            title="Home",
            show=home.show,
            says="How the farm is: what runs, what failed lately, and how to install from here.",
            follows=("jobs", "builders"),
        ),
    )
