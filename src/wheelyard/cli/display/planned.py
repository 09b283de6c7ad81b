"""A plan before it is carried out, as people want to see it."""

from collections import Counter
from collections.abc import Sequence
from enum import StrEnum

import msgspec
from rich.console import Console

from wheelyard.cli.display.console import say
from wheelyard.cli.display.table import print_choices, print_exclusions, print_hint
from wheelyard.plan.drawing import dot, edges_of, svg
from wheelyard.plan.planner import Planner
from wheelyard.plan.summary import Ending, Row
from wheelyard.plan.tree import action, tree, why
from wheelyard.plan.unit import State, Unit


class PlanFormat(StrEnum):
    """How a plan is printed."""

    TREE = "tree"
    JSON = "json"
    DOT = "dot"
    SVG = "svg"


def print_plan(
    console: Console, planner: Planner, rows: Sequence[Row], plan_format: PlanFormat
) -> None:
    """Print a plan; drawings and JSON go out as they are."""
    match plan_format:
        case PlanFormat.TREE:
            _print_tree(console, planner, rows)
        case PlanFormat.JSON:
            console.file.write(as_json(planner) + "\n")
        case PlanFormat.DOT:
            console.file.write(dot(planner.board))
        case PlanFormat.SVG:
            console.file.write(svg(planner.board))


def as_json(planner: Planner) -> str:
    """Return the plan as JSON: units with what is done about them and why, edges, cycles, what is left out."""
    board = planner.board
    plan = {
        "units": [
            {
                "release": str(key.release),
                "target": str(key.target),
                "action": action(board, board.units[key]),
                "key": board.units[key].key,
                "why": why(board, key),
                "older": board.units[key].pin.older,
                "yanked": board.units[key].pin.yanked,
            }
            for key in sorted(board.units, key=lambda key: key.order)
        ],
        "edges": [
            {"unit": str(edge.unit), "needs": str(edge.needed), "kind": edge.kind.value}
            for edge in edges_of(board)
        ],
        "cycles": [str(broken) for broken in planner.cycles],
        "left_out": [
            {"requirement": e.requirement, "target": str(e.target), "reason": e.reason}
            for e in planner.exclusions
        ],
    }
    return msgspec.json.format(msgspec.json.encode(plan), indent=2).decode()


def _print_tree(console: Console, planner: Planner, rows: Sequence[Row]) -> None:
    for line in tree(planner.board, planner.roots):
        say(console, line, fold=False)
    for broken in planner.cycles:
        say(console, str(broken), "magenta")
    print_exclusions(console, planner.exclusions)
    for row in rows:
        if row.ending is Ending.FAILED:
            say(console, f"cannot be built: {row.unit}: {row.reason}", "red")
            print_hint(console, row.hint)
    print_choices(console, rows)
    counted = Counter(_kind(unit) for unit in planner.board.units.values())
    words = ", ".join(f"{count} {kind}" for kind, count in sorted(counted.items()))
    say(console, words or "nothing to do", "bold")


def _kind(unit: Unit) -> str:
    """Say in a word or two what is done about a unit, to be counted."""
    if unit.provision is not None:
        return unit.provision.value
    match unit.state:
        case State.GATED:
            return "after a probe"
        case State.FAILED:
            return "that cannot be built"
        case State.SKIPPED | State.NOT_APPLICABLE:
            return unit.state.value
        case _:
            return "to build"
