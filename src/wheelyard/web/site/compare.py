"""Two requests side by side: what is newly broken, what is fixed, and what is the same."""

from collections.abc import Iterable, Sequence

import msgspec

from wheelyard.farm_ports import RequestStore
from wheelyard.jobs.cells import FAILURES
from wheelyard.model.request import Request, RequestId
from wheelyard.site_ports import JobLine, SiteStore
from wheelyard.web.endpoint import Call, Parameter
from wheelyard.web.ports import WebPorts
from wheelyard.web.refusals import not_there
from wheelyard.web.requests import RequestView, view_of
from wheelyard.web.site.page import Page
from wheelyard.web.site.versions import version_of

_JOBS = 20_000
_LISTED = 200


class SideView(msgspec.Struct, kw_only=True):
    """How a project stood for a target in one of the requests."""

    version: str
    state: str
    reason: str
    key: str


class Pair(msgspec.Struct, kw_only=True):
    """A project for a target, in both requests; null where one of them had no job for it."""

    project: str
    target: str
    a: SideView | None
    b: SideView | None


class Group(msgspec.Struct, kw_only=True):
    """Pairs of which the same can be said; ``pairs`` are the first ones."""

    name: str
    count: int
    pairs: Sequence[Pair]


class Comparison(msgspec.Struct, kw_only=True):
    """Two requests. Without both, only the newest ones to choose from are given."""

    a: RequestView | None
    b: RequestView | None
    groups: Sequence[Group]
    choices: Sequence[RequestView]


class ComparePage:
    """Compares requests."""

    def __init__(self, *, site: SiteStore, requests: RequestStore) -> None:
        self._site = site
        self._requests = requests

    async def show(self, call: Call) -> Comparison:
        """Show two requests side by side."""
        a, b = await self._request(call.text("a")), await self._request(call.text("b"))
        choices = [view_of(one) for one in await self._requests.find(limit=50)]
        groups: Sequence[Group] = ()
        if a is not None and b is not None:
            groups = compare(
                await self._site.jobs_of_request(a.id, limit=_JOBS),
                await self._site.jobs_of_request(b.id, limit=_JOBS),
            )
        return Comparison(
            a=view_of(a) if a else None, b=view_of(b) if b else None, groups=groups, choices=choices
        )

    async def _request(self, name: str) -> Request | None:
        if not name:
            return None
        found = None if "\0" in name else await self._requests.get(RequestId(name))
        if found is None:
            raise not_there("request", name)
        return found


def compare(a: Iterable[JobLine], b: Iterable[JobLine]) -> Sequence[Group]:
    """Compare the jobs of two requests, by release and target; where the version changed, by project and target."""
    groups: dict[str, list[Pair]] = {
        name: [] for name in ("newly broken", "fixed", "differs", "only in A", "only in B", "same")
    }
    for (project, target), (one, other) in _paired(a, b):
        pair = Pair(project=project, target=target, a=_side(one), b=_side(other))
        groups[_name(one, other)].append(pair)
    return [
        Group(name=name, count=len(pairs), pairs=pairs[:_LISTED]) for name, pairs in groups.items()
    ]


_Place = tuple[str, str]
_Two = tuple[JobLine | None, JobLine | None]


def _paired(a: Iterable[JobLine], b: Iterable[JobLine]) -> Iterable[tuple[_Place, _Two]]:
    left, right = _by_release(a), _by_release(b)
    both = left.keys() & right.keys()
    pairs: list[tuple[_Place, _Two]] = [
        ((one[0], one[2]), (left.pop(one), right.pop(one))) for one in both
    ]
    rest_a, rest_b = _by_place(left.values()), _by_place(right.values())
    pairs += [
        (place, (rest_a.get(place), rest_b.get(place))) for place in rest_a.keys() | rest_b.keys()
    ]
    return sorted(pairs, key=lambda pair: pair[0])


def _by_release(lines: Iterable[JobLine]) -> dict[tuple[str, str, str], JobLine]:
    found: dict[tuple[str, str, str], JobLine] = {}
    for line in lines:
        place = (line.project, line.version, line.target)
        before = found.get(place)
        # Of several jobs for one release, the one with the latest word counts.
        if before is None or str(line.changed or "") > str(before.changed or ""):
            found[place] = line
    return found


def _by_place(lines: Iterable[JobLine]) -> dict[_Place, JobLine]:
    ordered = sorted(lines, key=lambda line: version_of(line.version))
    return {(line.project, line.target): line for line in ordered}


def _name(a: JobLine | None, b: JobLine | None) -> str:
    if a is None:
        return "only in B"
    if b is None:
        return "only in A"
    if a.state == b.state:
        return "same"
    if b.state in FAILURES and a.state not in FAILURES:
        return "newly broken"
    if a.state in FAILURES and b.state == "built":
        return "fixed"
    return "differs"


def _side(line: JobLine | None) -> SideView | None:
    if line is None:
        return None
    return SideView(version=line.version, state=line.state, reason=line.reason, key=line.key)


def pages(ports: WebPorts) -> Sequence[Page]:
    """Return where requests are compared."""
    return (
        Page(
            path="/requests/compare",
            template="compare.html",
            title="Requests compared",
            show=ComparePage(site=ports.site, requests=ports.requests).show,
            says="Two requests side by side: newly broken, fixed, and the same.",
            query=(
                Parameter(name="a", says="The request that came first."),
                Parameter(name="b", says="The one that is compared with it."),
            ),
        ),
    )
