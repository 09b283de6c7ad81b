"""A migration as its page shows it: its progress over time, its packages, and its graph where it is small."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import msgspec

from wheelyard.campaign_ports import Campaign, Turn
from wheelyard.campaigns.running import Running
from wheelyard.migrate.states import State

_MOMENTS = 48
_DRAWN = 60
_BLOCKERS = 25
_WIDE, _HIGH = 170, 30
PUBLISHED = "published"
_GROUPS: Mapping[State, str] = {
    State.PUBLISHED: PUBLISHED,
    State.MERGED: "asked",
    State.PROPOSED: "asked",
    State.AWAITING_PROPOSAL: "waiting",
    State.AWAITING_PARENTS: "waiting",
    State.FAILED: "stuck",
    State.NOT_SOLVABLE: "stuck",
    State.NEEDS_DECISION: "stuck",
}


class MomentView(msgspec.Struct, kw_only=True):
    """How many packages were published, asked for (proposed or merged), waiting and stuck at a moment."""

    at: datetime
    published: int
    asked: int
    waiting: int
    stuck: int


class BlockerView(msgspec.Struct, kw_only=True):
    """Who keeps others waiting, and how many."""

    package: str
    state: str
    waiting: int
    why: str


class PackageView(msgspec.Struct, kw_only=True):
    """A package of a migration."""

    package: str
    repository: str
    state: str
    since: datetime
    why: str
    proposal: str
    depth: int
    descendants: int
    waits_for: Sequence[str]


class LevelView(msgspec.Struct, kw_only=True):
    """The packages that stand equally high above those that need nothing, counted."""

    depth: int
    packages: int
    published: int
    asked: int
    waiting: int
    stuck: int


class NodeView(msgspec.Struct, kw_only=True):
    """A package in the picture of the graph."""

    package: str
    state: str
    group: str
    x: int
    y: int


class NeedView(msgspec.Struct, kw_only=True):
    """A need in the picture of the graph. ``cut``: of a cycle, and not waited for."""

    x1: int
    y1: int
    x2: int
    y2: int
    cut: bool


class GraphView(msgspec.Struct, kw_only=True):
    """The graph, drawn."""

    width: int
    height: int
    nodes: Sequence[NodeView]
    lines: Sequence[NeedView]


class MigrationLine(msgspec.Struct, kw_only=True):
    """A migration in a line."""

    name: str
    mode: str
    rule: str
    owner: str
    created: datetime
    closed: datetime | None
    note: str
    packages: int
    counts: dict[str, int]
    groups: dict[str, int]


class MigrationView(msgspec.Struct, kw_only=True):
    """A migration with all that is known of it. ``graph`` is there where it is small."""

    name: str
    line: MigrationLine
    history: Sequence[MomentView]
    blockers: Sequence[BlockerView]
    levels: Sequence[LevelView]
    packages: Sequence[PackageView]
    shown: int
    left_out: dict[str, str]
    cut: Sequence[Sequence[str]]
    graph: GraphView | None


def line_of(running: Running) -> MigrationLine:
    """Return a migration in a line."""
    campaign: Campaign = running.campaign
    counts = running.progress.counts()
    return MigrationLine(
        name=campaign.name,
        mode=campaign.mode.value,
        rule=campaign.rule,
        owner=campaign.owner,
        created=campaign.created,
        closed=campaign.closed,
        note=campaign.note,
        packages=len(running.members),
        counts={state.value: count for state, count in counts.items()},
        groups=_grouped(counts),
    )


def _grouped(counts: Mapping[State, int]) -> dict[str, int]:
    found = dict.fromkeys((PUBLISHED, "asked", "waiting", "stuck"), 0)
    for state, count in counts.items():
        found[_GROUPS[state]] += count
    return found


def migration_view(
    running: Running, turns: Sequence[Turn], now: datetime, *, only: str, limit: int
) -> MigrationView:
    """Return a migration; ``turns`` are the newest first, ``only`` is a state or empty."""
    progress = running.progress
    order = [name for name in progress.members.order() if only in {"", progress.state(name).value}]
    return MigrationView(
        name=running.campaign.name,
        line=line_of(running),
        history=history_of(running, turns, now),
        blockers=[
            BlockerView(
                package=name,
                state=progress.state(name).value,
                waiting=count,
                why=running.why(name),
            )
            for name, count in progress.blockers()[:_BLOCKERS]
        ],
        levels=_levels(running),
        packages=[package_view(running, name) for name in order[:limit]],
        shown=len(order),
        left_out={name: reason.value for name, reason in running.campaign.left_out},
        cut=sorted(progress.cut),
        graph=_graph(running) if len(running.members) <= _DRAWN else None,
    )


def package_view(running: Running, name: str) -> PackageView:
    """Return one package of a migration."""
    member, progress = running.members[name], running.progress
    return PackageView(
        package=name,
        repository=member.repository,
        state=progress.state(name).value,
        since=member.changed,
        why=running.why(name),
        proposal=member.url,
        depth=progress.layout.depths[name],
        descendants=progress.layout.descendants[name],
        waits_for=progress.missing(name),
    )


def history_of(running: Running, turns: Sequence[Turn], now: datetime) -> list[MomentView]:
    """Count the packages at moments that are equally far apart, from its beginning to now or its end."""
    begun, end = running.campaign.created, running.campaign.closed or now
    step = max((end - begun) / (_MOMENTS - 1), timedelta(seconds=1))
    counts = dict.fromkeys(State, 0)
    states: dict[str, State] = {}
    rest = list(turns)
    found = []
    for number in range(_MOMENTS):
        at = begun + number * step
        while rest and rest[-1].at <= at:
            turn = rest.pop()
            if turn.package in states:
                counts[states[turn.package]] -= 1
            states[turn.package] = turn.state
            counts[turn.state] += 1
        found.append(MomentView(at=at, **_grouped(counts)))
        if at >= end:
            break
    return found


def _levels(running: Running) -> list[LevelView]:
    progress = running.progress
    counts: dict[int, dict[State, int]] = {}
    for name, state in progress.states.items():
        level = counts.setdefault(progress.layout.depths[name], dict.fromkeys(State, 0))
        level[state] += 1
    return [
        LevelView(depth=depth, packages=sum(level.values()), **_grouped(level))
        for depth, level in sorted(counts.items())
    ]


def _graph(running: Running) -> GraphView:
    progress = running.progress
    rows: dict[int, int] = {}
    nodes: dict[str, NodeView] = {}
    for name in progress.members.order():
        depth = progress.layout.depths[name]
        row = rows.get(depth, 0)
        rows[depth] = row + 1
        state = progress.state(name)
        nodes[name] = NodeView(
            package=name,
            state=state.value,
            group=_GROUPS[state],
            x=10 + _WIDE * depth,
            y=20 + _HIGH * row,
        )
    lines = [
        NeedView(
            x1=nodes[parent].x,
            y1=nodes[parent].y,
            x2=nodes[name].x,
            y2=nodes[name].y,
            cut=(parent, name) in progress.cut,
        )
        for name, parents in progress.members.parents.items()
        for parent in parents
    ]
    return GraphView(
        width=_WIDE * (1 + max(rows, default=0)),
        height=20 + _HIGH * max(rows.values(), default=0),
        nodes=list(nodes.values()),
        lines=lines,
    )
