"""A plan as a drawing: Graphviz text, or an SVG that needs no other program.

Columns are levels: what is in a column needs only what is to its left.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape

from wheelyard.graph.levels import levels
from wheelyard.model.counted import plural
from wheelyard.plan.board import Board
from wheelyard.plan.events import UnitId
from wheelyard.plan.tree import action
from wheelyard.plan.unit import EdgeKind, Provision, State, Unit

_WIDTH, _HEIGHT, _GAP_X, _GAP_Y, _MARGIN = 190, 34, 70, 12, 24
_FILL = {
    "build": "#dbeafe",
    "there": "#dcfce7",
    "upstream": "#fae8ff",
    "after": "#f1f5f9",
    "bad": "#fee2e2",
}


@dataclass(frozen=True, slots=True, order=True)
class Edge:
    """``unit`` needs ``needed``."""

    unit: UnitId
    needed: UnitId
    kind: EdgeKind


def edges_of(board: Board) -> tuple[Edge, ...]:
    """Return every edge of a plan, sorted."""
    found = set()
    for key, unit in board.units.items():
        found |= {Edge(key, other, EdgeKind.BUILD) for other in unit.builds}
        found |= {Edge(key, other, EdgeKind.HOST) for other in unit.hosts}
        found |= {Edge(key, other, EdgeKind.RUN) for other in unit.runs if other not in unit.builds}
        known = {*unit.builds, *unit.runs}
        found |= {Edge(key, o, EdgeKind.TEST) for o in unit.tests or () if o not in known}
    return tuple(sorted(edge for edge in found if edge.needed in board.units))


def dot(board: Board) -> str:
    """Return the plan as Graphviz text."""
    lines = ["digraph plan {", "  rankdir=RL;", '  node [shape=box, style="rounded,filled"];']
    for key in sorted(board.units, key=lambda key: key.order):
        unit = board.units[key]
        label = f"{_name(key)}\\n{action(board, unit)}".replace('"', r"\"")
        lines.append(f'  "{key}" [label="{label}", fillcolor="{_FILL[_kind(unit)]}"];')
    for edge in edges_of(board):
        style = "solid" if edge.kind is EdgeKind.BUILD else "dashed"
        lines.append(f'  "{edge.unit}" -> "{edge.needed}" [style={style}];')
    return "\n".join([*lines, "}", ""])


def svg(board: Board) -> str:
    """Return the plan as an SVG document."""
    edges = edges_of(board)
    places = _places(board, edges)
    columns = 1 + max((column for column, _ in places.values()), default=0)
    rows = 1 + max((row for _, row in places.values()), default=0)
    width = 2 * _MARGIN + columns * (_WIDTH + _GAP_X) - _GAP_X
    height = 2 * _MARGIN + rows * (_HEIGHT + _GAP_Y) + 30
    parts = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
            f'viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="12" role="img">'
        ),
        f"<title>{plural(len(places), 'wheel')} and what they need</title>",
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
    ]
    parts += [_curve(places[edge.unit], places[edge.needed], edge.kind) for edge in edges]
    parts += [_box(board, key, place) for key, place in sorted(places.items())]
    parts.append(
        f'<text x="{_MARGIN}" y="{height - 12}" fill="#475569">solid: needed to build; '
        "dashed: needed to run or to be tested; each column needs only what is to its left</text>"
    )
    return "\n".join([*parts, "</svg>", ""])


def _places(board: Board, edges: tuple[Edge, ...]) -> dict[UnitId, tuple[int, float]]:
    """Give each unit a column (its level) and a row near what it needs."""
    needs: dict[UnitId, list[UnitId]] = {
        key: [] for key in sorted(board.units, key=lambda key: key.order)
    }
    for edge in edges:
        needs[edge.unit].append(edge.needed)
    places: dict[UnitId, tuple[int, float]] = {}
    for column, members in enumerate(levels(needs)):
        ranked = sorted(members, key=lambda key: (_mean_row(needs[key], places), str(key)))
        places |= {key: (column, row) for row, key in enumerate(ranked)}
    return places


def _mean_row(needed: list[UnitId], places: Mapping[UnitId, tuple[int, float]]) -> float:
    rows = [places[key][1] for key in needed if key in places]
    return sum(rows) / len(rows) if rows else 0.0


def _corner(place: tuple[int, float]) -> tuple[float, float]:
    column, row = place
    return _MARGIN + column * (_WIDTH + _GAP_X), _MARGIN + row * (_HEIGHT + _GAP_Y)


def _curve(unit: tuple[int, float], needed: tuple[int, float], kind: EdgeKind) -> str:
    x1, y1 = _corner(unit)
    x2, y2 = _corner(needed)
    x2 += _WIDTH
    y1, y2 = y1 + _HEIGHT / 2, y2 + _HEIGHT / 2
    bend = max(30.0, (x1 - x2) / 2)
    dashes = "" if kind is EdgeKind.BUILD else ' stroke-dasharray="4 3"'
    return (
        f'<path d="M{x1:g},{y1:g} C{x1 - bend:g},{y1:g} {x2 + bend:g},{y2:g} {x2:g},{y2:g}" '
        f'fill="none" stroke="#94a3b8"{dashes}/>'
    )


def _box(board: Board, key: UnitId, place: tuple[int, float]) -> str:
    x, y = _corner(place)
    unit = board.units[key]
    middle = x + _WIDTH / 2
    return (
        f"<g><title>{escape(str(key))}: {escape(action(board, unit))}</title>"
        f'<rect x="{x:g}" y="{y:g}" width="{_WIDTH}" height="{_HEIGHT}" rx="6" '
        f'fill="{_FILL[_kind(unit)]}" stroke="#64748b"/>'
        f'<text x="{middle:g}" y="{y + 14:g}" text-anchor="middle">{escape(_name(key)[:30])}</text>'
        f'<text x="{middle:g}" y="{y + 28:g}" text-anchor="middle" font-size="10" '
        f'fill="#475569">{escape(action(board, unit)[:34])}</text></g>'
    )


def _name(key: UnitId) -> str:
    return f"{key.release.project} {key.release.version} {key.target.interpreter}"


def _kind(unit: Unit) -> str:
    if unit.provision is Provision.UPSTREAM:
        return "upstream"
    if unit.provision is not None:
        return "there"
    if unit.state in {State.FAILED, State.SKIPPED, State.NOT_APPLICABLE}:
        return "bad"
    return "after" if unit.state is State.GATED else "build"
