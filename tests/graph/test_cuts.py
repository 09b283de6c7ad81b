"""Which edges of cycles are cut."""

from collections.abc import Iterator
from itertools import combinations

from hypothesis import given, settings
from hypothesis import strategies as st

from wheelyard.graph.cuts import Cut, cuts
from wheelyard.graph.cycles import components

NAMES = "abcde"
Ranked = dict[Cut, int]
RANKED = st.dictionaries(
    st.tuples(st.sampled_from(NAMES), st.sampled_from(NAMES)), st.integers(0, 2), max_size=9
)


def without(ranked: Ranked, cut: set[Cut]) -> dict[str, list[str]]:
    return {
        node: [source for source, to in ranked if to == node and (source, to) not in cut]
        for node in NAMES
    }


def weight(ranked: Ranked, cut: tuple[Cut, ...]) -> tuple[int, ...]:
    return tuple(sum(ranked[edge] == rank for edge in cut) for rank in (2, 1, 0))


def all_answers(ranked: Ranked) -> Iterator[tuple[Cut, ...]]:
    for size in range(len(ranked) + 1):
        for cut in combinations(sorted(ranked), size):
            if not components(without(ranked, set(cut))):
                yield cut


@settings(max_examples=60, deadline=None)
@given(RANKED)
def test_no_answer_cuts_fewer_edges_of_the_highest_rank_and_then_of_the_next(
    ranked: Ranked,
) -> None:
    found = cuts(without(ranked, set()), lambda source, to: ranked[source, to])

    assert not components(without(ranked, set(found)))
    assert weight(ranked, found) == min(weight(ranked, cut) for cut in all_answers(ranked))


def test_two_needs_at_run_time_are_cut_before_one_for_building() -> None:
    ranked = {("a", "b"): 2, ("b", "c"): 1, ("c", "a"): 2, ("b", "d"): 1, ("d", "a"): 2}

    assert cuts(without(ranked, set()), lambda source, to: ranked[source, to]) == (
        ("b", "c"),
        ("b", "d"),
    )


def test_a_large_tangle_is_cut_without_a_search_for_the_best() -> None:
    size = 600
    parents = {
        f"n{number}": [f"n{(number * step + 1) % size}" for step in (1, 7, 13, 31)]
        for number in range(size)
    }

    cut = set(cuts(parents, lambda _source, to: int(to[-1]) % 2))

    left = {
        node: [one for one in its_parents if (one, node) not in cut]
        for node, its_parents in parents.items()
    }
    assert not components(left)
    assert len(cut) < size * 2
