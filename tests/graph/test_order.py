"""Order, depth and descendants of a graph."""

from hypothesis import given
from hypothesis import strategies as st

from wheelyard.graph.cycles import components
from wheelyard.graph.order import Layout, order, reachable

NAMES = [f"n{number}" for number in range(8)]
GRAPHS = st.dictionaries(
    st.sampled_from(NAMES), st.lists(st.sampled_from(NAMES), max_size=5), min_size=1
)


@given(GRAPHS)
def test_every_node_comes_once_and_parents_of_other_components_first(
    parents: dict[str, list[str]],
) -> None:
    found = order(parents)

    place = {node: number for number, node in enumerate(found)}
    group = {node: part for part in components(parents) for node in part}
    assert sorted(found) == sorted(parents)
    for node, its_parents in parents.items():
        for parent in its_parents:
            if parent in parents and parent not in group.get(node, {node}):
                assert place[parent] < place[node]


@given(GRAPHS, st.randoms())
def test_the_answers_do_not_depend_on_how_the_graph_was_written(
    parents: dict[str, list[str]], random: st.DataObject
) -> None:
    items = [(node, sorted(its_parents, reverse=True)) for node, its_parents in parents.items()]
    random.shuffle(items)  # type: ignore[attr-defined]
    one, other = Layout(parents), Layout(dict(items))

    assert one.order() == other.order()
    assert one.depths == other.depths
    assert one.descendants == other.descendants


@given(GRAPHS)
def test_descendants_are_the_nodes_that_can_be_reached(parents: dict[str, list[str]]) -> None:
    layout = Layout(parents)

    for node in parents:
        assert layout.descendants[node] == len(reachable(layout.children, [node])) - 1


@given(GRAPHS)
def test_a_node_is_one_step_above_its_highest_parent(parents: dict[str, list[str]]) -> None:
    layout = Layout(parents)
    group = {node: part for part in layout.cycles for node in part}

    for node in parents:
        members = group.get(node, {node})
        outside = [
            layout.depths[parent]
            for member in members
            for parent in parents[member]
            if parent in parents and parent not in members
        ]
        assert layout.depths[node] == 1 + max(outside, default=-1)


def test_members_of_a_cycle_come_together_in_the_order_that_is_wanted() -> None:
    parents = {"a": ["c"], "b": ["a"], "c": ["b"], "d": ["c"], "e": []}

    found = order(parents, lambda part: sorted(part, reverse=True))

    assert found == ["c", "b", "a", "d", "e"]


def test_a_chain_of_100_000_works() -> None:
    parents = {f"c{n}": [f"c{n - 1}"] if n else [] for n in range(100_000)}
    layout = Layout(parents)

    assert layout.order()[-1] == "c99999"
    assert layout.depths["c99999"] == 99_999
    assert layout.descendants["c0"] == 99_999
