"""Who comes first, and that everybody comes."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from wheelyard.jobs.priority import Worth, in_fair_order, levels, rank, terms

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
WORTHS = st.builds(
    Worth,
    submitted=st.just(NOON),
    priority=st.integers(-5, 5),
    path_seconds=st.floats(0, 1e6),
    dependants=st.integers(0, 100_000),
)


def test_what_people_want_more_comes_first() -> None:
    assert rank(Worth(submitted=NOON, priority=1)) < rank(Worth(submitted=NOON))


def test_what_more_wait_for_comes_first() -> None:
    one = Worth(submitted=NOON, dependants=100)
    assert rank(one) < rank(Worth(submitted=NOON, dependants=3))


def test_the_head_of_a_long_chain_comes_first() -> None:
    assert rank(Worth(submitted=NOON, path_seconds=900)) < rank(
        Worth(submitted=NOON, path_seconds=60)
    )


@given(WORTHS, WORTHS)
def test_whoever_waits_long_enough_comes_before_everything_younger(
    old: Worth, young: Worth
) -> None:
    later = Worth(
        submitted=NOON + timedelta(days=15),
        priority=young.priority,
        path_seconds=young.path_seconds,
        dependants=young.dependants,
    )
    assert rank(old) < rank(later)


@given(WORTHS, st.integers(-4, 4))
def test_raising_a_job_that_waits_is_the_same_as_asking_for_it_so(worth: Worth, by: int) -> None:
    raised = Worth(
        submitted=worth.submitted,
        priority=worth.priority + by,
        path_seconds=worth.path_seconds,
        dependants=worth.dependants,
    )
    assert abs(rank(worth) + levels(by) - rank(raised)) <= 1


def test_each_term_is_named_for_people() -> None:
    assert [term.name for term in terms(Worth(submitted=NOON))] == [
        "priority",
        "critical path",
        "dependants",
    ]


def test_who_runs_least_of_their_share_comes_first() -> None:
    order = in_fair_order(["a", "b", "c"], {"a": 4, "b": 2, "c": 3}, {"a": 4.0})
    assert order == ("a", "b", "c")
