"""A plan can be read as a tree and looked at as a drawing."""

from xml.etree import ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st

from plan.world import Package, World
from wheelyard.graph.levels import levels
from wheelyard.plan.drawing import dot, edges_of, svg
from wheelyard.plan.planner import Planner
from wheelyard.plan.tree import tree, why


def planned() -> Planner:
    world = World(
        {
            "app": Package(build=("tool",), run=("lib",)),
            "lib": Package(build=("tool",)),
            "tool": Package(),
        }
    )
    return world.plan(["app"])[0]


def test_tree_shows_each_edge_with_its_kind_and_opens_nothing_twice() -> None:
    planner = planned()

    lines = list(tree(planner.board, planner.roots))

    assert lines == [
        "app 1.0 cp311 [built]",
        "├─ run: lib 1.0 cp311 [built]",
        "│  └─ build: tool 1.0 cp311 [built]",
        "└─ build: tool 1.0 cp311 [built]",
    ]


def test_each_unit_says_why_it_is_there() -> None:
    board = planned().board
    (tool,) = [key for key in board.units if key.release.project == "tool"]

    sentences = why(board, tool)

    assert len(sentences) == 2
    assert all("needs it to be built" in sentence for sentence in sentences)


def test_drawings_hold_every_unit_and_edge() -> None:
    board = planned().board

    document = ET.fromstring(svg(board))  # noqa: S314 - our own text
    boxes = [box for box in document.iter() if box.tag.endswith("rect")]
    curves = [curve for curve in document.iter() if curve.tag.endswith("path")]

    assert len(boxes) == 1 + len(board.units)
    assert len(curves) == len(edges_of(board)) == 3
    assert dot(board).count("->") == 3


@given(st.dictionaries(st.integers(0, 9), st.lists(st.integers(0, 9), max_size=4)))
def test_levels_put_everything_above_what_it_needs(needs: dict[int, list[int]]) -> None:
    found = levels(needs)
    level = {node: number for number, members in enumerate(found) for node in members}

    assert sorted(level) == sorted(needs)
    for node, needed in needs.items():
        assert all(level[to] <= level[node] for to in needed if to in needs)


def test_levels_of_a_long_chain() -> None:
    chain = {number: [number + 1] for number in range(50_000)}

    assert len(levels(chain)) == 50_000
