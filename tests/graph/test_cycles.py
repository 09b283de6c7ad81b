"""Cycles are found, and cut where it costs least."""

from hypothesis import given
from hypothesis import strategies as st

from wheelyard.graph.cycles import (
    components,
    edges_to_cut,
    seeds_for,
    shortest_cycle,
    without_edges,
    without_providers,
)

GRAPHS = st.dictionaries(
    st.integers(0, 7), st.lists(st.integers(0, 7), max_size=4), min_size=1, max_size=8
)


def test_graph_without_cycles_has_no_components() -> None:
    assert components({"a": ["b"], "b": ["c"], "c": []}) == []


def test_node_that_points_to_itself_is_a_cycle() -> None:
    assert components({"a": ["a"], "b": ["a"]}) == [frozenset("a")]


def test_successors_that_are_not_nodes_are_left_out() -> None:
    assert components({"a": ["gone"]}) == []


def test_chain_of_100_000_nodes_works() -> None:
    chain = {number: [number + 1] for number in range(100_000)}
    chain[100_000] = [0]

    assert len(components(chain)[0]) == 100_001


def test_shortest_way_round_is_found() -> None:
    edges = {"a": ["b", "x"], "b": ["c"], "c": ["a"], "x": ["a"]}

    assert shortest_cycle(edges, "a") == ("a", "x")
    assert shortest_cycle({"a": ["b"], "b": []}, "a") == ()


def test_fewest_edges_are_cut() -> None:
    edges = {"hub": ["x", "y"], "x": ["hub"], "y": ["hub"], "z": ["hub"]}
    cheap = [("hub", "x"), ("hub", "y"), ("x", "hub"), ("z", "hub")]

    cut = edges_to_cut(edges, cheap)

    assert len(cut) == 2
    assert ("z", "hub") not in cut


def test_one_seed_is_enough_for_cycles_that_share_a_member() -> None:
    edges = {"hub": ["x", "y"], "x": ["hub"], "y": ["hub"]}

    assert seeds_for(edges, lambda _: True) == ("hub",)
    assert seeds_for(edges, lambda node: node != "hub") == ("x", "y")
    assert seeds_for(edges, lambda _: False) is None


@given(GRAPHS)
def test_seeds_leave_no_cycle(edges: dict[int, list[int]]) -> None:
    chosen = seeds_for(edges, lambda _: True)

    assert chosen is not None
    rest = {node: tuple(to) for node, to in edges.items()}
    for seed in chosen:
        rest = without_providers(rest, {seed})
    assert components(rest) == []


@given(GRAPHS)
def test_cutting_any_edge_can_break_every_cycle(edges: dict[int, list[int]]) -> None:
    cheap = [(node, to) for node, successors in edges.items() for to in successors]

    cut = edges_to_cut(edges, cheap)

    rest = {node: tuple(to) for node, to in edges.items()}
    for edge in cut:
        rest = without_edges(rest, {edge})
    assert components(rest) == []
    for spared in cut:
        less = {node: tuple(to) for node, to in edges.items()}
        for edge in cut:
            if edge != spared:
                less = without_edges(less, {edge})
        assert components(less) != []


@given(GRAPHS, st.randoms(use_true_random=False))
def test_answers_do_not_depend_on_the_order_of_edges(
    edges: dict[int, list[int]], random: object
) -> None:
    nodes = list(edges)
    random.shuffle(nodes)  # type: ignore[attr-defined]
    shuffled = {node: list(reversed(edges[node])) for node in nodes}

    assert components(edges) == components(shuffled)
    assert seeds_for(edges, lambda _: True) == seeds_for(shuffled, lambda _: True)
