"""Reports: what the farm gets done, what waits, what packages cost, what fails now and then, and what is kept."""

from collections.abc import Sequence

import msgspec

from wheelyard.web.endpoint import Call
from wheelyard.web.site.figures import Figures
from wheelyard.web.site.home import HourView, hours_of
from wheelyard.web.site.lines import LineView, line_view
from wheelyard.web.site.page import Page

_AGES = ((1, "less than an hour"), (6, "1 to 6 hours"), (24, "6 to 24 hours"), (168, "1 to 7 days"))
_OLDEST = "more than a week"
_SECONDS_AN_HOUR = 3600.0


class AgeView(msgspec.Struct, kw_only=True):
    """How many jobs wait for so long."""

    age: str
    jobs: int


class CostView(msgspec.Struct, kw_only=True):
    """What a project took, in hours of a processor."""

    project: str
    attempts: int
    cpu_hours: float


class StorageView(msgspec.Struct, kw_only=True):
    """What is kept of a kind."""

    kind: str
    files: int
    size: int


class OutcomeView(msgspec.Struct, kw_only=True):
    """How many attempts ended so in the hours that are drawn."""

    outcome: str
    attempts: int


class Reports(msgspec.Struct, kw_only=True):
    """All reports. They may be a minute old."""

    hours: Sequence[HourView]
    outcomes: Sequence[OutcomeView]
    ages: Sequence[AgeView]
    waiting: int
    costs: Sequence[CostView]
    flaky: Sequence[LineView]
    storage: Sequence[StorageView]


class ReportsPage:
    """Shows what was counted last."""

    def __init__(self, figures: Figures) -> None:
        self._figures = figures

    async def show(self, _: Call) -> Reports:
        """Show all reports."""
        figures = self._figures
        ages = await self._ages()
        return Reports(
            hours=await hours_of(figures),
            outcomes=await self._outcomes(),
            ages=ages,
            waiting=sum(one.jobs for one in ages),
            costs=[
                CostView(
                    project=one.project,
                    attempts=one.attempts,
                    cpu_hours=round(one.cpu_seconds / _SECONDS_AN_HOUR, 3),
                )
                for one in await figures.costs.get()
            ],
            flaky=list(map(line_view, await figures.flaky.get())),
            storage=[
                StorageView(kind=one.kind, files=one.files, size=one.size)
                for one in await figures.storage.get()
            ],
        )

    async def _ages(self) -> Sequence[AgeView]:
        counts = dict.fromkeys([*(name for _, name in _AGES), _OLDEST], 0)
        for one in await self._figures.waiting.get():
            counts[next((name for most, name in _AGES if one.hours < most), _OLDEST)] += one.count
        return [AgeView(age=age, jobs=jobs) for age, jobs in counts.items()]

    async def _outcomes(self) -> Sequence[OutcomeView]:
        counts: dict[str, int] = {}
        for _, outcomes in await self._figures.by_hour():
            for outcome, count in outcomes.items():
                counts[outcome] = counts.get(outcome, 0) + count
        return [
            OutcomeView(outcome=outcome, attempts=count)
            for outcome, count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        ]


def pages(figures: Figures) -> Sequence[Page]:
    """Return the reports."""
    return (
        Page(
            path="/reports",
            template="reports.html",
            title="Reports",
            show=ReportsPage(figures).show,
            says="Throughput, how long jobs wait, what packages cost, flaky jobs, and storage.",
        ),
    )
