"""The first page: how the farm is, what runs, what failed lately, and how to install from here."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from wheelyard.farm_ports import BuilderStore, PoolDepth, Queue
from wheelyard.jobs.cells import FAILURES
from wheelyard.model.builder import Mode
from wheelyard.site_ports import SiteStore
from wheelyard.web.attendance import Attendance
from wheelyard.web.endpoint import Call
from wheelyard.web.jobs import JobView, view_of
from wheelyard.web.ports import WebPorts
from wheelyard.web.site.condition import Condition, faults
from wheelyard.web.site.figures import Figures
from wheelyard.web.site.lines import LineView, line_view
from wheelyard.web.site.page import Page

_RUNNING = 50
_FAILURES = 15
_NAMED = 5


class RunningJob(msgspec.Struct, kw_only=True):
    """A job that runs now, with the step where its builder says that it is."""

    job: JobView
    step: str
    seconds: float


class HourView(msgspec.Struct, kw_only=True):
    """How many attempts were built, and how many failed, in the hour that begins then."""

    hour: datetime
    built: int
    failed: int


class Home(msgspec.Struct, kw_only=True):
    """How the farm is. ``faults`` are sentences; there are none where all is well."""

    faults: Sequence[str]
    builders_present: int
    builders: int
    waiting: int
    running: int
    running_now: Sequence[RunningJob]
    failures: Sequence[LineView]
    hours: Sequence[HourView]
    index: str


class HomePage:
    """Looks at everything once."""

    def __init__(self, ports: WebPorts, *, attendance: Attendance, figures: Figures) -> None:
        self._queue: Queue = ports.queue
        self._builders: BuilderStore = ports.builders
        self._site: SiteStore = ports.site
        self._clock = ports.clock
        self._free_bytes = ports.free_bytes
        self._attendance = attendance
        self._figures = figures

    async def show(self, call: Call) -> Home:
        """Say how the farm is."""
        depths = await self._queue.open_pools()
        condition = await self._condition(depths)
        return Home(
            faults=faults(condition),
            builders_present=condition.present,
            builders=condition.builders,
            waiting=condition.waiting,
            running=condition.running,
            running_now=await self._running() if condition.running else (),
            failures=list(map(line_view, await self._site.failures(limit=_FAILURES))),
            hours=await hours_of(self._figures),
            index=f"{str(call.request.base_url).rstrip('/')}/simple/",
        )

    async def _condition(self, depths: Sequence[PoolDepth]) -> Condition:
        builders = [one for one in await self._builders.all() if one.mode is not Mode.REVOKED]
        present = self._attendance.present()
        here = [one for one in builders if one.name in present]
        published = await self._site.published(limit=1)
        return Condition(
            now=self._clock.now(),
            builders=len(builders),
            present=len(here),
            unwell=[
                one.name
                for one in here
                if one.mode is Mode.QUARANTINED or not present[one.name].health.well
            ][:_NAMED],
            free_slots=sum(present[one.name].free for one in here if one.mode is Mode.ACTIVE),
            waiting=sum(depth.waiting for depth in depths),
            running=sum(depth.running for depth in depths),
            free_bytes=self._free_bytes(),
            begun=await self._site.begun(),
            published=published[0].created if published else None,
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


async def hours_of(figures: Figures) -> Sequence[HourView]:
    """Return what ended in each of the last hours."""
    return [
        HourView(
            hour=hour,
            built=counts.get("built", 0),
            failed=sum(count for outcome, count in counts.items() if outcome in FAILURES),
        )
        for hour, counts in await figures.by_hour()
    ]


def pages(ports: WebPorts, attendance: Attendance, figures: Figures) -> Sequence[Page]:
    """Return the first page."""
    home = HomePage(ports, attendance=attendance, figures=figures)
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
