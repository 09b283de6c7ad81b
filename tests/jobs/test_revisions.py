"""A build of a revision nearby."""

from wheelyard.jobs.revisions import nearest_within


def test_a_build_within_the_range_serves() -> None:
    assert nearest_within(100, 5, [90, 96, 104]) == 104
    assert nearest_within(100, 5, [97, 104]) == 97
    assert nearest_within(100, 3, [90, 104]) is None
    assert nearest_within(100, 0, [100]) == 100
