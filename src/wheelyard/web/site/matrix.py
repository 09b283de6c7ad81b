"""All projects and all targets: how the newest version of each stands."""

from collections import defaultdict
from collections.abc import Sequence
from urllib.parse import urlencode

import msgspec

from wheelyard.jobs.cells import FAILURES
from wheelyard.site_ports import Choice, SiteStore, Tally
from wheelyard.web.endpoint import Call, Parameter
from wheelyard.web.ports import WebPorts
from wheelyard.web.refusals import Refusal, shortened
from wheelyard.web.site.figures import Figures
from wheelyard.web.site.lines import CellView, TargetHead, cell_view, heads
from wheelyard.web.site.page import Page
from wheelyard.web.site.search import name_part

_LONGEST = 200
_MOST = 500
_USUAL = 50
STATES = (
    *("built", "failed", "timed-out", "over-limit", "out-of-resources"),
    *("waiting", "running", "held", "cancelled"),
    *("upstream", "infrastructure", "lost", "refused"),
)
_GROUPS = {"built": "built", "waiting": "busy", "running": "busy", "needs": "busy"}
FILTERS = (
    Parameter(name="name", says="Only projects with this in their name."),
    Parameter(name="target", says="Only those that have a cell for this target."),
    Parameter(name="state", says="Only those that have a cell in this state."),
    Parameter(
        name="regressed",
        says="1: only those of which a version fails where an earlier one was built.",
        kind="integer",
    ),
    Parameter(name="mine", says="1: only those that I asked for.", kind="integer"),
    Parameter(name="after", says="Those beyond a name."),
    Parameter(name="limit", says=f"At most so many, {_MOST} at most.", kind="integer"),
)


class MatrixFilter(msgspec.Struct, kw_only=True):
    """Which projects are shown."""

    name: str
    target: str
    state: str
    regressed: bool
    mine: bool


class MatrixRow(msgspec.Struct, kw_only=True):
    """A project; its cells in the order of the columns, null where there is no job."""

    project: str
    cells: Sequence[CellView | None]


class TargetTally(msgspec.Struct, kw_only=True):
    """How many projects stand how for a target; ``states`` in full, the rest in few words for a picture."""

    target: str
    states: dict[str, int]
    built: int
    failed: int
    busy: int
    other: int
    total: int


class Matrix(msgspec.Struct, kw_only=True):
    """Some projects by all targets, and how all of them stand by target."""

    filter: MatrixFilter
    targets: Sequence[TargetHead]
    rows: Sequence[MatrixRow]
    tallies: Sequence[TargetTally]
    states: Sequence[str]
    first: str | None
    after: str | None


class MatrixPage:
    """Shows some rows of it at a time."""

    def __init__(self, *, site: SiteStore, figures: Figures) -> None:
        self._site = site
        self._figures = figures

    async def show(self, call: Call) -> Matrix:
        """Show some projects."""
        choice, limit = choice_of(call), limit_of(call)
        rows = await self._site.rows(choice, limit=limit + 1)
        columns = heads(await self._site.targets())
        shown = [
            MatrixRow(
                project=row.project,
                cells=_aligned({cell.target: cell_view(cell) for cell in row.cells}, columns),
            )
            for row in rows[:limit]
        ]
        more = len(rows) > limit
        return Matrix(
            filter=_filter_of(choice),
            targets=columns,
            rows=shown,
            tallies=tallies_of(await self._figures.tallies.get()),
            states=STATES,
            first=address(choice, limit) if choice.after else None,
            after=address(choice, limit, rows[limit - 1].project) if more else None,
        )


def choice_of(call: Call) -> Choice:
    """Read a query. Raises a Refusal."""
    values = {name: call.text(name).strip() for name in ("name", "target", "state", "after")}
    for name, value in values.items():
        if len(value) > _LONGEST or "\0" in value:
            raise Refusal(
                422, f"{name} is {shortened(value)!r}", "No project, target or state is called so."
            )
    mine = call.flag("mine")
    if mine and call.visitor is None:
        raise Refusal(401, "nobody is signed in, so that nothing is yours", "Sign in first.")
    return Choice(
        name=name_part(values["name"]),
        target=values["target"],
        state=values["state"],
        regressed=call.flag("regressed"),
        owner=call.visitor.subject if mine and call.visitor is not None else "",
        after=values["after"],
    )


def limit_of(call: Call) -> int:
    """Return how many rows are asked for. Raises a Refusal."""
    return call.number("limit", _USUAL, least=1, most=_MOST)


def address(choice: Choice, limit: int, after: str = "") -> str:
    """Return the address of the same choice from another row on."""
    kept = {
        "name": choice.name,
        "target": choice.target,
        "state": choice.state,
        "regressed": "1" if choice.regressed else "",
        "mine": "1" if choice.owner else "",
        "limit": "" if limit == _USUAL else str(limit),
        "after": after,
    }
    return f"?{urlencode({name: value for name, value in kept.items() if value})}"


def tallies_of(tallies: Sequence[Tally]) -> Sequence[TargetTally]:
    """Return how all projects stand, by target in the order of the columns."""
    states: dict[str, dict[str, int]] = defaultdict(dict)
    for tally in tallies:
        states[tally.target][tally.state] = tally.count
    return [_tally(head.target, states[head.target]) for head in heads(states)]


def _tally(target: str, states: dict[str, int]) -> TargetTally:
    groups = {"built": 0, "failed": 0, "busy": 0, "other": 0}
    for state, count in states.items():
        groups["failed" if state in FAILURES else _GROUPS.get(state, "other")] += count
    return TargetTally(
        target=target,
        states=dict(sorted(states.items())),
        total=sum(states.values()),
        built=groups["built"],
        failed=groups["failed"],
        busy=groups["busy"],
        other=groups["other"],
    )


def _filter_of(choice: Choice) -> MatrixFilter:
    return MatrixFilter(
        name=choice.name,
        target=choice.target,
        state=choice.state,
        regressed=choice.regressed,
        mine=bool(choice.owner),
    )


def _aligned(
    cells: dict[str, CellView], columns: Sequence[TargetHead]
) -> Sequence[CellView | None]:
    return [cells.get(column.target) for column in columns]


def pages(ports: WebPorts, figures: Figures) -> Sequence[Page]:
    """Return the matrix."""
    return (
        Page(
            path="/matrix",
            template="matrix.html",
            title="Matrix",
            show=MatrixPage(site=ports.site, figures=figures).show,
            says="All projects by all targets: how the newest version of each stands.",
            query=FILTERS,
        ),
    )
