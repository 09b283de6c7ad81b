"""Who is proposed first, and how many at once."""

from wheelyard.graph.order import Layout
from wheelyard.migrate.priority import Limits, chosen, ranked

LAYOUT = Layout({"a": [], "b": [], "c": ["a"], "d": ["c"], "e": ["b"], "f": ["a"]})


def test_the_nearer_comes_first_and_then_who_has_more_descendants() -> None:
    assert ranked("fedcba", LAYOUT, lambda _: 0) == ["a", "b", "c", "e", "f", "d"]


def test_who_waits_long_enough_passes_everybody() -> None:
    waited = {"d": 35.0}

    order = ranked("abd", LAYOUT, lambda node: waited.get(node, 5.0), patience=10.0)

    assert order == ["d", "a", "b"]


def test_more_are_open_as_more_get_published_up_to_a_limit() -> None:
    limits = Limits(first=2, most=5)

    assert [limits.open_at_once(published=n, failed=0) for n in (0, 1, 3, 9)] == [2, 3, 5, 5]


def test_few_are_open_where_most_fail() -> None:
    assert Limits(first=2, most=5).open_at_once(published=3, failed=4) == 2


def test_no_more_are_chosen_than_may_be_open() -> None:
    limits = Limits(first=2, most=5)

    assert chosen("abcd", limits, opened=1, published=1, failed=0) == ["a", "b"]
    assert chosen("abcd", limits, opened=9, published=1, failed=0) == []
